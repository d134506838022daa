//! How fast messages leave: a count a second, over the last few seconds.

use std::time::Duration;

use super::time::Millis;
use crate::sync::{AtomicU64, Ordering};

/// Seconds that the rate is taken over.
const WINDOW: u64 = 5;

/// One more than the window, as a power of two.
const KEPT: usize = 8;

/// A count that remembers what it was at the beginning of each of the last seconds.
///
/// It costs a read-modify-write a count, and once a second a few stores more. Lock-free; where
/// threads count at the turn of a second, a few counts may be booked to the neighbouring one.
pub(super) struct Rate {
    count: AtomicU64,
    /// The second that was last counted in.
    second: AtomicU64,
    /// The count at the beginning of second `n`, at `n % KEPT`.
    at_start: [AtomicU64; KEPT],
}

impl Rate {
    pub(super) fn new() -> Self {
        Self {
            count: AtomicU64::new(0),
            second: AtomicU64::new(0),
            at_start: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// Counts `many`.
    #[inline]
    pub(super) fn add(&self, many: u64, now: Millis) {
        // ORDERING: Relaxed on all but the count: they are for an estimate. The count: SeqCst, so
        // that a message that is gone is gone for whoever asks after it was acknowledged.
        let before = self.count.fetch_add(many, Ordering::SeqCst);
        let second = now.0 / 1000;
        let last = self.second.load(Ordering::Relaxed);
        if second > last {
            self.turn(last, second, before);
        }
    }

    #[cold]
    fn turn(&self, last: u64, second: u64, count: u64) {
        let turned =
            self.second.compare_exchange(last, second, Ordering::Relaxed, Ordering::Relaxed);
        if turned.is_ok() {
            for passed in (last + 1..=second).rev().take(KEPT) {
                self.at_start[passed as usize % KEPT].store(count, Ordering::Relaxed);
            }
        }
    }

    /// All that was counted.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// How many a second, over the last seconds or since the beginning.
    pub(super) fn per_second(&self, now: Millis) -> f64 {
        let from = (now.0 / 1000).saturating_sub(WINDOW - 1);
        if self.second.load(Ordering::Relaxed) < from {
            return 0.0;
        }
        let counted = self.count().saturating_sub(match from {
            0 => 0,
            _ => self.at_start[from as usize % KEPT].load(Ordering::Relaxed),
        });
        let span = now.since(Millis(from * 1000)).max(Duration::from_secs(1));
        counted as f64 / span.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::in_model;

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        in_model(|| {
            let rate = Rate::new();
            assert!(rate.per_second(Millis(0)) == 0.0);
            for tenth in 0..200 {
                rate.add(10, Millis(tenth * 100));
                if tenth > 10 {
                    let now = rate.per_second(Millis(tenth * 100));
                    assert!((90.0..=120.0).contains(&now), "{now} at {tenth}");
                }
            }
            assert_eq!(rate.count(), 2000);
            let later = rate.per_second(Millis(22_000));
            assert!((30.0..90.0).contains(&later), "{later}");
            assert!(rate.per_second(Millis(30_000)) == 0.0);
            rate.add(1, Millis(1_000_000));
            assert!(rate.per_second(Millis(1_000_900)) < 1.0);
        });
    }
}
