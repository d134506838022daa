//! How many requests are under way, for a server that is about to stop.
//!
//! Each worker counts its own, so that counting touches no line that workers share; what is answered
//! at once is not counted at all.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;
use crossbeam_utils::CachePadded;

/// The requests of all workers of a server.
#[derive(Clone, Default)]
pub struct UnderWay(Arc<Shared>);

#[derive(Default)]
struct Shared {
    workers: Mutex<Vec<Arc<CachePadded<AtomicU64>>>>,
    /// Whether somebody waits for there to be none, and who.
    awaited: AtomicBool,
    waker: AtomicWaker,
}

impl UnderWay {
    /// The count of one more worker.
    pub(super) fn worker(&self) -> WorkerCount {
        let count = Arc::new(CachePadded::new(AtomicU64::new(0)));
        self.workers().push(Arc::clone(&count));
        WorkerCount { count, all: self.clone() }
    }

    fn workers(&self) -> std::sync::MutexGuard<'_, Vec<Arc<CachePadded<AtomicU64>>>> {
        self.0.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        // SeqCst on all of these: whoever waits either sees the last request end, or is seen by it.
        self.workers().iter().map(|count| count.load(Ordering::SeqCst)).sum()
    }

    /// Done once there is none.
    pub fn poll_none(&self, context: &mut Context<'_>) -> Poll<()> {
        self.0.waker.register(context.waker());
        self.0.awaited.store(true, Ordering::SeqCst);
        if self.count() == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// One worker's count.
pub(super) struct WorkerCount {
    count: Arc<CachePadded<AtomicU64>>,
    all: UnderWay,
}

impl WorkerCount {
    pub(super) fn add(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn remove(&self) {
        let none = self.count.fetch_sub(1, Ordering::SeqCst) == 1;
        if none && self.all.0.awaited.load(Ordering::SeqCst) {
            self.all.0.waker.wake();
        }
    }
}
