//! The clocks: the one place that asks the system for the time.

use std::time::{Duration, Instant, SystemTime};

use crate::queue::Millis;

/// A clock that never goes back, and the time of day at which it started.
///
/// A change of the system's time of day changes nothing here.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    started_at: SystemTime,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self { started: Instant::now(), started_at: SystemTime::now() }
    }

    /// Time since the start.
    #[inline]
    pub fn now(&self) -> Millis {
        self.at(Instant::now())
    }

    /// Time from the start to a moment that somebody has read off the system's clock.
    #[inline]
    pub fn at(&self, moment: Instant) -> Millis {
        let elapsed = moment.saturating_duration_since(self.started);
        Millis(elapsed.as_secs() * 1000 + u64::from(elapsed.subsec_millis()))
    }

    /// Time since the start, as exactly as it is known.
    #[inline]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The time of day of a moment, had the system's clock not been changed since the start.
    pub fn time_of_day(&self, moment: Millis) -> SystemTime {
        self.started_at + Duration::from_millis(moment.0)
    }

    /// The time of day as the system has it now, with every change: for what clients say by theirs.
    pub fn system_time() -> SystemTime {
        SystemTime::now()
    }

    /// When a moment comes; `None` for never.
    pub fn instant(&self, moment: Millis) -> Option<Instant> {
        self.started.checked_add(Duration::from_millis(moment.0))
    }
}
