//! Looking at the oldest values without taking them.
//!
//! A value stays where it is until producers come round to its slot, one lap later. So who looks pins
//! the head: producers that come round to the pinned position find their slot busy until the pin is gone,
//! as they do beside a consumer that has not released it yet. That costs them nothing, because the pin
//! is asked only where release stamps are read, and consumers nothing, because they only read.
//!
//! The pin holds if the head still stood there once it was set. Then every pop of a position from there
//! on comes after it, and with that every release stamp that lets a producer come round: who sees such a
//! stamp sees the pin.

use super::RingBuffer;
use super::position::Position;
use crate::sync::Ordering;

/// No position: nobody looks.
pub(super) const NOT_PINNED: u64 = u64::MAX;

/// How often to look again where the head moved on.
const TRIES: u32 = 16;

/// A value that was in the ring, and where it stood: a position that no other value ever has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen<T> {
    pub(crate) position: u64,
    /// The position behind it.
    pub(crate) next: u64,
    pub(crate) value: T,
}

/// Ends a look, for whoever came round to it.
struct Pin<'ring, T>(&'ring RingBuffer<T>);

impl<T> Drop for Pin<'_, T> {
    fn drop(&mut self) {
        // ORDERING: Release, pairs with the Acquire loads in `until_pinned`: what was looked at was
        // looked at before it is overwritten.
        self.0.tail.pinned.store(NOT_PINNED, Ordering::Release);
    }
}

impl<T: Copy> RingBuffer<T> {
    /// Appends up to `max` of the oldest values to `out`, but for those before position `from`, which was
    /// [seen](Seen) here: as they stood one after the other at one moment of the call. Never waits. False if
    /// others were in its way: somebody else looks, or values are popped all the time.
    pub(crate) fn peek(&self, from: u64, max: usize, out: &mut Vec<Seen<T>>) -> bool {
        let memory = &*self.memory;
        let laps = memory.laps;
        // Not while the head is pinned.
        out.reserve(max);
        let Some((head, _pin)) = self.pin_head() else { return false };
        let end = laps.advance(head, laps.capacity());
        let first = Position(from.max(head.0));
        let mut position = first;
        for _ in 0..max.min(laps.distance(first, end)) {
            let index = laps.index(position);
            // SAFETY: the index of a position is below the capacity.
            let (place, published) =
                unsafe { (memory.values.at(index), memory.published.at(index)) };
            // ORDERING: Acquire, as in `claim_pop`: the value is there to be read.
            if published.load(Ordering::Acquire) != laps.next_lap_stamp(position) {
                break;
            }
            // SAFETY: the value was published, and is not written over while the head of the lap is
            // pinned; consumers only read it, and so may we, because it is `Copy`.
            let value = place.with(|place| unsafe { (*place).assume_init_read() });
            let next = laps.next(position);
            out.push(Seen { position: position.0, next: next.0, value });
            position = next;
        }
        true
    }

    /// Whether the value that was seen there is still in the ring.
    pub(crate) fn is_before(&self, seen: u64) -> bool {
        self.load_head().0 <= seen
    }

    fn pin_head(&self) -> Option<(Position, Pin<'_, T>)> {
        for _ in 0..TRIES {
            let head = self.load_head();
            let pinned = &self.tail.pinned;
            // ORDERING: Acquire, pairs with the Release of the pin before. That others see this one in time
            // is what the claim below is for.
            pinned
                .compare_exchange(NOT_PINNED, head.0, Ordering::Acquire, Ordering::Relaxed)
                .ok()?;
            let pin = Pin(self);
            // ORDERING: SeqCst, as every claim of the head; that it also writes, and releases, is what counts:
            // the next claim reads what this wrote, so the pin was set before that.
            if self.advance_head(head, head) {
                return Some((head, pin));
            }
        }
        None
    }
}

impl<T> RingBuffer<T> {
    /// How many of `count` positions from `first` on come before those whose slots are looked at. To be
    /// asked after the release stamps were read.
    #[inline]
    pub(super) fn until_pinned(&self, first: Position, count: usize) -> usize {
        // ORDERING: Acquire, pairs with the Release of the pin's end. It is not done before the loads of
        // the stamps, which acquire.
        let pinned = self.tail.pinned.load(Ordering::Acquire);
        if pinned == NOT_PINNED {
            return count;
        }
        let laps = self.memory.laps;
        let end = laps.advance(Position(pinned), laps.capacity());
        laps.distance(first, end).min(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::in_model;

    fn peek(ring: &RingBuffer<u32>, from: u64, max: usize) -> Vec<Seen<u32>> {
        let mut seen = Vec::new();
        assert!(ring.peek(from, max, &mut seen));
        seen
    }

    #[test]
    fn a_look_shows_the_oldest_values_and_leaves_them() {
        in_model(|| {
            for capacity in 1..=5 {
                let ring = RingBuffer::after_laps(capacity, 3);
                for lap in 0..3 {
                    for value in 0..capacity as u32 {
                        assert_eq!(ring.push(10 * lap + value), Ok(()));
                    }
                    let seen = peek(&ring, 0, 9);
                    let values: Vec<_> = seen.iter().map(|seen| seen.value).collect();
                    assert_eq!(
                        values,
                        (0..capacity as u32).map(|i| 10 * lap + i).collect::<Vec<_>>()
                    );
                    assert_eq!(peek(&ring, 0, 1), seen[..1]);
                    let last = seen.len() - 1;
                    assert_eq!(peek(&ring, seen[last].position, 9), seen[last..]);
                    for seen in seen {
                        assert!(ring.is_before(seen.position));
                        assert_eq!(ring.pop(), Ok(seen.value));
                        assert!(!ring.is_before(seen.position));
                    }
                    assert_eq!(peek(&ring, 0, 9), []);
                }
            }
        });
    }

    #[test]
    fn nobody_comes_round_to_what_is_looked_at() {
        in_model(|| {
            let ring = RingBuffer::new(2);
            assert_eq!((ring.push(1), ring.push(2)), (Ok(()), Ok(())));
            let (_, pin) = ring.pin_head().expect("nobody else looks");
            assert!(!ring.peek(0, 1, &mut Vec::new()));
            assert_eq!(ring.pop(), Ok(1));
            assert_eq!(ring.pop(), Ok(2));
            assert_eq!(ring.try_push(3), Err(crate::ring::TryPushError::Busy(3)));
            drop(pin);
            assert_eq!(ring.try_push(3), Ok(()));
        });
    }
}
