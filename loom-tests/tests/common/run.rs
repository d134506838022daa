//! One execution of a model: programs on a ring, recorded; included by the models.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom_tests::history::Event;
use loom_tests::spec::{Op, Outcome, Queue, Tag};

use crate::perform::perform;
use crate::ring::RingBuffer;
use crate::tracked::{Tracked, forget_all};

pub type Ring = RingBuffer<Tracked>;

/// How many calls each thread has ended. A clock of std's, so that the model does not see it and
/// takes no order from it.
#[derive(Default)]
pub struct Clock([AtomicUsize; 4]);

impl Clock {
    fn read(&self, threads: usize) -> Vec<usize> {
        self.0[..threads].iter().map(|ended| ended.load(Ordering::Relaxed)).collect()
    }
}

/// What a model starts from.
#[derive(Clone)]
pub struct Start {
    pub capacity: usize,
    /// Laps that the ring has behind it, chosen so that stamps run over.
    pub laps: u64,
    pub before: Vec<Op>,
}

impl Start {
    /// The ring, after the operations that come before the threads.
    pub fn make(&self) -> Arc<Ring> {
        assert!(self.capacity <= Ring::MAX_CAPACITY);
        forget_all();
        let ring = RingBuffer::after_laps(self.capacity, self.laps);
        let mut queue = Queue::new(self.capacity);
        for op in &self.before {
            assert_eq!(perform(&ring, op), queue.answer(op), "{op:?} before the threads");
        }
        Arc::new(ring)
    }

    /// The queue that the ring stands for then.
    pub fn queue(&self) -> Queue {
        let mut queue = Queue::new(self.capacity);
        for op in &self.before {
            queue.answer(op);
        }
        queue
    }
}

/// Runs one thread's program and records it.
pub fn run_program(
    ring: &Ring,
    program: &[Op],
    clock: &Clock,
    thread: usize,
    threads: usize,
) -> Vec<Event> {
    let record = |op: &Op| {
        let after = clock.read(threads);
        let outcome = perform(ring, op);
        clock.0[thread].fetch_add(1, Ordering::Relaxed);
        Event { op: op.clone(), outcome, after }
    };
    program.iter().map(record).collect()
}

/// Takes out what is left. With all threads gone nothing may be busy, the counts must agree, and
/// the slots must be fit for use.
pub fn drain(ring: &Ring) -> Vec<Tag> {
    let len = ring.len();
    let mut left = Vec::new();
    let end = loop {
        match perform(ring, &Op::TryPop) {
            Outcome::Popped(tag) => left.push(tag),
            end => break end,
        }
    };
    assert_eq!(left.len(), len, "len against what was in the ring");
    assert!(ring.is_empty());
    let expected = if ring.is_closed() { Outcome::Closed } else { Outcome::Empty };
    assert_eq!(end, expected, "an emptied ring");
    left
}

/// A quiet ring that is open and empty takes as many values as it has slots, and gives them back.
pub fn assert_whole(ring: &Ring) {
    if ring.is_closed() {
        return;
    }
    let mut queue = Queue::new(ring.capacity());
    let spare = |n: usize| 90 + (n % 10) as Tag;
    let fill = (0..=ring.capacity()).map(|n| Op::TryPush(spare(n)));
    let empty = (0..=ring.capacity()).map(|_| Op::TryPop);
    for op in fill.chain([Op::IsFull, Op::ForcePush(99), Op::Len]).chain(empty) {
        assert_eq!(perform(ring, &op), queue.answer(&op), "{op:?} on the ring afterwards");
    }
}
