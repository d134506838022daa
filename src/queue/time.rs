//! Time as an argument: milliseconds of a clock that somebody else reads.

use std::time::Duration;

/// A moment, in milliseconds since the one that the caller counts from.
///
/// The queue compares moments and adds durations to them, and never asks for the time. A clock that
/// never goes back is the caller's to give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

impl Millis {
    /// A moment that does not come.
    pub const NEVER: Self = Self(u64::MAX);

    /// This long after; never, if that is beyond all numbers. A part of a millisecond counts as a
    /// whole one, so that nothing ends early.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let millis = duration.as_nanos().div_ceil(1_000_000);
        Self(self.0.saturating_add(u64::try_from(millis).unwrap_or(u64::MAX)))
    }

    /// How long it is since `earlier`; nothing, if it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}
