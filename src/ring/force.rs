//! `force_push`: a push that makes its own room.
//!
//! In a full ring the tail and the head stand at the same slot, one lap apart. The push claims the
//! position at the tail although its slot is not free yet, which takes the ring one claim past
//! full, and then displaces the oldest value from that very slot by claiming the head. If a
//! consumer is quicker, the room is made already and nothing is displaced. Either way the push
//! takes effect when the head moves on, so at no moment does anyone see more values than slots,
//! and no value that others pushed is displaced but the oldest one.

use super::position::Position;
use super::wait::Neighbour;
use super::{PushError, RingBuffer};
use crate::sync::Ordering;

impl<T> RingBuffer<T> {
    /// Pushes a value; where the ring is full, the oldest value makes room and is returned.
    ///
    /// At most one value is displaced, and it is the oldest. Takes effect at one moment, as `push`
    /// does, with one exception: a `force_push` that began before [`close`](Self::close) may
    /// succeed just after it. Waits for neighbours as `push` does (see
    /// [the guarantee](crate::ring#progress)); a thread that is stopped in the middle of a
    /// `force_push` delays consumers that reach its slot, and other calls of `force_push`.
    ///
    /// # Errors
    /// [`PushError::Closed`] with the value if the ring is closed; never `Full`.
    ///
    /// # Examples
    /// ```
    /// let ring = ringmq::ring::RingBuffer::new(2);
    /// assert_eq!(ring.force_push('a'), Ok(None));
    /// assert_eq!(ring.force_push('b'), Ok(None));
    /// assert_eq!(ring.force_push('c'), Ok(Some('a')));
    /// assert_eq!(ring.pop(), Ok('b'));
    /// ```
    pub fn force_push(&self, value: T) -> Result<Option<T>, PushError<T>> {
        let mut neighbour = Neighbour::new();
        let mut value = value;
        loop {
            match self.push(value) {
                Ok(()) => return Ok(None),
                Err(PushError::Closed(value)) => return Err(PushError::Closed(value)),
                Err(PushError::Full(refused)) => value = refused,
            }
            match self.claim_past_full() {
                Some(position) => return Ok(self.displace(position, value)),
                None => neighbour.wait(),
            }
        }
    }

    /// Claims the tail of a full ring. `None` if the ring is not exactly full, or not any more.
    fn claim_past_full(&self) -> Option<Position> {
        let laps = self.memory.laps;
        // ORDERING: Relaxed on both. The claim decides whether this is still the tail; and a head
        // that is older than it seems only means that a consumer was quicker, which `displace`
        // finds out.
        let tail = Position(self.tail.position.load(Ordering::Relaxed));
        let head = Position(self.head.load(Ordering::Relaxed));
        let full = !tail.is_closed() && laps.distance(head, tail) == laps.capacity();
        (full && self.advance_tail(tail, laps.next(tail))).then_some(tail)
    }

    /// Puts `value` into the claimed slot as soon as the value of the lap before is out of it, and
    /// returns that value if it was this thread that took it out.
    fn displace(&self, position: Position, value: T) -> Option<T> {
        let memory = &*self.memory;
        let laps = memory.laps;
        let index = laps.index(position);
        let oldest = laps.lap_before(position);
        // SAFETY: the index of a position is below the capacity.
        let (place, published, released) = unsafe {
            (memory.values.at(index), memory.published.at(index), memory.released.at(index))
        };

        let mut neighbour = Neighbour::new();
        let displaced = loop {
            // ORDERING: Acquire on all three, as in `claim_pop` and `Stamps::run`: the value of the
            // lap before is in, and then out, before anything here touches its place.
            if self.load_head() != oldest {
                while released.load(Ordering::Acquire) != laps.lap_stamp(position) {
                    neighbour.wait();
                }
                break None;
            }
            if published.load(Ordering::Acquire) != laps.lap_stamp(position) {
                neighbour.wait();
            } else if self.advance_head(oldest, laps.next(oldest)) {
                // SAFETY: the head was claimed as in `claim_pop`, and the value is published.
                let value = place.with(|place| unsafe { (*place).assume_init_read() });
                // ORDERING: Release, as in `PopClaim::take`. Nobody can claim this lap's position
                // any more, but the stamps stay true for those who still look at them.
                released.store(laps.lap_stamp(position), Ordering::Release);
                break Some(value);
            }
        };
        while self.until_pinned(position, 1) == 0 {
            neighbour.wait();
        }
        // SAFETY: the position was claimed from the tail, its place is released and nobody looks at it,
        // so no value is in it and this thread alone may touch it.
        place.with_mut(|place| unsafe {
            (*place).write(value);
        });
        // ORDERING: Release, as in `PushClaim::publish`.
        published.store(laps.next_lap_stamp(position), Ordering::Release);
        displaced
    }
}
