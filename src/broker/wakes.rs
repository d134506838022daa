//! How long it takes from the send that serves a parked receive until that goes on. A wake-up that brings it
//! nothing is not counted: somebody else had the message, or it is only asked to look for itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use atomic_waker::AtomicWaker;

use crate::clock::Clock;

/// Not woken.
const NEVER: u64 = 0;

/// A waker of a task that notes when it was woken. Only who is parked has one.
pub(super) struct Stamped {
    stamp: Arc<Stamp>,
    waker: Waker,
}

struct Stamp {
    task: AtomicWaker,
    /// In nanoseconds of the clock, from 1.
    woken_at: AtomicU64,
    clock: Clock,
}

impl Stamp {
    fn now(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
    }
}

impl Wake for Stamp {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // ORDERING: Relaxed, the waker passes it on.
        self.woken_at.store(self.now(), Ordering::Relaxed);
        self.task.wake();
    }
}

impl Stamped {
    pub(super) fn new(clock: Clock) -> Self {
        let woken_at = AtomicU64::new(NEVER);
        let stamp = Arc::new(Stamp { task: AtomicWaker::new(), woken_at, clock });
        Self { waker: Waker::from(Arc::clone(&stamp)), stamp }
    }

    /// Polls something with this waker in the place of the task's own. When it is ready, also returns how
    /// long ago it was woken for the last time since it was polled before, if it was.
    pub(super) fn poll<T>(
        &self,
        context: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> (Poll<T>, Option<Duration>) {
        let before = self.stamp.woken_at.swap(NEVER, Ordering::Relaxed);
        // Before anything is looked at, so that no wake is missed.
        self.stamp.task.register(context.waker());
        let polled = poll(&mut Context::from_waker(&self.waker));
        if polled.is_pending() {
            return (polled, None);
        }
        // It may have been served within this poll. The stamps only grow.
        let woken_at = self.stamp.woken_at.swap(NEVER, Ordering::Relaxed).max(before);
        let ago = self.stamp.now().saturating_sub(woken_at);
        (polled, (woken_at != NEVER).then(|| Duration::from_nanos(ago)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_reaches_the_task_and_is_told_once() {
        struct Flag(AtomicU64);
        impl Wake for Flag {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let flag = Arc::new(Flag(AtomicU64::new(0)));
        let task = Waker::from(Arc::clone(&flag));
        let mut context = Context::from_waker(&task);
        let stamped = Stamped::new(Clock::start());
        let mut inner = None;
        let mut poll = |answer: Poll<()>, inner: &mut Option<Waker>| {
            stamped
                .poll(&mut context, |context| {
                    *inner = Some(context.waker().clone());
                    answer
                })
                .1
        };
        let woken = |inner: &mut Option<Waker>| {
            let before = flag.0.load(Ordering::Relaxed);
            inner.take().unwrap().wake();
            assert_eq!(flag.0.load(Ordering::Relaxed), before + 1);
        };
        assert_eq!(poll(Poll::Pending, &mut inner), None);
        woken(&mut inner);
        assert!(poll(Poll::Ready(()), &mut inner).is_some());
        assert_eq!(poll(Poll::Ready(()), &mut inner), None);
        // Woken for nothing.
        woken(&mut inner);
        assert_eq!(poll(Poll::Pending, &mut inner), None);
        assert_eq!(poll(Poll::Ready(()), &mut inner), None);
        // Served within the poll.
        let within = stamped.poll(&mut context, |context| {
            context.waker().wake_by_ref();
            Poll::Ready(())
        });
        assert!(within.1.is_some());
    }
}
