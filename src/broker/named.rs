//! A queue with its name, and what the broker keeps beside it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, SystemTime};

use super::QueueName;
use super::attempts::Attempts;
use super::events::QueueTold;
use super::keys::Keys;
use super::receipt::{ID_LENGTH, Texts};
use super::refusals::{RefusalCounts, Refusals, Refused};
use super::tasks::MoveTasks;
use crate::clock::Clock;
use crate::queue::{Counts, MessageId, Millis, Overflow, Queue, Settings};

/// All settings of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// The most messages it holds, not yet gone.
    pub capacity: u64,
    /// The queue that takes its messages that were received too often; dropped if `None`.
    pub dead_letter: Option<QueueName>,
    /// How long an idempotency key is remembered.
    pub idempotency_window: Duration,
    /// How long a receive waits for a message, if it does not say.
    pub receive_wait: Duration,
    /// Whether messages of one group keep their order, whatever happens to them. Said when the queue is
    /// made and never changed.
    pub fifo: bool,
    /// What its operator notes about it.
    pub labels: BTreeMap<String, String>,
    /// What a face notes about it, and nobody else sees.
    pub annotations: BTreeMap<String, String>,
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
            receive_wait: Duration::ZERO,
            fifo: false,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            queue: Settings::default(),
        }
    }
}

/// One of the broker's queues.
pub struct Named {
    pub(super) name: QueueName,
    /// How many queues of the broker were made before.
    pub(super) serial: u64,
    pub(super) queue: Queue,
    pub(super) texts: Texts,
    pub(super) keys: Keys,
    pub(super) attempts: Attempts,
    pub(super) moves: MoveTasks,
    pub(super) refusals: RefusalCounts,
    pub(super) told: QueueTold,
    /// What of the settings the queue does not know. Control plane, but for the window, which only
    /// sends with a key look up.
    beside: RwLock<Beside>,
    /// In milliseconds. Not in `beside`, because every receive that does not say looks it up.
    receive_wait: AtomicU64,
    /// When the timer will tick it; written by the timer alone.
    next_tick: AtomicU64,
}

#[derive(Debug)]
struct Beside {
    dead_letter: Option<QueueName>,
    idempotency_window: Duration,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    created_at: Millis,
    modified_at: Millis,
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
    /// How many sends were refused, by [`Refused::ALL`].
    pub refusals: Refusals,
    /// Whether receives are stopped.
    pub paused: bool,
    /// How long the first message in line has been there; `None` if there is none.
    pub oldest_age: Option<Duration>,
    /// Messages gone a second, over the last seconds.
    pub drain_rate: f64,
    /// When it was made.
    pub created_at: SystemTime,
    /// When a setting, a label or an annotation was last changed.
    pub modified_at: SystemTime,
}

/// What of a queue changes all the time, for whoever looks at all of them again and again.
#[derive(Clone, Debug)]
pub struct Glance {
    /// How many messages are where.
    pub counts: Counts,
    /// How many sends were refused, for whichever reason.
    pub refused: u64,
    /// Whether deliveries, acks and refusals are counted.
    pub counted: bool,
    /// How many messages it may hold.
    pub capacity: u64,
    /// Whether receives are stopped.
    pub paused: bool,
    /// Whether messages of one group keep their order.
    pub fifo: bool,
    /// When the first message in line was sent; `None` if there is none.
    pub oldest_sent_at: Option<Millis>,
    /// When a setting, a label or an annotation was last changed.
    pub modified_at: Millis,
}

impl Named {
    pub(super) fn new(
        name: QueueName,
        queue: Queue,
        settings: &QueueSettings,
        serial: u64,
        now: Millis,
    ) -> Self {
        Self {
            name,
            serial,
            queue,
            texts: Texts::new(),
            keys: Keys::default(),
            attempts: Attempts::default(),
            moves: MoveTasks::default(),
            refusals: RefusalCounts::default(),
            told: QueueTold::default(),
            beside: RwLock::new(Beside {
                dead_letter: settings.dead_letter.clone(),
                idempotency_window: settings.idempotency_window,
                labels: settings.labels.clone(),
                annotations: settings.annotations.clone(),
                created_at: now,
                modified_at: now,
            }),
            receive_wait: AtomicU64::new(whole_millis(settings.receive_wait)),
            next_tick: AtomicU64::new(Millis::NEVER.0),
        }
    }

    pub(super) fn next_tick(&self) -> Millis {
        Millis(self.next_tick.load(Ordering::Relaxed))
    }

    pub(super) fn set_next_tick(&self, at: Millis) {
        self.next_tick.store(at.0, Ordering::Relaxed);
    }

    fn beside(&self) -> RwLockReadGuard<'_, Beside> {
        self.beside.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_beside(&self) -> RwLockWriteGuard<'_, Beside> {
        self.beside.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what the queue itself does not know. Under the control lock.
    pub(super) fn set(&self, settings: &QueueSettings, now: Millis) {
        // ORDERING: Relaxed, nothing is passed on by a setting.
        self.receive_wait.store(whole_millis(settings.receive_wait), Ordering::Relaxed);
        let mut beside = self.change_beside();
        beside.dead_letter.clone_from(&settings.dead_letter);
        beside.idempotency_window = settings.idempotency_window;
        beside.labels.clone_from(&settings.labels);
        beside.annotations.clone_from(&settings.annotations);
        beside.modified_at = now;
    }

    /// Changes the labels. Under the control lock.
    pub(super) fn set_labels(&self, labels: BTreeMap<String, String>, now: Millis) {
        let mut beside = self.change_beside();
        beside.labels = labels;
        beside.modified_at = now;
    }

    /// Changes the annotations. Under the control lock.
    pub(super) fn set_annotations(&self, annotations: BTreeMap<String, String>, now: Millis) {
        let mut beside = self.change_beside();
        beside.annotations = annotations;
        beside.modified_at = now;
    }

    pub(super) fn idempotency_window(&self) -> Duration {
        self.beside().idempotency_window
    }

    /// The queue that takes its messages that were received too often.
    pub fn dead_letter(&self) -> Option<QueueName> {
        self.beside().dead_letter.clone()
    }

    /// What its operator notes about it. Takes a lock: not for each message.
    pub fn labels(&self) -> BTreeMap<String, String> {
        self.beside().labels.clone()
    }

    /// What a face notes about it. Takes a lock: not for each message.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        self.beside().annotations.clone()
    }

    /// What `read` makes of one annotation, without a copy of all of them. Holds a lock as long as that
    /// takes.
    pub fn with_annotation<R>(&self, name: &str, read: impl FnOnce(Option<&str>) -> R) -> R {
        read(self.beside().annotations.get(name).map(String::as_str))
    }

    /// How long a receive waits for a message, if it does not say.
    pub fn receive_wait(&self) -> Duration {
        Duration::from_millis(self.receive_wait.load(Ordering::Relaxed))
    }

    /// Whether messages of one group keep their order.
    pub fn is_fifo(&self) -> bool {
        self.queue.is_fifo()
    }

    /// Its name.
    pub fn name(&self) -> &QueueName {
        &self.name
    }

    /// The id of one of its messages, as text.
    pub fn id(&self, id: MessageId) -> [u8; ID_LENGTH] {
        self.texts.of_id(id)
    }

    /// How many of its messages are where.
    pub fn counts(&self) -> Counts {
        self.queue.counts()
    }

    /// Counts a send that was refused before the queue was asked.
    pub fn count_refusal(&self, why: Refused) {
        if self.queue.is_counted() {
            self.refusals.add(why);
        }
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

    /// How many messages are ready.
    pub fn ready(&self) -> u64 {
        self.queue.ready()
    }

    /// Whether receives are stopped.
    pub fn is_paused(&self) -> bool {
        self.queue.is_paused()
    }

    /// Whether a send would be refused for want of a place, where `ready` messages are ready. Where
    /// nothing is delayed or in flight this agrees with that number.
    pub fn is_full(&self, ready: u64) -> bool {
        let capacity = self.capacity();
        let full = ready >= capacity || (self.queue.holds_others() && self.depth() >= capacity);
        full && self.queue.settings().overflow == Overflow::Reject
    }

    pub(super) fn settings(&self) -> QueueSettings {
        let beside = self.beside();
        QueueSettings {
            capacity: self.queue.capacity(),
            dead_letter: beside.dead_letter.clone(),
            idempotency_window: beside.idempotency_window,
            receive_wait: self.receive_wait(),
            fifo: self.is_fifo(),
            labels: beside.labels.clone(),
            annotations: beside.annotations.clone(),
            queue: self.queue.settings(),
        }
    }

    /// A look at it, without a copy of what hardly ever changes.
    pub fn glance(&self, clock: Clock) -> Glance {
        Glance {
            counts: self.queue.counts(),
            refused: self.refusals.read().iter().sum(),
            counted: self.queue.is_counted(),
            capacity: self.capacity(),
            paused: self.is_paused(),
            fifo: self.is_fifo(),
            oldest_sent_at: self.queue.oldest_ready(clock.now()),
            modified_at: self.beside().modified_at,
        }
    }

    pub(super) fn describe(&self, clock: Clock) -> Description {
        let now = clock.now();
        let oldest = self.queue.oldest_ready(now);
        let (created_at, modified_at) = {
            let beside = self.beside();
            (beside.created_at, beside.modified_at)
        };
        Description {
            name: self.name.clone(),
            settings: self.settings(),
            counts: self.queue.counts(),
            refusals: self.refusals.read(),
            paused: self.queue.is_paused(),
            oldest_age: oldest.map(|sent_at| now.since(sent_at)),
            drain_rate: self.queue.drain_rate(now),
            created_at: clock.time_of_day(created_at),
            modified_at: clock.time_of_day(modified_at),
        }
    }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
