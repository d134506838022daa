//! Where in the ring, and in which lap: one `u64` that only grows.
//!
//! ```text
//!  63       62 ............ shift  shift-1 .......... 0
//! [closed] [        lap         ] [  index < capacity  ]
//! ```
//!
//! `2^shift` is the smallest power of two that holds every index, so a lap of a ring whose capacity
//! is no power of two skips the numbers above its last index. Positions therefore compare as the
//! claims they stand for were ordered, and any capacity has exactly as many slots as it was asked
//! for. At 100 million claims a second the positions last for more than a thousand years.

/// A claim on one slot in one lap.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Position(pub(super) u64);

impl Position {
    /// Set in the tail, and only there, once the ring is closed. It makes the tail larger than
    /// every position that is known to be free, so a push notices it without looking for it.
    pub(super) const CLOSED: u64 = 1 << 63;

    #[inline(always)]
    pub(super) fn is_closed(self) -> bool {
        self.0 & Self::CLOSED != 0
    }

    #[inline(always)]
    pub(super) fn without_closed(self) -> Self {
        Self(self.0 & !Self::CLOSED)
    }
}

/// The arithmetic of positions in a ring of one capacity.
#[derive(Clone, Copy)]
pub(super) struct Laps {
    /// Slots in the ring: 1 to 2^31.
    capacity: u64,
    /// The index of the last slot.
    last_index: u64,
    /// Ones where a position keeps its index.
    index_mask: u64,
    /// How many bits those are.
    index_bits: u32,
}

impl Laps {
    /// The first position. Its stamp is zero: zeroed memory is an empty ring.
    pub(super) const START: Position = Position(0);

    /// The largest capacity: a stamp of 32 bits must keep at least one bit of the lap.
    pub(super) const MAX_CAPACITY: usize = 1 << 31;

    /// `capacity` is 1 to [`Laps::MAX_CAPACITY`].
    pub(super) fn new(capacity: usize) -> Self {
        debug_assert!((1..=Self::MAX_CAPACITY).contains(&capacity));
        let capacity = capacity as u64;
        let lap = capacity.next_power_of_two();
        Self {
            capacity,
            last_index: capacity - 1,
            index_mask: lap - 1,
            index_bits: lap.trailing_zeros(),
        }
    }

    #[inline(always)]
    pub(super) fn capacity(self) -> usize {
        self.capacity as usize
    }

    /// The slot of a position: always below the capacity.
    #[inline(always)]
    pub(super) fn index(self, position: Position) -> usize {
        (position.0 & self.index_mask) as usize
    }

    /// The lap of a position as a stamp. What a release stamp holds while its slot is free for this
    /// position: zero in the first lap, and never the same in two laps that follow each other.
    #[inline(always)]
    pub(super) fn lap_stamp(self, position: Position) -> u32 {
        (position.0 & !self.index_mask) as u32
    }

    /// The stamp of the lap after that of a position. What a published stamp becomes when the value
    /// at this position is in its slot, and a release stamp when it is out again.
    #[inline(always)]
    pub(super) fn next_lap_stamp(self, position: Position) -> u32 {
        ((position.0 | self.index_mask) + 1) as u32
    }

    /// The position after this one.
    #[inline(always)]
    pub(super) fn next(self, position: Position) -> Position {
        if position.0 & self.index_mask == self.last_index {
            // Once a lap: a branch foreseen costs less than a selection waited for.
            std::hint::cold_path();
            Position((position.0 | self.index_mask) + 1)
        } else {
            Position(position.0 + 1)
        }
    }

    /// The position `count` claims after this one; `count` is at most the capacity.
    #[inline(always)]
    pub(super) fn advance(self, position: Position, count: usize) -> Position {
        let index = (position.0 & self.index_mask) + count as u64;
        if index < self.capacity {
            Position(position.0 + count as u64)
        } else {
            Position((position.0 | self.index_mask) + 1 + (index - self.capacity))
        }
    }

    /// How many claims lie between two positions, zero when `to` is not ahead of `from`.
    #[inline(always)]
    pub(super) fn distance(self, from: Position, to: Position) -> usize {
        if to <= from {
            return 0;
        }
        let laps = (to.0 >> self.index_bits) - (from.0 >> self.index_bits);
        let count = laps * self.capacity + (to.0 & self.index_mask) - (from.0 & self.index_mask);
        count as usize
    }

    /// The position of the same index one lap before. There is one: the position is not in the
    /// first lap.
    #[inline(always)]
    pub(super) fn lap_before(self, position: Position) -> Position {
        Position(position.0 - (self.index_mask + 1))
    }

    /// The run of neighbouring slots that `count` claims from `first` on cover, and the position
    /// after them; `None` if they pass the end of the ring.
    #[inline(always)]
    pub(super) fn run_in_lap(self, first: Position, count: usize) -> Option<(Run, Position)> {
        let index = self.index(first);
        let run = Run { first: index, count, next_lap_stamp: self.next_lap_stamp(first) };
        (count <= self.capacity() - index).then(|| (run, self.advance(first, count)))
    }

    /// The run of neighbouring slots that `count` claims from `first` on cover, and a second one
    /// where they pass the end of the ring. `count` is at most the capacity.
    #[inline(always)]
    pub(super) fn runs(self, first: Position, count: usize) -> (Run, Option<Run>) {
        let index = self.index(first);
        let next_lap_stamp = self.next_lap_stamp(first);
        let before_end = self.capacity() - index;
        if count <= before_end {
            return (Run { first: index, count, next_lap_stamp }, None);
        }
        std::hint::cold_path();
        let rest = Run {
            first: 0,
            count: count - before_end,
            next_lap_stamp: next_lap_stamp.wrapping_add(self.index_mask as u32 + 1),
        };
        (Run { first: index, count: before_end, next_lap_stamp }, Some(rest))
    }
}

/// Neighbouring slots of one lap.
pub(super) struct Run {
    /// The index of the first slot.
    pub(super) first: usize,
    pub(super) count: usize,
    /// [`Laps::next_lap_stamp`] of their positions.
    pub(super) next_lap_stamp: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every position of some laps of small rings, against a plain count of claims.
    #[test]
    fn arithmetic_agrees_with_counting_claims() {
        for capacity in 1..=17_usize {
            let laps = Laps::new(capacity);
            let mut positions = vec![Position(0)];
            for _ in 0..5 * capacity {
                positions.push(laps.next(positions[positions.len() - 1]));
            }
            for (claim, &position) in positions.iter().enumerate() {
                assert_eq!(laps.index(position), claim % capacity);
                let lap = (claim / capacity) as u32;
                assert_eq!(laps.lap_stamp(position), lap * capacity.next_power_of_two() as u32);
                let ahead = &positions[claim..positions.len().min(claim + capacity + 1)];
                for (count, &later) in ahead.iter().enumerate() {
                    assert_eq!(laps.advance(position, count), later);
                    assert_eq!(laps.distance(position, later), count);
                    assert_eq!(laps.distance(later, position), 0);
                    assert!(position <= later);
                }
                if claim + capacity < positions.len() {
                    let next_lap = positions[claim + capacity];
                    assert_eq!(laps.next_lap_stamp(position), laps.lap_stamp(next_lap));
                    assert_eq!(laps.lap_before(next_lap), position);
                }
            }
        }
    }

    #[test]
    fn runs_cover_the_claims_in_order() {
        for capacity in 1..=9_usize {
            let laps = Laps::new(capacity);
            let mut first = Position(0);
            for _ in 0..3 * capacity {
                for count in 0..=capacity {
                    let mut position = first;
                    let (run, rest) = laps.runs(first, count);
                    for run in [Some(run), rest].into_iter().flatten() {
                        for index in run.first..run.first + run.count {
                            assert_eq!(laps.index(position), index);
                            assert_eq!(laps.next_lap_stamp(position), run.next_lap_stamp);
                            position = laps.next(position);
                        }
                    }
                    assert_eq!(laps.distance(first, position), count);
                }
                first = laps.next(first);
            }
        }
    }

    #[test]
    fn stamps_of_neighbouring_laps_differ_in_the_largest_ring() {
        let laps = Laps::new(Laps::MAX_CAPACITY);
        let mut position = Position(0);
        for _ in 0..5 {
            assert_eq!(laps.lap_stamp(position), laps.lap_stamp(laps.advance(position, 7)));
            assert_ne!(laps.lap_stamp(position), laps.next_lap_stamp(position));
            position = laps.advance(position, laps.capacity());
        }
    }
}
