//! Linearizability: short programs at random on real threads, recorded, and explained by some order
//! of whole operations that agrees with what ended before what.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use loom_tests::history::{Event, History};
use loom_tests::spec::{Op, Outcome, Queue, Tag};

use crate::perform::perform;
use crate::ring::RingBuffer;
use crate::times;

/// A small generator of numbers (Marsaglia's xorshift), so that a failure can be run again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }
}

/// What the operations of a test are drawn from.
#[derive(Clone, Copy)]
enum Mix {
    Singles,
    Batches,
    Forced,
    Everything,
}

impl Mix {
    fn program(self, random: &mut Random, thread: usize, length: usize) -> Vec<Op> {
        let mut next_tag = (40 * thread) as Tag;
        let mut tag = || {
            next_tag += 1;
            next_tag
        };
        let mut op = || {
            let kinds = match self {
                Mix::Singles => 8,
                Mix::Forced => 10,
                Mix::Batches => 13,
                Mix::Everything => 15,
            };
            match random.below(kinds) {
                0 => Op::Push(tag()),
                1 => Op::TryPush(tag()),
                2 => Op::Pop,
                3 => Op::TryPop,
                4 => Op::Len,
                5 => Op::IsEmpty,
                6 => Op::IsFull,
                7 => Op::Push(tag()),
                8 | 9 if matches!(self, Mix::Batches) => Op::TryPop,
                8 | 9 => Op::ForcePush(tag()),
                10 => Op::PushBatch((0..3).map(|_| tag()).collect()),
                11 => Op::PopBatch(2),
                12 => Op::TryPopBatch(2),
                13 => Op::Close,
                _ => Op::IsClosed,
            }
        };
        (0..length).map(|_| op()).collect()
    }
}

/// A place where threads meet, so that a round begins at once for all of them.
struct Start(AtomicUsize);

impl Start {
    fn meet(&self, threads: usize) {
        self.0.fetch_add(1, Ordering::SeqCst);
        let mut looks = 0;
        while self.0.load(Ordering::SeqCst) < threads {
            looks += 1;
            if looks > 100 || cfg!(miri) { thread::yield_now() } else { std::hint::spin_loop() }
        }
    }
}

fn record(ring: &RingBuffer<Tag>, program: &[Op], ended: &[AtomicUsize], me: usize) -> Vec<Event> {
    let mut events = Vec::with_capacity(program.len());
    for op in program {
        // ORDERING: what was counted as ended before this call began also happened before it.
        let after = ended.iter().map(|ended| ended.load(Ordering::SeqCst)).collect();
        let outcome = perform(ring, op);
        ended[me].fetch_add(1, Ordering::SeqCst);
        events.push(Event { op: op.clone(), outcome, after });
    }
    events
}

fn round(capacity: usize, programs: &[Vec<Op>]) -> History {
    let ring = RingBuffer::new(capacity);
    let ended: Vec<_> = programs.iter().map(|_| AtomicUsize::new(0)).collect();
    let start = Start(AtomicUsize::new(0));
    let threads = thread::scope(|scope| {
        let run = |(me, program): (usize, &'_ Vec<Op>)| {
            let (ring, ended, start, program) = (&ring, &ended, &start, program.clone());
            scope.spawn(move || {
                start.meet(ended.len());
                record(ring, &program, ended, me)
            })
        };
        let running: Vec<_> = programs.iter().enumerate().map(run).collect();
        running.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    let mut left = Vec::new();
    while let Outcome::Popped(tag) = perform(&ring, &Op::TryPop) {
        left.push(tag);
    }
    History { threads, left: Some(left) }
}

fn assert_linearizable(mix: Mix, threads: usize, length: usize) {
    let mut random = Random(0x9E37_79B9_7F4A_7C15 + threads as u64);
    for round_number in 0..times(1500, 2) {
        let capacity = 1 + random.below(4);
        let programs: Vec<_> =
            (0..threads).map(|thread| mix.program(&mut random, thread, length)).collect();
        let history = round(capacity, &programs);
        assert!(
            history.is_linearizable(&Queue::new(capacity)),
            "round {round_number}, capacity {capacity}: {history:#?}"
        );
        let alone = history.busy_alone();
        assert!(alone.is_none(), "round {round_number}: busy with no neighbour: {alone:?}");
    }
}

#[test]
fn linearizable_singles() {
    assert_linearizable(Mix::Singles, 2, 8);
    assert_linearizable(Mix::Singles, 4, 4);
}

#[test]
fn linearizable_batches() {
    assert_linearizable(Mix::Batches, 2, 6);
    assert_linearizable(Mix::Batches, 3, 5);
}

#[test]
fn linearizable_force_push() {
    assert_linearizable(Mix::Forced, 2, 8);
    assert_linearizable(Mix::Forced, 3, 5);
}

#[test]
fn linearizable_everything() {
    assert_linearizable(Mix::Everything, 3, 5);
    assert_linearizable(Mix::Everything, 4, 4);
}
