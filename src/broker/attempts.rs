//! Attempts at a receive: a consumer of a FIFO queue that did not get its answer asks again with the same
//! key, and is given the same messages.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::expiring::Expiring;
use crate::queue::{Millis, Receipt};

/// How long an attempt is remembered.
const WINDOW: Duration = Duration::from_secs(300);

/// How many attempts of one queue are: the oldest are forgotten first.
const KEPT: usize = 10_000;

/// Deliveries, and when the lease of each ends as long as nobody has touched it.
pub(super) type Leased = Vec<(Receipt, Millis)>;

/// The attempts at one queue.
pub(super) struct Attempts(Mutex<Expiring<Leased>>);

impl Default for Attempts {
    fn default() -> Self {
        Self(Mutex::new(Expiring::new(KEPT)))
    }
}

impl Attempts {
    fn seen(&self) -> MutexGuard<'_, Expiring<Leased>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an attempt with this key was given.
    pub(super) fn find(&self, key: &str, now: Millis) -> Option<Leased> {
        self.seen().get(key, now).cloned()
    }

    /// Notes what an attempt with this key was given, for the first time or in the place of what is not to
    /// be had any more.
    pub(super) fn note(&self, key: &str, leased: Leased, now: Millis) {
        self.seen().put(key, leased, now.after(WINDOW));
    }

    /// Notes that the leases of an attempt end at another time; it is forgotten when it would have been.
    pub(super) fn renewed(&self, key: &str, leased: Leased, now: Millis) {
        if let Some(before) = self.seen().get(key, now) {
            *before = leased;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leased(slot: u32) -> Leased {
        vec![(Receipt::from_parts(slot, 0, 1), Millis(9))]
    }

    #[test]
    fn an_attempt_is_remembered_for_its_window() {
        let attempts = Attempts::default();
        attempts.note("a", leased(1), Millis(0));
        attempts.renewed("a", leased(2), Millis(1));
        assert_eq!(attempts.find("a", Millis(299_999)), Some(leased(2)));
        assert_eq!(attempts.find("a", Millis(300_000)), None);
        // A key that is used again is another attempt.
        attempts.note("b", leased(1), Millis(300_000));
        attempts.note("b", leased(3), Millis(400_000));
        assert_eq!(attempts.find("b", Millis(600_000)), Some(leased(3)));
        assert_eq!(attempts.find("b", Millis(700_000)), None);
    }

    #[test]
    fn not_more_than_so_many_are_remembered() {
        let attempts = Attempts::default();
        for n in 0..=KEPT {
            attempts.note(&n.to_string(), leased(0), Millis(n as u64));
        }
        assert_eq!(attempts.find("0", Millis(KEPT as u64)), None);
        assert!(attempts.find("1", Millis(KEPT as u64)).is_some());
    }
}
