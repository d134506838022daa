//! How long it takes from the send that serves a parked receive until that goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Wake, Waker};
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

    /// Polls something with this waker in the place of the task's own. Returns how long ago that was woken
    /// since the last poll, if it was.
    pub(super) fn poll<T>(
        &self,
        context: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> T,
    ) -> (T, Option<Duration>) {
        let woken_at = self.stamp.woken_at.swap(NEVER, Ordering::Relaxed);
        let ago = (woken_at != NEVER)
            .then(|| Duration::from_nanos(self.stamp.now().saturating_sub(woken_at)));
        // Before anything is looked at, so that no wake is missed.
        self.stamp.task.register(context.waker());
        (poll(&mut Context::from_waker(&self.waker)), ago)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

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
        let mut poll = |inner: &mut Option<Waker>| {
            stamped
                .poll(&mut context, |context| {
                    *inner = Some(context.waker().clone());
                    Poll::<()>::Pending
                })
                .1
        };
        assert_eq!(poll(&mut inner), None);
        inner.take().unwrap().wake();
        assert_eq!(flag.0.load(Ordering::Relaxed), 1);
        assert!(poll(&mut inner).is_some());
        assert_eq!(poll(&mut inner), None);
    }
}
