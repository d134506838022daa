//! What the log says of queues: who made, changed, emptied, stopped or deleted one, and when one is full, the
//! memory is, or messages become dead letters. Nothing per message, and nothing of what is in one.
//!
//! What happens again and again is told now and then, with the number of times it was not.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use log::Level;

use super::{Broker, Named, QueueName, QueueSettings};
use crate::logging::Sparingly;
use crate::queue::{Millis, SendRefusal};

/// Where these events are from, in the log.
const TARGET: &str = "ringmq::broker";

/// How often something of one queue is told.
const EVERY: Duration = Duration::from_secs(60);
/// How often something of whichever queue is: with ten thousand that are full, the log is still short.
const EVERY_OF_ALL: Duration = Duration::from_secs(1);

/// What has been told of all queues.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Whether the server has begun: what its settings make before that is no event.
    begun: AtomicBool,
    full: Sparingly,
    out_of_memory: Sparingly,
    dead_letters: Sparingly,
}

/// What has been told of one queue.
#[derive(Debug, Default)]
pub(super) struct QueueTold {
    full: Sparingly,
    /// How many messages had been sent to it when it was last found full, and one more; 0 if it never was.
    sent_when_full: AtomicU64,
    dead_letters: Sparingly,
}

impl Broker {
    /// Lets the log tell of the queues that are made and changed from now on.
    pub(crate) fn begin(&self) {
        self.told.begun.store(true, Ordering::Relaxed);
    }

    pub(super) fn tell_created(&self, name: &QueueName, settings: &QueueSettings) {
        if self.told.begun.load(Ordering::Relaxed) {
            let (queue, capacity, fifo) = (name.as_str(), settings.capacity, settings.fifo);
            log::info!(target: TARGET, queue, capacity, fifo; "queue created");
        }
    }

    /// `what` are the names of settings; none of their values, which may be anything in labels.
    pub(super) fn tell_changed(&self, name: &QueueName, what: &str) {
        if self.told.begun.load(Ordering::Relaxed) {
            log::info!(target: TARGET, queue = name.as_str(), changed = what; "queue changed");
        }
    }

    pub(super) fn tell_deleted(&self, name: &QueueName, messages: u64) {
        log::info!(target: TARGET, queue = name.as_str(), messages; "queue deleted");
    }

    pub(super) fn tell_purged(&self, queue: &Named, messages: u64) {
        log::info!(target: TARGET, queue = queue.name.as_str(), messages; "queue purged");
    }

    pub(super) fn tell_paused(&self, queue: &Named, paused: bool) {
        let message = if paused { "queue paused" } else { "queue resumed" };
        log::info!(target: TARGET, queue = queue.name.as_str(); "{message}");
    }

    pub(super) fn tell_redriven(&self, from: &QueueName, to: Option<&str>, messages: u64) {
        let to = to.unwrap_or("where they came from");
        log::info!(target: TARGET, queue = from.as_str(), to, messages; "queue redriven");
    }

    /// Of a send that was refused for want of room. A queue that stays full is told of once.
    #[cold]
    pub(super) fn tell_refused(&self, queue: &Named, why: SendRefusal, now: Millis) {
        let name = queue.name.as_str();
        let (bound, limit) = match why {
            SendRefusal::Full { capacity } => ("capacity", capacity),
            SendRefusal::FullBytes { max_bytes } => ("max_bytes", max_bytes),
            SendRefusal::OutOfMemory { limit } => {
                if let Some(unlogged) = self.told.out_of_memory.allow(EVERY_OF_ALL, now) {
                    log::warn!(
                        target: TARGET, queue = name, max_memory_bytes = limit, unlogged; "out of memory"
                    );
                }
                return;
            }
            SendRefusal::TooLarge { .. } | SendRefusal::Busy | SendRefusal::Closed => return,
        };
        if !log::log_enabled!(target: TARGET, Level::Info) {
            return;
        }
        // ORDERING: Relaxed, an event more or less makes no difference.
        let (sent, when_full) = (queue.queue.sent() + 1, &queue.told.sent_when_full);
        if when_full.load(Ordering::Relaxed) == sent
            || when_full.swap(sent, Ordering::Relaxed) == sent
        {
            return;
        }
        if let Some(again) = queue.told.full.allow(EVERY, now)
            && let Some(unlogged) = self.told.full.allow(EVERY_OF_ALL, now)
        {
            let unlogged = unlogged + again;
            log::info!(target: TARGET, queue = name, bound, limit, unlogged; "queue full");
        }
    }

    /// Of a message that was received too often and goes to the queue `to`, or nowhere.
    #[cold]
    pub(super) fn tell_dead_letter(&self, queue: &Named, to: Option<&QueueName>, now: Millis) {
        if let Some(again) = queue.told.dead_letters.allow(EVERY, now)
            && let Some(unlogged) = self.told.dead_letters.allow(EVERY_OF_ALL, now)
        {
            let (queue, unlogged) = (queue.name.as_str(), unlogged + again);
            let message = "messages were received too often";
            match to {
                Some(to) => log::info!(
                    target: TARGET, queue, dead_letter = to.as_str(), unlogged; "{message}"
                ),
                None => log::info!(target: TARGET, queue, unlogged; "{message}, and are dropped"),
            }
        }
    }
}

/// The names of the settings that differ, with commas between them.
pub(super) fn difference(before: &QueueSettings, after: &QueueSettings) -> String {
    let document = |settings| serde_json::to_value(settings).unwrap_or_default();
    let (before, after) = (document(before), document(after));
    let fields = after.as_object().into_iter().flatten();
    let changed = fields.filter(|(name, value)| before.get(name.as_str()) != Some(value));
    let changed: Vec<_> = changed.map(|(name, _)| name.as_str()).collect();
    // What a face notes is no setting that is told.
    if changed.is_empty() { "annotations".to_owned() } else { changed.join(",") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_differ_are_named() {
        let before = QueueSettings::with_capacity(5);
        let mut after = QueueSettings::with_capacity(6);
        after.receive_wait = Duration::from_secs(1);
        assert_eq!(difference(&before, &after), "capacity,receive_wait");
        after = before.clone();
        after.annotations.insert("note".into(), "1".into());
        assert_eq!(difference(&before, &after), "annotations");
    }
}
