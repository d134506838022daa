//! Claiming: how a thread gets a position for itself, and what it may do with it.
//!
//! A claim is one compare-and-swap of `tail` (for a push) or `head` (for a pop). It succeeds only
//! once the slot is known to be ready for it: a producer claims what has been released, a consumer
//! what has been published. So between its claim and its stamp a thread only moves the value, and
//! waits for nobody. (The one exception is a `force_push` into a full ring, in `force.rs`.)

use std::mem::MaybeUninit;

use super::RingBuffer;
use super::position::{Laps, Position, Run};
use super::wait::Contention;
use crate::sync::{AtomicU32, Ordering, UnsafeCell};

/// How many release stamps a producer reads at once, where there are as many free slots. Many, so
/// that the reading is spread over many pushes; they are neighbours in memory and read in one go.
const LOOK_AHEAD: usize = 256;

/// Why there is no claim.
#[derive(Clone, Copy)]
pub(super) enum Refusal {
    /// The ring was full (for a push) or empty (for a pop) at one moment of the attempt.
    Exhausted,
    /// The slot in turn is inside another thread's claim.
    Busy,
    /// The ring is closed (for a push), and empty (for a pop).
    Closed,
}

/// One slot that this thread alone may touch, until it stores the stamp.
pub(super) struct Claim<'ring, T> {
    place: &'ring UnsafeCell<MaybeUninit<T>>,
    /// The stamp that tells the other side, and its value when the claim is over. Both are looked
    /// up before the claim, so that nothing is left to compute inside it.
    done: &'ring AtomicU32,
    stamp: u32,
}

/// A claim on an empty slot.
pub(super) struct PushClaim<'ring, T>(Claim<'ring, T>);

/// A claim on a slot that holds a value.
pub(super) struct PopClaim<'ring, T>(Claim<'ring, T>);

impl<T> PushClaim<'_, T> {
    /// Moves the value in and hands the slot to the consumers.
    #[inline(always)]
    pub(super) fn publish(self, value: T) {
        let Claim { place, done, stamp } = self.0;
        // SAFETY: the claim makes this thread the only one to touch the place, and no value is in
        // it that the write could forget.
        place.with_mut(|place| unsafe {
            (*place).write(value);
        });
        // ORDERING: Release, pairs with the Acquire loads of the published stamp in `claim_pop`,
        // `Stamps::run` and `displace`: whoever sees the stamp sees the value.
        done.store(stamp, Ordering::Release);
    }
}

impl<T> PopClaim<'_, T> {
    /// Moves the value out and hands the slot to the producers.
    #[inline(always)]
    pub(super) fn take(self) -> T {
        let Claim { place, done, stamp } = self.0;
        // SAFETY: the claim makes this thread the only one to touch the place, and the value in it
        // is published, so initialised; once moved out here, nobody reads it again.
        let value = place.with(|place| unsafe { (*place).assume_init_read() });
        // ORDERING: Release, pairs with the Acquire loads of the release stamp in `Stamps::run` and
        // `displace`: the read above happens before the next value is written over it.
        done.store(stamp, Ordering::Release);
        value
    }
}

impl<T> RingBuffer<T> {
    /// Claims the next position for one value.
    #[inline(always)]
    pub(super) fn claim_push(&self) -> Result<PushClaim<'_, T>, Refusal> {
        let memory = &*self.memory;
        let laps = memory.laps;
        let mut contention = Contention::new();
        loop {
            let (tail, free_until) = self.load_tail();
            if tail >= free_until {
                match self.look_for_room(tail, 1) {
                    Ok(()) => continue,
                    Err(refusal) => return Err(refusal),
                }
            }
            let index = laps.index(tail);
            // SAFETY: the index of a position is below the capacity.
            let claim = unsafe {
                Claim {
                    place: memory.values.at(index),
                    done: memory.published.at(index),
                    stamp: laps.next_lap_stamp(tail),
                }
            };
            if self.advance_tail(tail, laps.next(tail)) {
                return Ok(PushClaim(claim));
            }
            contention.back_off();
        }
    }

    /// Claims `want` positions, if they are known to be free and none is past the end of the ring:
    /// what a batch mostly finds.
    #[inline(always)]
    pub(super) fn claim_push_run(&self, want: usize) -> Option<Run> {
        let laps = self.memory.laps;
        let mut contention = Contention::new();
        loop {
            let (tail, free_until) = self.load_tail();
            let (run, next) = laps.run_in_lap(tail, want)?;
            // In a closed ring the tail is larger than every position that is known to be free.
            if next > free_until {
                return None;
            }
            if self.advance_tail(tail, next) {
                return Some(run);
            }
            contention.back_off();
        }
    }

    /// Claims up to `want` positions in a row, as many as are known to be free: at least one.
    #[inline(always)]
    pub(super) fn claim_push_batch(&self, want: usize) -> Result<(Position, usize), Refusal> {
        let laps = self.memory.laps;
        let mut contention = Contention::new();
        let mut looked = false;
        loop {
            let (tail, free_until) = self.load_tail();
            let count = laps.distance(tail, free_until).min(want);
            if count == 0 || (count < want && !looked) {
                looked = true;
                match self.look_for_room(tail, want) {
                    Ok(()) => continue,
                    Err(refusal) => return Err(refusal),
                }
            }
            if self.advance_tail(tail, laps.advance(tail, count)) {
                return Ok((tail, count));
            }
            looked = false;
            contention.back_off();
        }
    }

    /// The next position to push to, and how far on slots are known to be free.
    #[inline(always)]
    fn load_tail(&self) -> (Position, Position) {
        // ORDERING: SeqCst, the moment at which a push finds the ring full or closed. Pairs with the
        // compare-and-swaps of the tail: whoever moved it last did so before this moment, and before
        // our load of the head, in the one order of all claims. An Acquire would not promise that.
        let tail = self.tail.position.load(Ordering::SeqCst);
        // ORDERING: Acquire, pairs with the Release store in `look_for_room`: the thread that read
        // the release stamps passes on that the values are out.
        let free_until = self.tail.free_until.load(Ordering::Acquire);
        (Position(tail), Position(free_until))
    }

    /// Claims the positions between two tails; false if another thread moved the tail first.
    #[inline(always)]
    pub(super) fn advance_tail(&self, from: Position, to: Position) -> bool {
        // ORDERING: SeqCst, because the claim is the moment at which a push takes effect: `pop`
        // must not miss it when it asks `tail` whether the ring is empty. Pairs with the `SeqCst`
        // load there and those in `len` and `is_empty`.
        self.tail
            .position
            .compare_exchange(from.0, to.0, Ordering::SeqCst, Ordering::Relaxed)
            .is_ok()
    }

    /// Reads release stamps from the tail on and notes how far the ring is free. `Ok` if it is
    /// worth another try: room was found, or the tail has moved meanwhile.
    #[cold]
    #[inline(never)]
    fn look_for_room(&self, tail: Position, want: usize) -> Result<(), Refusal> {
        if tail.is_closed() {
            return Err(Refusal::Closed);
        }
        let memory = &*self.memory;
        let laps = memory.laps;
        let first = laps.index(tail);
        let count = (laps.capacity() - first).min(want.max(LOOK_AHEAD));
        // SAFETY: the run ends where the ring does, at the latest.
        let mut free = unsafe { memory.released.run(first, count, laps.lap_stamp(tail)) };
        if free == count && free < want {
            // A batch goes on past the end of the ring, in the next lap.
            let rest = (want - free).min(laps.capacity() - free);
            let next_lap = laps.next_lap_stamp(tail);
            // SAFETY: the rest of the ring is no longer than the ring.
            free += unsafe { memory.released.run(0, rest, next_lap) };
        }
        let free = self.until_pinned(tail, free);
        if free > 0 {
            let until = laps.advance(tail, free);
            // ORDERING: Release, pairs with the Acquire load in `load_tail`.
            self.tail.free_until.store(until.0, Ordering::Release);
            memory.values.prefetch(first, free.min(count));
            return Ok(());
        }
        // The head only grows: if it is a lap behind the tail now, it was so when the tail was
        // loaded, and the ring was full at that moment.
        // ORDERING: SeqCst, pairs with the claims in `advance_head`: no pop that came before the
        // load of the tail is missed.
        let head = Position(self.head.load(Ordering::SeqCst));
        if laps.distance(head, tail) >= laps.capacity() {
            return Err(Refusal::Exhausted);
        }
        // ORDERING: Relaxed; only whether it moved is asked, and the loop loads it again.
        if self.tail.position.load(Ordering::Relaxed) == tail.0 {
            return Err(Refusal::Busy);
        }
        Ok(())
    }

    /// Claims the oldest value.
    #[inline(always)]
    pub(super) fn claim_pop(&self) -> Result<PopClaim<'_, T>, Refusal> {
        let memory = &*self.memory;
        let laps = memory.laps;
        let mut contention = Contention::new();
        loop {
            let head = self.load_head();
            let index = laps.index(head);
            let stamp = laps.next_lap_stamp(head);
            // SAFETY: the index of a position is below the capacity.
            let published = unsafe { memory.published.at(index) };
            // ORDERING: Acquire, pairs with the Release stores of `PushClaim::publish` and
            // `Stamps::set_run`: the value is there to be read.
            if published.load(Ordering::Acquire) != stamp {
                match self.look_for_value(head) {
                    Ok(()) => continue,
                    Err(refusal) => return Err(refusal),
                }
            }
            // SAFETY: as above.
            let claim = unsafe {
                Claim { place: memory.values.at(index), done: memory.released.at(index), stamp }
            };
            if self.advance_head(head, laps.next(head)) {
                return Ok(PopClaim(claim));
            }
            contention.back_off();
        }
    }

    /// Claims `want` of the oldest values, if they are published and none is past the end of the
    /// ring: what a batch mostly finds.
    #[inline(always)]
    pub(super) fn claim_pop_run(&self, want: usize) -> Option<Run> {
        let memory = &*self.memory;
        let mut contention = Contention::new();
        loop {
            let head = self.load_head();
            let (run, next) = memory.laps.run_in_lap(head, want)?;
            // SAFETY: runs are within the capacity.
            let published =
                unsafe { memory.published.run(run.first, run.count, run.next_lap_stamp) };
            if published < want {
                return None;
            }
            if self.advance_head(head, next) {
                return Some(run);
            }
            contention.back_off();
        }
    }

    /// Claims up to `want` of the oldest values, as many as are published in a row: at least one.
    #[inline(always)]
    pub(super) fn claim_pop_batch(&self, want: usize) -> Result<(Position, usize), Refusal> {
        let memory = &*self.memory;
        let laps = memory.laps;
        // SAFETY: runs are within the capacity.
        let published =
            |run: &Run| unsafe { memory.published.run(run.first, run.count, run.next_lap_stamp) };
        let mut contention = Contention::new();
        // What was seen to be published stays so: a lost claim costs no second look at it.
        let mut published_until = Laps::START;
        loop {
            let head = self.load_head();
            let mut count = laps.distance(head, published_until).min(want);
            if count == 0 {
                let (run, rest) = laps.runs(head, want);
                count = published(&run);
                if let Some(rest) = rest
                    && count == run.count
                {
                    count += published(&rest);
                }
                published_until = laps.advance(head, count);
            }
            if count == 0 {
                match self.look_for_value(head) {
                    Ok(()) => continue,
                    Err(refusal) => return Err(refusal),
                }
            }
            if self.advance_head(head, laps.advance(head, count)) {
                return Ok((head, count));
            }
            contention.back_off();
        }
    }

    /// The position of the oldest value, if there is one.
    #[inline(always)]
    pub(super) fn load_head(&self) -> Position {
        // ORDERING: SeqCst, pairs with the compare-and-swaps of the head as in `load_tail`: it comes
        // before our load of the tail in the one order of all claims.
        Position(self.head.load(Ordering::SeqCst))
    }

    /// Claims the positions between two heads; false if another thread moved the head first.
    #[inline(always)]
    pub(super) fn advance_head(&self, from: Position, to: Position) -> bool {
        // ORDERING: SeqCst, because the claim is the moment at which a pop takes effect: `push`
        // must not miss it when it asks `head` whether the ring is full. Pairs with the `SeqCst`
        // load there and those in `len` and `is_empty`.
        self.head.compare_exchange(from.0, to.0, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    /// Why the value at the head is not there. `Ok` if it is worth another try: the head has moved.
    #[inline(always)]
    fn look_for_value(&self, head: Position) -> Result<(), Refusal> {
        // The tail is never behind the head: if it equals a head loaded before it, then that head
        // is the present one and the ring is empty at this moment.
        // ORDERING: SeqCst, pairs with the claims in `advance_tail`: no push that came before this
        // moment is missed.
        let tail = Position(self.tail.position.load(Ordering::SeqCst));
        if tail == head {
            return Err(Refusal::Exhausted);
        }
        if tail.without_closed() == head {
            return Err(Refusal::Closed);
        }
        // ORDERING: Relaxed; only whether it moved is asked, and the loop loads it again.
        if self.head.load(Ordering::Relaxed) == head.0 {
            return Err(Refusal::Busy);
        }
        Ok(())
    }
}
