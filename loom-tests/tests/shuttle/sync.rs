//! shuttle's meaning of every name in `src/sync.rs`.
//!
//! To shuttle every order is sequentially consistent and memory races do not exist, so the cell
//! here looks for them: an access lasts for one step of the scheduler and may not overlap a write.

use std::sync::atomic::{AtomicI32, Ordering as StdOrdering};

pub(crate) use shuttle::sync::atomic::{AtomicU32, AtomicU64, Ordering};
pub(crate) use shuttle::thread::yield_now;

/// shuttle's atomics and the cells below are more than what they hold.
pub(crate) const PLAIN_MEMORY: bool = false;

/// One chance for the other threads.
pub(crate) fn pause(_count: u32) {
    yield_now();
}

/// One schedule, because there is one thread.
pub(crate) fn in_model(test: impl Fn() + Send + Sync + 'static) {
    shuttle::check_random(test, 1);
}

pub(crate) struct UnsafeCell<T> {
    /// How many read it now; below zero while somebody writes.
    accesses: AtomicI32,
    value: std::cell::UnsafeCell<T>,
}

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { accesses: AtomicI32::new(0), value: std::cell::UnsafeCell::new(value) }
    }

    pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        self.access(1, || read(self.value.get()))
    }

    pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        self.access(-1000, || write(self.value.get()))
    }

    fn access<R>(&self, kind: i32, access: impl FnOnce() -> R) -> R {
        let others = self.accesses.fetch_add(kind, StdOrdering::Relaxed);
        assert!(others == 0 || (others > 0 && kind > 0), "two threads in one slot");
        yield_now();
        let result = access();
        self.accesses.fetch_sub(kind, StdOrdering::Relaxed);
        result
    }
}
