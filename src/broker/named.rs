//! A queue with its name, and what the broker keeps beside it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use super::QueueName;
use super::keys::Keys;
use super::receipt::Texts;
use crate::queue::{Counts, MessageId, Millis, Queue, Settings};

/// All settings of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// The most messages it holds, not yet gone.
    pub capacity: u64,
    /// The queue that takes its messages that were received too often; dropped if `None`.
    pub dead_letter: Option<QueueName>,
    /// How long an idempotency key is remembered.
    pub idempotency_window: Duration,
    /// Everything else.
    pub queue: Settings,
}

impl QueueSettings {
    /// What a queue has that nobody said anything about.
    pub fn with_capacity(capacity: u64) -> Self {
        Self {
            capacity,
            dead_letter: None,
            idempotency_window: Duration::from_secs(300),
            queue: Settings::default(),
        }
    }
}

/// One of the broker's queues.
pub struct Named {
    pub(super) name: QueueName,
    pub(super) queue: Queue,
    pub(super) texts: Texts,
    pub(super) keys: Keys,
    /// What of the settings the queue does not know. Control plane, but for the window, which only
    /// sends with a key look up.
    pub(super) beside: RwLock<Beside>,
    /// When the timer will tick it; written by the timer alone.
    next_tick: AtomicU64,
}

#[derive(Clone, Debug)]
pub(super) struct Beside {
    pub(super) dead_letter: Option<QueueName>,
    pub(super) idempotency_window: Duration,
}

/// A queue as it is now.
#[derive(Clone, Debug)]
pub struct Description {
    /// Its name.
    pub name: QueueName,
    /// Its settings.
    pub settings: QueueSettings,
    /// How many messages are where.
    pub counts: Counts,
    /// Whether receives are stopped.
    pub paused: bool,
    /// How long the first message in line has been there; `None` if there is none.
    pub oldest_age: Option<Duration>,
    /// Messages gone a second, over the last seconds.
    pub drain_rate: f64,
}

impl Named {
    pub(super) fn new(name: QueueName, queue: Queue, settings: &QueueSettings) -> Self {
        Self {
            name,
            queue,
            texts: Texts::new(),
            keys: Keys::default(),
            beside: RwLock::new(Beside {
                dead_letter: settings.dead_letter.clone(),
                idempotency_window: settings.idempotency_window,
            }),
            next_tick: AtomicU64::new(Millis::NEVER.0),
        }
    }

    pub(super) fn next_tick(&self) -> Millis {
        Millis(self.next_tick.load(Ordering::Relaxed))
    }

    pub(super) fn set_next_tick(&self, at: Millis) {
        self.next_tick.store(at.0, Ordering::Relaxed);
    }

    pub(super) fn beside(&self) -> Beside {
        self.beside.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its name.
    pub fn name(&self) -> &QueueName {
        &self.name
    }

    /// The id of one of its messages, as text.
    pub fn id(&self, id: MessageId) -> String {
        self.texts.of_id(id)
    }

    /// Appends what [`id`](Self::id) returns.
    pub fn write_id(&self, out: &mut Vec<u8>, id: MessageId) {
        self.texts.write_id(out, id);
    }

    /// How many of its messages are where.
    pub fn counts(&self) -> Counts {
        self.queue.counts()
    }

    /// How many messages are not gone.
    pub fn depth(&self) -> u64 {
        self.queue.depth()
    }

    /// How many messages it may hold.
    pub fn capacity(&self) -> u64 {
        self.queue.capacity()
    }

    /// The most bytes that one of its messages may have.
    pub fn max_message_bytes(&self) -> u64 {
        self.queue.settings().max_message_bytes
    }

    /// How many messages a receive could return.
    pub fn ready(&self) -> u64 {
        self.queue.ready()
    }

    /// Whether a send would be refused for want of a place, where `ready` messages are ready. Where
    /// nothing is delayed or in flight this agrees with that number.
    pub fn is_full(&self, ready: u64) -> bool {
        let capacity = self.capacity();
        ready >= capacity || (self.queue.holds_others() && self.depth() >= capacity)
    }

    pub(super) fn settings(&self) -> QueueSettings {
        let beside = self.beside();
        QueueSettings {
            capacity: self.queue.capacity(),
            dead_letter: beside.dead_letter,
            idempotency_window: beside.idempotency_window,
            queue: self.queue.settings(),
        }
    }

    pub(super) fn describe(&self, now: Millis) -> Description {
        let oldest = self.queue.browse(1, now);
        Description {
            name: self.name.clone(),
            settings: self.settings(),
            counts: self.queue.counts(),
            paused: self.queue.is_paused(),
            oldest_age: oldest.first().map(|oldest| now.since(oldest.sent_at)),
            drain_rate: self.queue.drain_rate(now),
        }
    }
}
