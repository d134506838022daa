//! A bounded multi-producer multi-consumer queue: one ring of slots, claimed by compare-and-swap.
//!
//! # How it works
//! Two counters, `tail` for pushes and `head` for pops, say which position comes next. A thread
//! claims a position by moving its counter on, then moves the value and stamps the slot. This is
//! Dmitry Vyukov's bounded queue (1024cores.net, "Bounded MPMC queue"), with these changes:
//!
//! - **Two stamps a slot, each written by one side.** Producers stamp what they published,
//!   consumers what they released, in arrays of their own beside the values. A cache line then
//!   travels from its writers to its readers and is not fought over.
//! - **Producers look ahead.** The release stamps of up to 256 slots are read in one go and the
//!   result is kept beside `tail`, so that most pushes touch nothing that consumers write.
//! - **Losers stand back.** A thread that lost a claim pauses for as long as the winner needs for
//!   some tens of claims.
//! - **The counters answer.** Full, empty and `len` are read off `tail` and `head` alone, so an
//!   answer is true at one moment of the call, whatever the threads in between are doing.
//!
//! # Progress
//! There are no locks, and the ring allocates nothing after construction (`pop_batch` may grow the
//! `Vec` it is given). A `try_` call never waits: it ends after a bounded number of its own steps,
//! plus one retry, with a bounded pause, for each claim that another thread won meanwhile and each
//! note about free slots that it stored late.
//!
//! The ring is nevertheless not lock-free in the strict sense of the word. Between a claim and its
//! stamp lie a few instructions: one move of a value and one store; for a batch, those of all its
//! values; and in the first lap the system may have to find a page of memory there. A thread that is
//! stopped right there delays others, though it corrupts nothing:
//!
//! - A stopped **producer** delays the consumers that reach its slot. Values pushed behind it wait,
//!   because order is kept; producers go on until the ring is full.
//! - A stopped **consumer** delays the producers that come round to its slot, one lap later;
//!   consumers go on, and so do producers until then.
//! - A **`force_push` into a full ring** is a producer that comes round to the oldest value's slot
//!   inside its claim: where that value's consumer is stopped, it waits, and then consumers that
//!   reach its slot and other calls of `force_push` wait too.
//! - A stopped thread that **looks at the oldest values** (crate-internal, `peek.rs`) delays producers as
//!   a stopped consumer of the first of them does.
//!
//! Meanwhile `try_push` and `try_pop` answer *busy*. `push`, `pop`, `force_push` and the batch calls
//! wait: they pause for a few cache-line transfers, then offer the processor to other threads at
//! every look. Across threads of different real-time priority, use the `try_` forms.
//!
//! Rings in which no stopped thread can delay another exist (Nikolaev's SCQ, DISC 2019). Prototypes
//! measured against crossbeam's `ArrayQueue` cost: SCQ 0.25, 0.40 and 0.19 of its throughput with
//! one thread, one producer and one consumer, and two of each; a variant that stores values in
//! place 0.56, 0.43 and 0.31. This ring runs at about 1 with one thread and several times it
//! with more (README.md has the table), which is why it keeps its windows and makes them short.

mod batch;
mod claim;
mod error;
mod force;
mod peek;
mod position;
pub(crate) mod prefetch;
mod slots;
mod wait;
mod wide;
pub(crate) mod zeroed;

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use crossbeam_utils::CachePadded;

use self::claim::Refusal;
pub use self::error::{CapacityError, PopError, PushError, TryPopError, TryPushError};
use self::peek::NOT_PINNED;
pub(crate) use self::peek::Seen;
use self::position::{Laps, Position};
use self::slots::{Stamps, Values};
use self::wait::{Idle, wait_while_busy};
use crate::sync::{AtomicU64, Ordering};

/// A bounded queue for any number of producers and consumers. First in, first out.
///
/// [The module](crate::ring) says how it works and what it guarantees. All methods take `&self`;
/// share it by reference or in an `Arc`.
///
/// # Examples
/// ```
/// use ringmq::ring::{PopError, PushError, RingBuffer};
///
/// let ring = RingBuffer::new(2);
/// assert_eq!(ring.push("first"), Ok(()));
/// assert_eq!(ring.push("second"), Ok(()));
/// assert_eq!(ring.push("third"), Err(PushError::Full("third")));
///
/// assert_eq!(ring.pop(), Ok("first"));
/// assert_eq!(ring.pop(), Ok("second"));
/// assert_eq!(ring.pop(), Err(PopError::Empty));
/// ```
pub struct RingBuffer<T> {
    /// Where producers claim.
    tail: CachePadded<Tail>,
    /// The [`Position`] of the next pop.
    head: CachePadded<AtomicU64>,
    /// What never changes, on a line that every core may keep.
    memory: CachePadded<Memory<T>>,
}

struct Tail {
    /// The [`Position`] of the next push, with [`Position::CLOSED`] once the ring is closed.
    position: AtomicU64,
    /// Every slot before this [`Position`] has been released for it. It only spares looking at the
    /// stamps: whatever value it ever had stays true, so a late store of an older one does no harm.
    free_until: AtomicU64,
    /// Producers do not come round to this [`Position`] while somebody looks: see `peek.rs`.
    pinned: AtomicU64,
}

struct Memory<T> {
    values: Values<T>,
    /// Per slot, the lap after the last one for which a value was put in.
    published: Stamps,
    /// Per slot, the lap after the last one for which a value was taken out: the lap it is free
    /// for.
    released: Stamps,
    laps: Laps,
}

// SAFETY: a value is moved in by the one thread that claimed its position for a push, and out by
// the one that claimed it for a pop; it is never shared between two. So sending `T` is all it takes.
unsafe impl<T: Send> Send for RingBuffer<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for RingBuffer<T> {}

// No code of the caller's runs inside a claim, so no panic leaves one half done.
impl<T> UnwindSafe for RingBuffer<T> {}
impl<T> RefUnwindSafe for RingBuffer<T> {}

impl<T> RingBuffer<T> {
    /// The largest capacity: 2^31 slots.
    pub const MAX_CAPACITY: usize = Laps::MAX_CAPACITY;

    /// Makes an empty ring of exactly `capacity` slots.
    ///
    /// Takes `size_of::<T>() + 8` bytes a slot, in zeroed pages that the system hands out when they
    /// are first used: a ring of 100 million slots is made at once, and its first lap is slower.
    ///
    /// # Panics
    /// If `capacity` is 0 or above [`MAX_CAPACITY`](Self::MAX_CAPACITY), or if there is no memory
    /// of that size; see [`try_new`](Self::try_new).
    pub fn new(capacity: usize) -> Self {
        match Self::try_new(capacity) {
            Ok(ring) => ring,
            Err(error) => panic!("{error} (capacity {capacity})"),
        }
    }

    /// Makes an empty ring of exactly `capacity` slots, as [`new`](Self::new) does.
    ///
    /// # Errors
    /// If `capacity` is 0 or above [`MAX_CAPACITY`](Self::MAX_CAPACITY), or if there is no memory
    /// of that size.
    pub fn try_new(capacity: usize) -> Result<Self, CapacityError> {
        match capacity {
            0 => return Err(CapacityError::Zero),
            1..=Laps::MAX_CAPACITY => {}
            _ => return Err(CapacityError::TooLarge),
        }
        Ok(Self {
            tail: CachePadded::new(Tail {
                position: AtomicU64::new(Laps::START.0),
                free_until: AtomicU64::new(Laps::START.0),
                pinned: AtomicU64::new(NOT_PINNED),
            }),
            head: CachePadded::new(AtomicU64::new(Laps::START.0)),
            memory: CachePadded::new(Memory {
                values: Values::new(capacity).ok_or(CapacityError::OutOfMemory)?,
                published: Stamps::new(capacity).ok_or(CapacityError::OutOfMemory)?,
                released: Stamps::new(capacity).ok_or(CapacityError::OutOfMemory)?,
                laps: Laps::new(capacity),
            }),
        })
    }

    /// An empty ring that has already done `laps` laps, for tests of what happens where stamps and
    /// positions run over.
    #[cfg(test)]
    pub(crate) fn after_laps(capacity: usize, laps: u64) -> Self {
        let ring = Self::new(capacity);
        let start = Position(laps * capacity.next_power_of_two() as u64);
        let stamp = ring.memory.laps.lap_stamp(start);
        // SAFETY: the run is the whole ring, which nobody else knows of yet.
        unsafe {
            ring.memory.published.set_run(0, capacity, stamp);
            ring.memory.released.set_run(0, capacity, stamp);
        }
        ring.tail.position.store(start.0, Ordering::SeqCst);
        ring.tail.free_until.store(start.0, Ordering::SeqCst);
        ring.head.store(start.0, Ordering::SeqCst);
        ring
    }

    /// Pushes a value behind all others.
    ///
    /// Takes effect at one moment. Waits only while a consumer is moving a value out of the slot in
    /// turn, never for room. [Progress](crate::ring#progress).
    ///
    /// # Errors
    /// Gives the value back: [`PushError::Full`] if at one moment of the call every slot was taken,
    /// [`PushError::Closed`] if the ring is closed.
    #[inline(always)]
    pub fn push(&self, value: T) -> Result<(), PushError<T>> {
        let claim = match self.claim_push() {
            Ok(claim) => claim,
            Err(Refusal::Exhausted) => return Err(PushError::Full(value)),
            Err(refusal) => match wait_while_busy(refusal, || self.claim_push()) {
                Ok(claim) => claim,
                Err(Idle::Exhausted) => return Err(PushError::Full(value)),
                Err(Idle::Closed) => return Err(PushError::Closed(value)),
            },
        };
        claim.publish(value);
        Ok(())
    }

    /// Pushes a value behind all others, or says at once why not. Never waits.
    ///
    /// # Errors
    /// Gives the value back: [`TryPushError::Full`] and [`TryPushError::Closed`] as for
    /// [`push`](Self::push), and [`TryPushError::Busy`] where `push` would wait.
    #[inline(always)]
    pub fn try_push(&self, value: T) -> Result<(), TryPushError<T>> {
        match self.claim_push() {
            Ok(claim) => {
                claim.publish(value);
                Ok(())
            }
            Err(Refusal::Exhausted) => Err(TryPushError::Full(value)),
            Err(Refusal::Busy) => Err(TryPushError::Busy(value)),
            Err(Refusal::Closed) => Err(TryPushError::Closed(value)),
        }
    }

    /// Pops the oldest value.
    ///
    /// Takes effect at one moment. Waits only while a producer is moving a value into the slot in
    /// turn, never for a push. [Progress](crate::ring#progress).
    ///
    /// # Errors
    /// [`PopError::Empty`] if at one moment of the call no value was in the ring; so never while
    /// one is that was pushed before the call. [`PopError::Closed`] if the ring is also closed.
    #[inline(always)]
    pub fn pop(&self) -> Result<T, PopError> {
        let claim = match self.claim_pop() {
            Ok(claim) => claim,
            Err(Refusal::Exhausted) => return Err(PopError::Empty),
            Err(refusal) => match wait_while_busy(refusal, || self.claim_pop()) {
                Ok(claim) => claim,
                Err(Idle::Exhausted) => return Err(PopError::Empty),
                Err(Idle::Closed) => return Err(PopError::Closed),
            },
        };
        Ok(claim.take())
    }

    /// Pops the oldest value, or says at once why not. Never waits.
    ///
    /// # Errors
    /// [`TryPopError::Empty`] and [`TryPopError::Closed`] as for [`pop`](Self::pop), and
    /// [`TryPopError::Busy`] where `pop` would wait.
    #[inline(always)]
    pub fn try_pop(&self) -> Result<T, TryPopError> {
        match self.claim_pop() {
            Ok(claim) => Ok(claim.take()),
            Err(Refusal::Exhausted) => Err(TryPopError::Empty),
            Err(Refusal::Busy) => Err(TryPopError::Busy),
            Err(Refusal::Closed) => Err(TryPopError::Closed),
        }
    }

    /// Closes the ring for pushes; what is in it can still be popped.
    ///
    /// Pushes that begin afterwards are refused; one under way either was claimed before, and its
    /// value can be popped, or is refused. Returns whether this call closed the ring, false if it was
    /// closed already. Lock-free: retries where a push is claimed at the same moment.
    pub fn close(&self) -> bool {
        // ORDERING: SeqCst, in one order with the claims of the tail: a push either is before it,
        // and then a pop cannot answer "closed" ahead of that value, or sees it.
        let tail = self.tail.position.fetch_or(Position::CLOSED, Ordering::SeqCst);
        !Position(tail).is_closed()
    }

    /// Whether the ring has been closed. Wait-free.
    pub fn is_closed(&self) -> bool {
        // ORDERING: SeqCst, in one order with `close` and the answers that tell of it.
        Position(self.tail.position.load(Ordering::SeqCst)).is_closed()
    }

    /// How many values are in the ring: claimed by a push and not yet by a pop.
    ///
    /// The number was true at one moment of the call; with other threads at work it may be
    /// different by the time it is returned. Retries for as long as other threads push meanwhile.
    pub fn len(&self) -> usize {
        // ORDERING: SeqCst on all three, in one order with all claims: between the two looks at the
        // tail there is then none of a push, and the head read in between belongs to that tail.
        let mut tail = self.tail.position.load(Ordering::SeqCst);
        loop {
            let head = Position(self.head.load(Ordering::SeqCst));
            let again = self.tail.position.load(Ordering::SeqCst);
            if again == tail {
                return self.claimed(head, Position(tail));
            }
            tail = again;
        }
    }

    /// How many values the ring can hold: what it was made with. Wait-free.
    pub fn capacity(&self) -> usize {
        self.memory.laps.capacity()
    }

    /// Whether no value was in the ring at one moment of the call. Wait-free.
    pub fn is_empty(&self) -> bool {
        // The head first: if the tail equals it afterwards, the ring was empty at the second load.
        // If not, the tail had passed this head by then, and from the moment it did, or from the
        // first load on, a value was in the ring.
        // ORDERING: SeqCst on both, in one order with all claims.
        let head = Position(self.head.load(Ordering::SeqCst));
        let tail = Position(self.tail.position.load(Ordering::SeqCst));
        tail.without_closed() == head
    }

    /// Whether every slot was taken at one moment of the call. Retries as [`len`](Self::len) does.
    pub fn is_full(&self) -> bool {
        // Not off two loads, as `is_empty`: `force_push` moves the tail and then the head of a ring
        // that stays full, so an old tail and a new head would show room that never was.
        self.len() == self.capacity()
    }

    /// Values between a head and a tail. A `force_push` takes the tail one past full for a moment,
    /// before it takes effect.
    fn claimed(&self, head: Position, tail: Position) -> usize {
        let count = self.memory.laps.distance(head, tail.without_closed());
        count.min(self.capacity())
    }
}

impl<T> Drop for RingBuffer<T> {
    /// Drops what remains, oldest first. If dropping a value panics, the rest is still dropped.
    fn drop(&mut self) {
        struct Rest<'ring, T>(&'ring RingBuffer<T>);

        impl<T> Drop for Rest<'_, T> {
            fn drop(&mut self) {
                while let Ok(value) = self.0.try_pop() {
                    drop(value);
                }
            }
        }

        if std::mem::needs_drop::<T>() {
            let rest = Rest(self);
            while let Ok(value) = rest.0.try_pop() {
                drop(value);
            }
        }
    }
}

impl<T> fmt::Debug for RingBuffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingBuffer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("closed", &self.is_closed())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::in_model;

    /// Laps enough that the 32-bit stamps run over within the next few.
    fn just_before_stamps_run_over(capacity: usize) -> u64 {
        (1 << 32) / capacity.next_power_of_two() as u64 - 2
    }

    #[test]
    fn stamps_running_over_change_nothing() {
        in_model(|| {
            for capacity in 1..=9 {
                let ring = RingBuffer::after_laps(capacity, just_before_stamps_run_over(capacity));
                let mut pushed = 0;
                let mut popped = 0;
                for _ in 0..4 * capacity {
                    while ring.try_push(pushed).is_ok() {
                        pushed += 1;
                    }
                    assert!(ring.is_full());
                    assert_eq!(ring.force_push(pushed), Ok(Some(popped)));
                    pushed += 1;
                    popped += 1;
                    let mut out = Vec::new();
                    let count = ring.pop_batch(&mut out, capacity.div_ceil(2));
                    assert_eq!(out, (popped..popped + count).collect::<Vec<_>>());
                    popped += count;
                    assert_eq!(ring.len(), pushed - popped);
                }
            }
        });
    }

    #[test]
    fn a_ring_in_its_last_lap_closes_like_any_other() {
        in_model(|| {
            let ring = RingBuffer::after_laps(3, (1 << 61) - 2);
            assert_eq!(ring.push(1), Ok(()));
            assert!(ring.close());
            assert_eq!(ring.push(2), Err(PushError::Closed(2)));
            assert_eq!(ring.pop(), Ok(1));
            assert_eq!(ring.pop(), Err(PopError::Closed));
        });
    }
}
