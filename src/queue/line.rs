//! A line of slot indices that can be made longer while it is used.
//!
//! It is a chain of [rings](crate::ring), each twice as long as the one before. To make the line
//! longer, its last ring is closed and a new one becomes the last: whoever finds the old one closed
//! pushes into the new one, and the old one is popped until it is closed and empty. A ring answers
//! *closed* to no push that came before, so the order stays, and a push or pop pays one load of a
//! number that hardly ever changes.
//!
//! A ring that is left behind stays until the line is dropped: nobody has to find out whether
//! somebody still looks at it, and all of them together are no longer than the last.

use once_cell::race::OnceBox;

use crate::ring::{PushError, RingBuffer, Seen, TryPopError};
use crate::sync::{AtomicU32, Ordering, pause};

/// Of [`Line`]s: one more than a line of 2^31 that begins with one place needs.
pub(super) const MAX_SEGMENTS: usize = 32;

/// Before there is a first ring.
const NOT_MADE: u32 = u32::MAX;

/// A neighbour must finish first; ask again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Busy;

/// A place in a line, which in all the time of the line one index has: the ring, and the position there.
pub(super) type Place = (usize, u64);

/// An index that was in line.
#[derive(Clone, Copy, Debug)]
pub(super) struct InLine {
    pub(super) index: u32,
    pub(super) place: Place,
    /// The place behind it.
    pub(super) next: Place,
}

/// First in, first out; as long as the caller makes it.
pub(super) struct Line {
    /// Most of them are never made.
    rings: [OnceBox<RingBuffer<u32>>; MAX_SEGMENTS],
    /// The ring to push into: the only one that is not closed, but while the line is made longer.
    last: AtomicU32,
    /// The ring to pop from: every one before it is closed and empty.
    first: AtomicU32,
}

impl Line {
    /// A line of no places, from which nothing can be popped. It must be made longer before anything is
    /// pushed.
    pub(super) fn new() -> Self {
        Self {
            rings: [const { OnceBox::new() }; MAX_SEGMENTS],
            last: AtomicU32::new(NOT_MADE),
            first: AtomicU32::new(0),
        }
    }

    /// Makes the line `places` long, with its ring number `segment`: 0 at first, then one after the
    /// other. One thread at a time. If there is no memory nothing has changed, and it may be tried
    /// again.
    ///
    /// # Errors
    /// If there is no memory for the ring.
    pub(super) fn lengthen(
        &self,
        segment: usize,
        places: usize,
    ) -> Result<(), crate::ring::CapacityError> {
        if self.rings[segment].get().is_some() {
            return Ok(());
        }
        let ring = RingBuffer::try_new(places)?;
        let _ = self.rings[segment].set(Box::new(ring));
        if segment > 0 {
            // Closed before the next one is shown: a push into that one comes after every push into
            // this one.
            self.ring(segment - 1).close();
        }
        // ORDERING: SeqCst, pairs with the Acquire loads of `last`: the new ring is made; and with the
        // SeqCst load in `is_not_made`.
        self.last.store(segment as u32, Ordering::SeqCst);
        Ok(())
    }

    fn ring(&self, segment: usize) -> &RingBuffer<u32> {
        self.rings[segment].get().expect("a ring is made before its number is shown")
    }

    /// Pushes an index behind all others. The caller's indices fit, so there is room. Waits only for
    /// a neighbour inside its claim window.
    pub(super) fn push(&self, index: u32) {
        loop {
            // ORDERING: Acquire, pairs with the Release store in `lengthen`.
            let last = self.last.load(Ordering::Acquire) as usize;
            match self.ring(last).push(index) {
                Ok(()) => return,
                Err(PushError::Full(_)) => unreachable!("a line has a place for every slot"),
                // The next one is about to be shown.
                Err(PushError::Closed(_)) => pause(1),
            }
        }
    }

    /// Pushes indices behind all others, next to each other but where the line is just made longer, and
    /// empties the list. As [`push`](Self::push).
    pub(super) fn push_batch(&self, indices: &mut Vec<u32>) {
        while !indices.is_empty() {
            // ORDERING: Acquire, as in `push`.
            let last = self.last.load(Ordering::Acquire) as usize;
            if self.ring(last).push_batch(indices) == 0 {
                // Closed, for there is room. The next one is about to be shown.
                pause(1);
            }
        }
    }

    /// Pops the oldest index, or `None` if at one moment of the call there was none.
    #[inline]
    pub(super) fn pop(&self) -> Result<Option<u32>, Busy> {
        self.pop_by(RingBuffer::try_pop)
    }

    /// Pops up to `max` of the oldest indices, at least one, and appends them to `out`. Returns how many;
    /// none if at one moment of the call there was none.
    pub(super) fn pop_batch(&self, out: &mut Vec<u32>, max: usize) -> Result<usize, Busy> {
        let popped = self.pop_by(|ring| ring.try_pop_batch(out, max))?;
        Ok(popped.unwrap_or(0))
    }

    #[inline]
    fn pop_by<P>(
        &self,
        mut pop: impl FnMut(&RingBuffer<u32>) -> Result<P, TryPopError>,
    ) -> Result<Option<P>, Busy> {
        // ORDERING: Acquire, pairs with the Release in `advance`.
        let mut first = self.first.load(Ordering::Acquire) as usize;
        loop {
            let Some(ring) = self.rings[first].get() else {
                // Only the first is looked for before it is made.
                if self.is_not_made() {
                    return Ok(None);
                }
                continue;
            };
            match pop(ring) {
                Ok(popped) => return Ok(Some(popped)),
                Err(TryPopError::Empty) => return Ok(None),
                Err(TryPopError::Busy) => return Err(Busy),
                Err(TryPopError::Closed) => first = self.advance(first)?,
            }
        }
    }

    /// Whether the line had no place at one moment of the call.
    #[cold]
    fn is_not_made(&self) -> bool {
        // ORDERING: SeqCst: a thread that says it waits, then looks here and finds nothing, is seen by
        // whoever makes the first place, pushes, and asks who waits.
        self.last.load(Ordering::SeqCst) == NOT_MADE
    }

    /// The ring after one that is closed and empty.
    #[cold]
    fn advance(&self, first: usize) -> Result<usize, Busy> {
        // ORDERING: Acquire, pairs with the Release store in `lengthen`.
        if self.last.load(Ordering::Acquire) as usize == first {
            return Err(Busy);
        }
        // ORDERING: Release, pairs with the Acquire load in `pop`, which so sees the ring that the
        // load above let us see.
        self.first.fetch_max(first as u32 + 1, Ordering::AcqRel);
        Ok(first + 1)
    }

    /// Up to `max` of the oldest indices, which stay in line, but for those before the place `from`. None
    /// if there are none, or others pop all the time. One thread at a time.
    pub(super) fn peek(&self, from: Place, max: usize) -> Vec<InLine> {
        // ORDERING: Acquire, as in `pop` and `push`.
        let first = self.first.load(Ordering::Acquire) as usize;
        let last = self.last.load(Ordering::Acquire) as usize;
        if last == NOT_MADE as usize {
            return Vec::new();
        }
        let mut seen = Vec::new();
        for segment in first.max(from.0)..=last {
            let position = if segment == from.0 { from.1 } else { 0 };
            if self.ring(segment).peek(position, max, &mut seen) && seen.is_empty() {
                continue;
            }
            let in_line = |seen: Seen<u32>| InLine {
                index: seen.value,
                place: (segment, seen.position),
                next: (segment, seen.next),
            };
            return seen.into_iter().map(in_line).collect();
        }
        Vec::new()
    }

    /// Whether what was seen in a place is there still.
    pub(super) fn holds(&self, place: Place) -> bool {
        self.ring(place.0).is_before(place.1)
    }

    /// How many indices are in line; exact where the line is not made longer meanwhile.
    pub(super) fn len(&self) -> usize {
        // ORDERING: Acquire, as in `pop` and `push`.
        let first = self.first.load(Ordering::Acquire) as usize;
        let last = self.last.load(Ordering::Acquire) as usize;
        if last == NOT_MADE as usize {
            return 0;
        }
        self.rings[first..=last].iter().filter_map(OnceBox::get).map(RingBuffer::len).sum()
    }

    /// Whether no index was in line at one moment of the call.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
