//! An executor of one task: a thread that sleeps until it is woken. Where a wake-up is lost, all
//! threads sleep, which is an error to loom.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use loom::thread::{Thread, current, park, yield_now};

use crate::sync::{AtomicU32, Ordering};

struct Sleeper {
    /// Beside loom's own, which a thread that yields forgets.
    woken: AtomicU32,
    thread: Thread,
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.woken.swap(1, Ordering::AcqRel);
        self.thread.unpark();
    }
}

/// Polls, and sleeps in between, until it is ready.
pub fn block_on<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    let sleeper = Arc::new(Sleeper { woken: AtomicU32::new(0), thread: current() });
    let waker = Waker::from(Arc::clone(&sleeper));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = poll(&mut context) {
            return value;
        }
        while sleeper.woken.swap(0, Ordering::AcqRel) == 0 {
            park();
        }
        // Who was told to look again may have to wait for a neighbour, and an executor has others to
        // run before.
        yield_now();
    }
}

/// Polls once, with a waker that wakes nobody.
pub fn poll_once<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    poll(&mut Context::from_waker(Waker::noop()))
}
