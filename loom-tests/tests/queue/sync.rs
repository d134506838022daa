//! loom's meaning of every name in `src/sync.rs`: those the ring needs, and what the queue adds.

#[allow(dead_code, unused_imports)] // no model of the queue stops a thread
#[path = "../loom/sync.rs"]
mod of_the_ring;

use std::ops::Deref;
use std::task::Waker;

pub(crate) use loom::sync::Mutex;

pub(crate) use self::of_the_ring::{
    Ordering, PLAIN_MEMORY, UnsafeCell, in_model, pause, yield_now,
};

/// An atomic whose first value counts as stored with `SeqCst`. Otherwise loom lets a `SeqCst` load
/// read it although a `SeqCst` store came before, which the language forbids: what the load reads was
/// overwritten by that store, so the load would have to come first.
macro_rules! atomic {
    ($name:ident, $int:ident) => {
        #[derive(Debug)]
        pub(crate) struct $name(loom::sync::atomic::$name);

        impl $name {
            pub(crate) fn new(value: $int) -> Self {
                let atomic = loom::sync::atomic::$name::new(value);
                // Nobody else knows of it, so there is nothing to explore here; and nobody may run
                // here, because it may be made inside a `OnceBox`.
                loom::stop_exploring();
                atomic.store(value, Ordering::SeqCst);
                loom::explore();
                Self(atomic)
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(0)
            }
        }

        impl Deref for $name {
            type Target = loom::sync::atomic::$name;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    };
}

atomic!(AtomicU32, u32);
atomic!(AtomicU64, u64);

/// One lane, which all threads share: those of a model are one thread to the system.
pub(crate) const LANES: usize = 1;

#[derive(Clone, Copy)]
pub(crate) struct Lane;

impl Lane {
    pub(crate) fn index(self) -> usize {
        0
    }

    pub(crate) fn is_own(self) -> bool {
        false
    }
}

pub(crate) fn lane() -> Lane {
    Lane
}

/// As much of `atomic_waker::AtomicWaker` as the queue needs: one step a call, and each call has seen
/// what came before the one ahead of it.
pub(crate) struct AtomicWaker {
    calls: AtomicU32,
    /// Never contended: between the step and the access of this there is no other for loom.
    waker: std::sync::Mutex<Option<Waker>>,
}

impl AtomicWaker {
    pub(crate) fn new() -> Self {
        Self { calls: AtomicU32::new(0), waker: std::sync::Mutex::new(None) }
    }

    pub(crate) fn register(&self, waker: &Waker) {
        self.exchange(Some(waker.clone()));
    }

    pub(crate) fn wake(&self) {
        if let Some(waker) = self.exchange(None) {
            waker.wake();
        }
    }

    fn exchange(&self, waker: Option<Waker>) -> Option<Waker> {
        self.calls.fetch_add(1, Ordering::AcqRel);
        std::mem::replace(&mut *self.waker.lock().expect("nobody panics with it"), waker)
    }
}
