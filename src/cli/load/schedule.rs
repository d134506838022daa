//! When each request is due.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Moments at equal distances, given out in order to whichever connection is free.
pub(super) struct Schedule {
    start: Instant,
    per_second: f64,
    /// How many there are, and how many of them come before the measuring begins.
    all: u64,
    warmup: u64,
    next: AtomicU64,
    pub(super) duration: Duration,
}

/// A request that is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) at: Instant,
    /// Whether it counts, or is still for warming up.
    pub(super) counts: bool,
}

impl Schedule {
    pub(super) fn new(
        start: Instant,
        per_second: f64,
        warmup: Duration,
        duration: Duration,
    ) -> Self {
        let count = |span: Duration| (per_second * span.as_secs_f64()).ceil() as u64;
        let (warmup, measured) = (count(warmup), count(duration).max(1));
        Self {
            start,
            per_second,
            all: warmup + measured,
            warmup,
            next: AtomicU64::new(0),
            duration,
        }
    }

    /// The next request, which is now its caller's; none at the end.
    pub(super) fn next(&self) -> Option<Due> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.all).then(|| Due { at: self.at(number), counts: number >= self.warmup })
    }

    /// The next request, if it is due by then.
    pub(super) fn next_until(&self, end: Instant) -> Option<Due> {
        self.next().filter(|due| due.at <= end)
    }

    /// Where measuring begins.
    pub(super) fn measured_from(&self) -> Instant {
        self.at(self.warmup)
    }

    /// Where the last request is behind.
    pub(super) fn end(&self) -> Instant {
        self.at(self.all)
    }

    fn at(&self, number: u64) -> Instant {
        self.start + Duration::from_secs_f64(number as f64 / self.per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_evenly_apart_and_end() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let schedule = Schedule::new(start, 4.0, second, second);
        let due: Vec<Due> = std::iter::from_fn(|| schedule.next()).collect();
        let millis = due.iter().map(|due| due.at.duration_since(start).as_millis());
        assert_eq!(millis.collect::<Vec<_>>(), [0, 250, 500, 750, 1000, 1250, 1500, 1750]);
        assert_eq!(due.iter().filter(|due| due.counts).count(), 4);
        assert_eq!(
            (schedule.measured_from(), schedule.end()),
            (start + second, start + 2 * second)
        );
        assert!(schedule.next().is_none());
    }

    #[test]
    fn what_is_due_ends_with_the_run() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let schedule = Schedule::new(start, 4.0, second, second);
        let due = std::iter::from_fn(|| schedule.next_until(start + second));
        assert_eq!(
            due.map(|due| due.counts).collect::<Vec<_>>(),
            [false, false, false, false, true]
        );
    }

    #[test]
    fn there_is_always_something_to_measure() {
        let tick = Duration::from_millis(100);
        let schedule = Schedule::new(Instant::now(), 0.1, Duration::ZERO, tick);
        assert_eq!(std::iter::from_fn(|| schedule.next()).count(), 1);
    }
}
