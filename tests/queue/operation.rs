//! What the property test does, at random.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use ringmq::queue::{Options, Overflow, Settings};

use crate::times;

#[derive(Clone, Debug)]
pub enum Op {
    Send(u64, Options),
    /// What is not sent at once is sent one by one.
    SendBatch(Vec<(u64, Options)>),
    Receive(usize, Option<Duration>),
    Take,
    /// Takes the next message to move it, or to drop it where it was.
    TakeNext {
        moved: bool,
    },
    Ack(Index),
    AckBatch(Vec<Index>),
    Extend(Index, Duration),
    Release(Index, Duration),
    TakeBack(Index),
    /// All of these with a receipt that was never given.
    Foreign(Index, Foreign),
    DeadLetter(Letter),
    /// Time passes, and nobody sees to what is due.
    Pass(u64),
    Tick,
    Resize(u64),
    Purge,
    Pause,
    Resume,
    Set(Settings),
    Close,
    Browse(usize),
    Find(Index),
}

#[derive(Clone, Copy, Debug)]
pub enum Foreign {
    /// Of a slot that the queue has not.
    Slot,
    /// Of a message that its slot has not held yet.
    Generation,
    /// Of a delivery that the message has not had.
    Delivery,
}

#[derive(Clone, Copy, Debug)]
pub enum Letter {
    Moved,
    KeptFor(u64),
    Dropped,
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![1 => Just(0), 4 => 1..20_u64].prop_map(Duration::from_millis)
}

fn seldom<T: std::fmt::Debug>(
    strategy: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<T>> {
    prop::option::weighted(0.25, strategy)
}

fn options() -> impl Strategy<Value = Options> {
    (seldom(duration()), seldom(duration())).prop_map(|(delay, ttl)| Options {
        delay,
        ttl,
        ..Options::default()
    })
}

fn capacity() -> impl Strategy<Value = u64> {
    // Below and above the slots that a queue begins with, and what one dead slot is a 64th of.
    prop_oneof![10 => 1..=5_u64, 3 => 6..=40_u64, 1 => 60..=70_u64]
}

pub fn settings() -> impl Strategy<Value = Settings> {
    (
        (seldom(0..60_u64), prop_oneof![5 => Just(1000), 1 => 0..10_u64], any::<bool>()),
        (duration(), seldom(0..3_u32), prop_oneof![2 => Just(Duration::ZERO), 1 => duration()]),
        (seldom(duration()), prop_oneof![4 => Just(Duration::ZERO), 1 => duration()]),
        seldom(0..4_u32),
    )
        .prop_map(|(room, lease, times, max_in_flight)| Settings {
            max_bytes: room.0,
            max_message_bytes: room.1,
            overflow: if room.2 { Overflow::DropOldest } else { Overflow::Reject },
            lease: lease.0,
            max_receives: lease.1,
            retry_delay: lease.2,
            ttl: times.0,
            delay: times.1,
            max_in_flight,
        })
}

fn op() -> impl Strategy<Value = Op> {
    let foreign =
        prop_oneof![Just(Foreign::Slot), Just(Foreign::Generation), Just(Foreign::Delivery)];
    let letter = prop_oneof![
        2 => Just(Letter::Moved),
        1 => (0..20_u64).prop_map(Letter::KeptFor),
        1 => Just(Letter::Dropped),
    ];
    let index = any::<Index>;
    prop_oneof![
        20 => (0..20_u64, options()).prop_map(|(size, options)| Op::Send(size, options)),
        5 => vec((0..20_u64, options()), 1..6).prop_map(Op::SendBatch),
        14 => (1..5_usize, seldom(duration())).prop_map(|(max, lease)| Op::Receive(max, lease)),
        4 => Just(Op::Take),
        2 => any::<bool>().prop_map(|moved| Op::TakeNext { moved }),
        8 => index().prop_map(Op::Ack),
        3 => vec(index(), 1..5).prop_map(Op::AckBatch),
        4 => (index(), duration()).prop_map(|(which, lease)| Op::Extend(which, lease)),
        5 => (index(), duration()).prop_map(|(which, delay)| Op::Release(which, delay)),
        3 => index().prop_map(Op::TakeBack),
        2 => (index(), foreign).prop_map(|(which, how)| Op::Foreign(which, how)),
        3 => letter.prop_map(Op::DeadLetter),
        8 => (0..15_u64).prop_map(Op::Pass),
        8 => Just(Op::Tick),
        3 => prop_oneof![1 => Just(0), 9 => capacity()].prop_map(Op::Resize),
        1 => Just(Op::Purge),
        1 => Just(Op::Pause),
        2 => Just(Op::Resume),
        2 => settings().prop_map(Op::Set),
        2 => (0..5_usize).prop_map(Op::Browse),
        2 => index().prop_map(Op::Find),
    ]
}

pub struct Program {
    pub fifo: bool,
    pub capacity: u64,
    pub memory: u64,
    pub settings: Settings,
    pub ops: Vec<Op>,
}

impl std::fmt::Debug for Program {
    /// One operation a line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { fifo, capacity, memory, settings, .. } = self;
        writeln!(f, "fifo {fifo}, capacity {capacity}, memory {memory}, {settings:?}")?;
        self.ops.iter().try_for_each(|op| writeln!(f, "  {op:?}"))
    }
}

/// Operations with at most one close among them, mostly late; half of them on a queue without
/// special settings, and half on a FIFO queue.
pub fn program() -> impl Strategy<Value = Program> {
    let plain = prop_oneof![Just(Settings::default()), settings()];
    let memory = prop_oneof![3 => Just(u64::MAX), 1 => 10..100_u64];
    let ops = vec(op(), 1..times(150, 30));
    (any::<bool>(), capacity(), memory, plain, ops, 0..1000_usize).prop_map(
        |(fifo, capacity, memory, settings, mut ops, close_at)| {
            if close_at < ops.len() {
                ops.insert(close_at, Op::Close);
            }
            Program { fifo, capacity, memory, settings, ops }
        },
    )
}
