//! The only file that names std's atomics and cells.
//!
//! The ring (and every other modelled file) imports these names from `crate::sync`. The package
//! `loom-tests` includes the same files beside a `sync` module of its own, which gives the same
//! names loom's meaning; so the code that is model-checked is the code that ships, with no flag.

pub(crate) use std::sync::Mutex;
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
pub(crate) use std::thread::yield_now;

pub(crate) use atomic_waker::AtomicWaker;

/// Whether these atomics and cells are the memory of what they hold and nothing else: zeroed bytes
/// are valid ones, and many in a row can be accessed as one piece.
pub(crate) const PLAIN_MEMORY: bool = true;

/// Leaves the core to its other work for about the time of `count` pause instructions.
///
/// A function, because to a model any number of pauses is one chance for the others.
#[inline(never)]
pub(crate) fn pause(count: u32) {
    for _ in 0..count {
        std::hint::spin_loop();
    }
}

/// `std::cell::UnsafeCell` with loom's access by closure, so that a model sees each access.
#[repr(transparent)]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    #[inline(always)]
    pub(crate) const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Reads through a shared pointer; the caller argues that nobody writes meanwhile.
    #[inline(always)]
    pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    /// Writes through an exclusive pointer; the caller argues that nobody else looks meanwhile.
    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}

/// Runs a test of one thread: a model's atomics work only inside a model.
#[cfg(test)]
pub(crate) fn in_model(test: impl Fn() + Send + Sync + 'static) {
    test();
}
