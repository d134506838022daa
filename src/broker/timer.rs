//! When which queue has something due. Nothing ticks: whoever waits sleeps until the earliest
//! deadline of all queues, or until there is an earlier one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;
use crossbeam_queue::SegQueue;

use super::named::Named;
use crate::queue::Millis;

/// Deadlines of queues, earliest first.
#[derive(Default)]
pub(super) struct Timer {
    /// What came since the last look. Queues put their earlier deadlines here without waiting.
    inbox: SegQueue<Entry>,
    waker: AtomicWaker,
    /// Only whoever keeps the time locks it.
    heap: Mutex<BinaryHeap<Reverse<Entry>>>,
}

struct Entry {
    due: Millis,
    queue: Weak<Named>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

impl Timer {
    /// Notes that a queue has something due, earlier than all it told before.
    pub(super) fn note(&self, due: Millis, queue: Weak<Named>) {
        self.inbox.push(Entry { due, queue });
        self.waker.wake();
    }

    /// Ticks every queue that has something due, which `tick` does and says when next. Returns when
    /// the next of all is.
    pub(super) fn tick(&self, now: Millis, tick: impl Fn(&Named) -> Millis) -> Millis {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(entry) = self.inbox.pop() {
            let Some(queue) = entry.queue.upgrade() else { continue };
            // A later one than it has is found by its next tick.
            if entry.due < queue.next_tick() {
                queue.set_next_tick(entry.due);
                heap.push(Reverse(entry));
            }
        }
        while let Some(Reverse(entry)) = heap.peek() {
            if entry.due > now {
                return entry.due;
            }
            let due = heap.pop().expect("it is there").0;
            // What a queue no longer waits for has been overtaken by an earlier deadline.
            let queue = due.queue.upgrade().filter(|queue| queue.next_tick() == due.due);
            let Some(queue) = queue else { continue };
            let next = tick(&queue).max(Millis(now.0 + 1));
            queue.set_next_tick(next);
            if next < Millis::NEVER {
                heap.push(Reverse(Entry { due: next, queue: Arc::downgrade(&queue) }));
            }
        }
        Millis::NEVER
    }

    /// Done when a deadline came that may be earlier than the last `tick` said.
    pub(super) fn poll_earlier(&self, context: &mut Context<'_>) -> Poll<()> {
        self.waker.register(context.waker());
        if self.inbox.is_empty() { Poll::Pending } else { Poll::Ready(()) }
    }
}
