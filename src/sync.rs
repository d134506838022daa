//! The only file that names std's atomics and cells.
//!
//! The ring (and every other modelled file) imports these names from `crate::sync`. The package
//! `loom-tests` includes the same files beside a `sync` module of its own, which gives the same
//! names loom's meaning; so the code that is model-checked is the code that ships, with no flag.

use std::cell::Cell;
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

/// How many lanes there are for threads to count in.
pub(crate) const LANES: usize = OWN_LANES as usize + SHARED_LANES as usize;

/// Lanes that one thread has for itself.
const OWN_LANES: u32 = 12;

/// Lanes of those that came when all others were taken.
const SHARED_LANES: u32 = 4;

/// Where a thread counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lane(u32);

impl Lane {
    /// Which one, below [`LANES`].
    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }

    /// Whether no other thread counts there, so that a load and a store will do.
    #[inline]
    pub(crate) fn is_own(self) -> bool {
        self.0 < OWN_LANES
    }
}

/// Of each lane, whether a thread has it.
static TAKEN: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static LANE: Cell<Option<Lane>> = const { Cell::new(None) };
    static GIVES_BACK: GivesBack = GivesBack(take_lane());
}

/// Ends with its thread.
struct GivesBack(Lane);

impl Drop for GivesBack {
    fn drop(&mut self) {
        if self.0.is_own() {
            LANE.set(Some(Lane(OWN_LANES)));
            // ORDERING: Release, pairs with the Acquire of whoever has the lane next: it sees all that
            // was counted here.
            TAKEN.fetch_and(!(1 << self.0.0), Ordering::Release);
        }
    }
}

/// The lane of this thread, which it keeps until its end.
#[inline]
pub(crate) fn lane() -> Lane {
    LANE.get().unwrap_or_else(first_lane)
}

#[cold]
fn first_lane() -> Lane {
    // A thread that is about to end has none of its own any more.
    let lane = GIVES_BACK.try_with(|own| own.0).unwrap_or(Lane(OWN_LANES));
    LANE.set(Some(lane));
    lane
}

fn take_lane() -> Lane {
    static LATE: AtomicU32 = AtomicU32::new(0);
    let free = |taken: u32| {
        let first = taken.trailing_ones();
        (first < OWN_LANES).then(|| taken | 1 << first)
    };
    match TAKEN.fetch_update(Ordering::Acquire, Ordering::Relaxed, free) {
        Ok(before) => Lane(before.trailing_ones()),
        Err(_) => Lane(OWN_LANES + LATE.fetch_add(1, Ordering::Relaxed) % SHARED_LANES),
    }
}

/// Runs a test of one thread: a model's atomics work only inside a model.
#[cfg(test)]
pub(crate) fn in_model(test: impl Fn() + Send + Sync + 'static) {
    test();
}
