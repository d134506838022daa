//! How a queue behaves: what may be changed while it is used.

use std::time::Duration;

use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// What a send finds in a queue that is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// It is refused.
    #[default]
    Reject,
    /// It takes the place of the oldest message that is ready, which is dropped and counted.
    DropOldest,
}

/// The settings of a queue but for its capacity, which is changed by
/// [`resize`](super::Queue::resize).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The most bytes of all its messages together; no bound if `None`.
    pub max_bytes: Option<u64>,
    /// The most bytes of one message.
    pub max_message_bytes: u64,
    /// What happens to a send when the queue is full.
    pub overflow: Overflow,
    /// How long a lease is, if a receive does not say.
    pub lease: Duration,
    /// How often a message is delivered before it counts as dead; for ever if `None`.
    pub max_receives: Option<u32>,
    /// How long a message whose lease ran out waits before it is ready again.
    pub retry_delay: Duration,
    /// How long after it was sent a message expires, if its sender does not say; never if `None`.
    pub ttl: Option<Duration>,
    /// How long a message waits before it is ready, if its sender does not say.
    pub delay: Duration,
    /// The most messages in flight at once; no bound if `None`.
    pub max_in_flight: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_bytes: None,
            max_message_bytes: 1 << 20,
            overflow: Overflow::Reject,
            lease: Duration::from_secs(30),
            max_receives: None,
            retry_delay: Duration::ZERO,
            ttl: None,
            delay: Duration::ZERO,
            max_in_flight: None,
        }
    }
}

/// The same, to be read by every thread while one changes it: each by itself, so an operation may
/// see some of them before and some after a change.
pub(super) struct Knobs {
    max_bytes: AtomicU64,
    max_message_bytes: AtomicU64,
    drop_oldest: AtomicU32,
    lease_ms: AtomicU64,
    max_receives: AtomicU32,
    retry_delay_ms: AtomicU64,
    ttl_ms: AtomicU64,
    delay_ms: AtomicU64,
    max_in_flight: AtomicU32,
}

/// No bound, or never.
const NONE_U64: u64 = u64::MAX;
const NONE_U32: u32 = u32::MAX;

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(NONE_U64 - 1)
}

impl Knobs {
    pub(super) fn new(settings: &Settings) -> Self {
        let knobs = Self {
            max_bytes: AtomicU64::new(0),
            max_message_bytes: AtomicU64::new(0),
            drop_oldest: AtomicU32::new(0),
            lease_ms: AtomicU64::new(0),
            max_receives: AtomicU32::new(0),
            retry_delay_ms: AtomicU64::new(0),
            ttl_ms: AtomicU64::new(0),
            delay_ms: AtomicU64::new(0),
            max_in_flight: AtomicU32::new(0),
        };
        knobs.set(settings);
        knobs
    }

    // ORDERING: Relaxed throughout, nothing is passed on by a setting.
    pub(super) fn set(&self, settings: &Settings) {
        let drop_oldest = u32::from(settings.overflow == Overflow::DropOldest);
        let ttl = settings.ttl.map_or(NONE_U64, millis);
        self.max_bytes.store(settings.max_bytes.unwrap_or(NONE_U64), Ordering::Relaxed);
        self.max_message_bytes.store(settings.max_message_bytes, Ordering::Relaxed);
        self.drop_oldest.store(drop_oldest, Ordering::Relaxed);
        self.lease_ms.store(millis(settings.lease), Ordering::Relaxed);
        self.max_receives.store(settings.max_receives.unwrap_or(NONE_U32), Ordering::Relaxed);
        self.retry_delay_ms.store(millis(settings.retry_delay), Ordering::Relaxed);
        self.ttl_ms.store(ttl, Ordering::Relaxed);
        self.delay_ms.store(millis(settings.delay), Ordering::Relaxed);
        self.max_in_flight.store(settings.max_in_flight.unwrap_or(NONE_U32), Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> Settings {
        let max_receives = self.max_receives();
        let max_in_flight = self.max_in_flight.load(Ordering::Relaxed);
        Settings {
            max_bytes: self.max_bytes(),
            max_message_bytes: self.max_message_bytes(),
            overflow: if self.drops_oldest() { Overflow::DropOldest } else { Overflow::Reject },
            lease: self.lease(),
            max_receives: (max_receives != NONE_U32).then_some(max_receives),
            retry_delay: self.retry_delay(),
            ttl: self.ttl(),
            delay: self.delay(),
            max_in_flight: (max_in_flight != NONE_U32).then_some(max_in_flight),
        }
    }

    pub(super) fn max_bytes(&self) -> Option<u64> {
        let bytes = self.max_bytes.load(Ordering::Relaxed);
        (bytes != NONE_U64).then_some(bytes)
    }

    pub(super) fn max_message_bytes(&self) -> u64 {
        self.max_message_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn drops_oldest(&self) -> bool {
        self.drop_oldest.load(Ordering::Relaxed) != 0
    }

    pub(super) fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms.load(Ordering::Relaxed))
    }

    /// More than any count, if there is no bound.
    pub(super) fn max_receives(&self) -> u32 {
        self.max_receives.load(Ordering::Relaxed)
    }

    pub(super) fn retry_delay(&self) -> Duration {
        Duration::from_millis(self.retry_delay_ms.load(Ordering::Relaxed))
    }

    pub(super) fn ttl(&self) -> Option<Duration> {
        let ttl = self.ttl_ms.load(Ordering::Relaxed);
        (ttl != NONE_U64).then(|| Duration::from_millis(ttl))
    }

    pub(super) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms.load(Ordering::Relaxed))
    }

    /// More than there can be, if there is no bound.
    pub(super) fn max_in_flight(&self) -> u64 {
        match self.max_in_flight.load(Ordering::Relaxed) {
            NONE_U32 => u64::MAX,
            bound => u64::from(bound),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::in_model;

    #[test]
    fn settings_come_back_as_they_were_set() {
        let all = Settings {
            max_bytes: Some(0),
            max_message_bytes: 7,
            overflow: Overflow::DropOldest,
            lease: Duration::from_millis(1),
            max_receives: Some(3),
            retry_delay: Duration::from_secs(1),
            ttl: Some(Duration::from_secs(2)),
            delay: Duration::from_secs(3),
            max_in_flight: Some(4),
        };
        in_model(move || {
            for settings in [Settings::default(), all.clone()] {
                assert_eq!(Knobs::new(&settings).get(), settings);
            }
        });
    }
}
