//! How often sends were refused, and why.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Error;
use crate::queue::SendRefusal;

/// Why a send was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The queue has as many messages as it may.
    Full,
    /// The queue has as many bytes as it may.
    FullBytes,
    /// All queues together have as many bytes as they may.
    OutOfMemory,
    /// The message has more bytes than one may.
    TooLarge,
    /// The server is about to stop.
    Draining,
    /// Its idempotency key was used for another message.
    KeyReused,
    /// The first send with its idempotency key is not done.
    KeyInProgress,
}

impl Refused {
    /// All of them, in the order in which [`Refusals`] has them.
    pub const ALL: [Self; 7] = [
        Self::Full,
        Self::FullBytes,
        Self::OutOfMemory,
        Self::TooLarge,
        Self::Draining,
        Self::KeyReused,
        Self::KeyInProgress,
    ];

    /// A word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::FullBytes => "full_bytes",
            Self::OutOfMemory => "out_of_memory",
            Self::TooLarge => "too_large",
            Self::Draining => "draining",
            Self::KeyReused => "key_reused",
            Self::KeyInProgress => "key_in_progress",
        }
    }

    /// What a sender was told of; nothing, if it was not a refusal by the queue.
    fn of(error: &Error) -> Option<Self> {
        match error {
            Error::Full { refusal, .. } | Error::TooLarge(refusal) => Self::of_queue(*refusal),
            Error::Draining => Some(Self::Draining),
            Error::KeyConflict => Some(Self::KeyReused),
            Error::KeyInProgress => Some(Self::KeyInProgress),
            _ => None,
        }
    }

    fn of_queue(why: SendRefusal) -> Option<Self> {
        match why {
            SendRefusal::Full { .. } => Some(Self::Full),
            SendRefusal::FullBytes { .. } => Some(Self::FullBytes),
            SendRefusal::OutOfMemory { .. } => Some(Self::OutOfMemory),
            SendRefusal::TooLarge { .. } => Some(Self::TooLarge),
            // The one is asked again, and the other one's queue was deleted.
            SendRefusal::Busy | SendRefusal::Closed => None,
        }
    }
}

/// How many sends were refused, by [`Refused::ALL`].
pub type Refusals = [u64; Refused::ALL.len()];

/// The counts of one queue. A refusal is rare, or else the server has little else to do: they share a line.
#[derive(Default)]
pub(super) struct RefusalCounts([AtomicU64; Refused::ALL.len()]);

impl RefusalCounts {
    pub(super) fn add(&self, why: Refused) {
        // ORDERING: Relaxed, a count that passes nothing on.
        self.0[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts what a sender is told of.
    pub(super) fn add_error(&self, error: &Error) {
        if let Some(why) = Refused::of(error) {
            self.add(why);
        }
    }

    /// Counts what the queue says, where nobody looks closer.
    pub(super) fn add_refusal(&self, why: SendRefusal) {
        if let Some(why) = Refused::of_queue(why) {
            self.add(why);
        }
    }

    pub(super) fn read(&self) -> Refusals {
        std::array::from_fn(|reason| self.0[reason].load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_counted_in_its_own_place() {
        let counts = RefusalCounts::default();
        for (place, why) in Refused::ALL.into_iter().enumerate() {
            (0..=place).for_each(|_| counts.add(why));
        }
        assert_eq!(counts.read(), [1, 2, 3, 4, 5, 6, 7]);
    }
}
