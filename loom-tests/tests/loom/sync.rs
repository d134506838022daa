//! loom's meaning of every name in `src/sync.rs`.
//!
//! One thing is added: a thread may have been told to stop inside its claim window, which is where
//! it accesses a value, until a gate is opened.

use std::cell::RefCell;
use std::sync::Arc;

use loom::sync::Mutex;
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
pub(crate) use loom::thread::yield_now;

/// loom's atomics and cells know who accessed them.
pub(crate) const PLAIN_MEMORY: bool = false;

/// One chance for the other threads.
pub(crate) fn pause(_count: u32) {
    yield_now();
}

/// One execution, because there is one thread.
pub(crate) fn in_model(test: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 1_000_000;
    builder.check(test);
}

loom::thread_local! {
    static GATE: RefCell<Option<Arc<Mutex<()>>>> = RefCell::new(None);
}

/// Makes this thread stop at its next access of a value, and go on when it can lock `gate`.
pub(crate) fn stop_at_next_access(gate: Arc<Mutex<()>>) {
    GATE.with(|mine| *mine.borrow_mut() = Some(gate));
}

fn stop_if_told() {
    if let Some(gate) = GATE.with(|mine| mine.borrow_mut().take()) {
        drop(gate.lock());
    }
}

/// loom's cell, in which a race is an error, with the place to stop at.
pub(crate) struct UnsafeCell<T>(loom::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::cell::UnsafeCell::new(value))
    }

    pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        stop_if_told();
        self.0.with(read)
    }

    pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        stop_if_told();
        self.0.with_mut(write)
    }
}
