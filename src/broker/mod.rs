//! The set of queues, and what every face asks of it.
//!
//! A face talks to the [`Broker`]: its operations are asynchronous where they may wait, its errors
//! are typed, and where the queues are is its own matter. It knows no HTTP and starts no runtime: who
//! wants to wait for a time brings the timer along.
//!
//! Finding a queue takes no lock (a lock-free hash table). Making, changing and deleting one does:
//! see *Locks* in ARCHITECTURE.md.

mod attempts;
mod delivered;
mod document;
mod error;
mod events;
mod expiring;
mod figures;
mod keys;
mod moves;
mod name;
mod named;
mod receipt;
mod receiving;
mod refusals;
mod schema;
mod sending;
mod tasks;
mod timer;
mod waiting;
mod wakes;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use papaya::HashMap;

pub use self::delivered::Delivered;
pub(crate) use self::document::Count;
pub use self::document::{
    LONGEST_LABEL, LONGEST_LABEL_KEY, MAX_DELAY, MAX_LABELS, MAX_LEASE, MAX_RECEIVE_WAIT,
    MIN_LEASE, SettingsDocument,
};
pub use self::error::Error;
pub use self::figures::{Census, Counter, Figures, Timing, Totals};
pub use self::moves::{Redrive, Redriven};
pub use self::name::{InvalidName, QueueName};
pub use self::named::{Description, Glance, Named, QueueSettings};
pub use self::receipt::{ID_LENGTH, RECEIPT_LENGTH};
pub use self::refusals::{Refusals, Refused};
pub use self::sending::{SendOptions, Sent, is_for_room};
pub use self::tasks::{MoveError, MoveStatus, MoveTask};
use self::timer::Timer;
pub(crate) use self::waiting::YieldNow;
use crate::clock::Clock;
use crate::queue::{Counts, LeaseError, Memory, Millis, Queue};

/// All queues of a server.
pub struct Broker {
    queues: HashMap<QueueName, Arc<Named>>,
    /// Taken by whoever makes, changes or deletes a queue.
    control: Mutex<Control>,
    /// Taken for writing while a message moves from one queue to another, for reading by whoever
    /// tells what is in which.
    moves: RwLock<()>,
    memory: Arc<Memory>,
    timer: Arc<Timer>,
    draining: AtomicBool,
    clock: Clock,
    /// Of a queue that nobody said anything about.
    defaults: QueueSettings,
    /// What the log was told.
    told: events::Told,
    /// Whether its queues count what they need not know themselves.
    counted: bool,
}

/// What those know who make, change or delete a queue.
#[derive(Default)]
struct Control {
    /// Queues that were made.
    made: u64,
    /// What was counted of queues that were deleted.
    departed: Totals,
}

/// Takes a lock. Nobody leaves behind it what is not whole, not even by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a queue was made or was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// It is new.
    Created,
    /// It was there; its settings are now those.
    Updated,
}

/// What a declaration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclareMode {
    /// To make a queue, or change the one that is there.
    CreateOrUpdate,
    /// To make one; one that is there stays as it is.
    Create,
    /// To change one that is there.
    Update,
}

/// Labels or annotations, by name.
pub type Notes = BTreeMap<String, String>;

impl Broker {
    /// A broker without queues, whose messages may have `max_bytes` together, and whose queues are
    /// made with `defaults`.
    pub fn new(clock: Clock, max_bytes: u64, defaults: QueueSettings) -> Self {
        Self {
            queues: HashMap::new(),
            control: Mutex::default(),
            moves: RwLock::new(()),
            memory: Arc::new(Memory::new(max_bytes)),
            timer: Arc::new(Timer::default()),
            draining: AtomicBool::new(false),
            clock,
            defaults,
            told: events::Told::default(),
            counted: true,
        }
    }

    /// The same broker, whose queues count nothing but what they need to know themselves: no deliveries,
    /// acks and refusals, and not how long things took.
    #[must_use]
    pub fn uncounted(mut self) -> Self {
        self.counted = false;
        self
    }

    /// The settings of a queue that nobody said anything about.
    pub fn defaults(&self) -> &QueueSettings {
        &self.defaults
    }

    /// The clock that all its times are told by.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    fn now(&self) -> Millis {
        self.clock.now()
    }

    /// Bytes of all messages, and how many there may be.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    // Queues.

    /// Makes a queue with these settings, the rest being what it is by default; or changes those of
    /// one that is there, whose other settings stay.
    ///
    /// # Errors
    /// When a setting is out of its range, or the capacity is below the present depth.
    pub fn declare(&self, name: &QueueName, said: SettingsDocument) -> Result<Declared, Error> {
        self.declare_as(name, said, DeclareMode::CreateOrUpdate, |_, _| {})
    }

    /// As [`declare`](Self::declare), for a face that says which of the two it means. `change` is given
    /// the labels and the annotations, those of `said` among them; all of it happens at once, or nothing.
    ///
    /// # Errors
    /// As for [`declare`](Self::declare); when the queue is there and is to be made, or is not there and is
    /// to be changed.
    pub fn declare_as(
        &self,
        name: &QueueName,
        said: SettingsDocument,
        mode: DeclareMode,
        change: impl FnOnce(&mut Notes, &mut Notes),
    ) -> Result<Declared, Error> {
        let mut control = lock(&self.control);
        let present = self.find(name.as_str());
        let before = present.as_ref().map_or_else(|| self.defaults.clone(), |it| it.settings());
        match (mode, &present) {
            (DeclareMode::Create, Some(_)) => {
                let (name, settings) = (name.clone(), Box::new(before));
                return Err(Error::AlreadyExists { name, settings });
            }
            (DeclareMode::Update, None) => return Err(Error::NotFound(name.clone())),
            _ => {}
        }
        let mut settings = said.apply(before.clone(), &self.defaults)?;
        change(&mut settings.labels, &mut settings.annotations);
        document::check_labels(&settings.labels)?;
        let settings = &settings;
        self.check(name, settings)?;
        let now = self.now();
        if let Some(queue) = present {
            if settings.fifo != before.fifo {
                let problem = "is said when a queue is made, and cannot be changed".to_owned();
                return Err(Error::Setting { field: "fifo", problem });
            }
            if queue.capacity() != settings.capacity {
                queue.queue.resize(settings.capacity, now)?;
            }
            if *settings != before {
                queue.set(settings, now);
                queue.queue.set(&settings.queue, now);
                self.tell_changed(name, &events::difference(&before, settings));
            }
            return Ok(Declared::Updated);
        }
        let mut made = Ok(());
        let queue = Arc::new_cyclic(|itself: &Weak<Named>| {
            let (timer, itself) = (Arc::clone(&self.timer), Weak::clone(itself));
            let alarm = Box::new(move |due| timer.note(due, Weak::clone(&itself)));
            let memory = Arc::clone(&self.memory);
            let queue = Queue::with(settings.capacity, &settings.queue, memory, alarm);
            let queue = queue.unwrap_or_else(|error| {
                made = Err(Error::Capacity(error));
                Queue::new(1, &settings.queue).expect("a queue of one place can be made")
            });
            let queue = if settings.fifo { queue.into_fifo() } else { queue };
            let queue = if self.counted { queue.into_counted() } else { queue };
            Named::new(name.clone(), queue, settings, control.made, now)
        });
        made?;
        control.made += 1;
        self.queues.pin().insert(name.clone(), queue);
        self.tell_created(name, settings);
        Ok(Declared::Created)
    }

    /// Changes the labels of a queue.
    ///
    /// # Errors
    /// When these cannot be labels; they are as before then.
    pub fn label(
        &self,
        queue: &Named,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Result<(), Error> {
        let _one_at_a_time = lock(&self.control);
        let mut labels = queue.labels();
        change(&mut labels);
        document::check_labels(&labels)?;
        queue.set_labels(labels, self.now());
        self.tell_changed(&queue.name, "labels");
        Ok(())
    }

    /// Changes the annotations of a queue: what a face keeps there, as much as it thinks right.
    pub fn annotate(&self, queue: &Named, change: impl FnOnce(&mut BTreeMap<String, String>)) {
        let _one_at_a_time = lock(&self.control);
        let mut annotations = queue.annotations();
        change(&mut annotations);
        queue.set_annotations(annotations, self.now());
        self.tell_changed(&queue.name, "annotations");
    }

    fn check(&self, name: &QueueName, settings: &QueueSettings) -> Result<(), Error> {
        let Some(dead_letter) = &settings.dead_letter else { return Ok(()) };
        let field = "dead_letter";
        if dead_letter == name {
            let problem = "is the queue itself".to_owned();
            return Err(Error::Setting { field, problem });
        }
        let Some(target) = self.find(dead_letter.as_str()) else {
            let problem = format!("is `{dead_letter}`, and there is no such queue");
            return Err(Error::Setting { field, problem });
        };
        same_kind(field, &target, settings.fifo)
    }

    /// Deletes a queue with all that is in it; who waits for it is answered.
    ///
    /// # Errors
    /// When there is none of this name, it is `default`, or another queue's letters would go there and
    /// that does not count (then they wait in that queue until there is one of this name again).
    pub fn delete(&self, name: &str, even_if_used: bool) -> Result<Counts, Error> {
        let mut control = lock(&self.control);
        if name == QueueName::DEFAULT {
            return Err(Error::Undeletable);
        }
        let queue = self.queue(name)?;
        if let (false, Some(by)) = (even_if_used, self.dead_letter_sources(&queue.name).pop()) {
            return Err(Error::InUse { name: queue.name.clone(), by });
        }
        let counts = queue.queue.counts();
        self.queues.pin().remove(name);
        let now = self.now();
        queue.queue.close(now);
        queue.queue.purge(now);
        queue.queue.dismiss();
        control.departed += &queue.totals(&queue.queue.counts());
        self.tell_deleted(&queue.name, counts.depth);
        Ok(counts)
    }

    fn find(&self, name: &str) -> Option<Arc<Named>> {
        self.queues.pin().get(name).cloned()
    }

    /// The queue of this name.
    ///
    /// # Errors
    /// When there is none, or no queue can have this name.
    pub fn queue(&self, name: &str) -> Result<Arc<Named>, Error> {
        match self.find(name) {
            Some(queue) => Ok(queue),
            None => Err(Error::NotFound(name.parse()?)),
        }
    }

    /// All queues, by name.
    pub fn queues(&self) -> Vec<Arc<Named>> {
        let mut queues: Vec<_> = self.queues.pin().values().cloned().collect();
        queues.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        queues
    }

    /// A queue as it is now.
    pub fn describe(&self, queue: &Named) -> Description {
        let _no_message_moves = self.moves.read().unwrap_or_else(PoisonError::into_inner);
        queue.describe(self.clock)
    }

    /// All queues whose names begin with `prefix`, by name, as they are now: no message goes from one to
    /// another meanwhile.
    pub fn describe_all(&self, prefix: &str) -> Vec<Description> {
        let _no_message_moves = self.moves.read().unwrap_or_else(PoisonError::into_inner);
        let mut queues = self.queues();
        queues.retain(|queue| queue.name.as_str().starts_with(prefix));
        queues.iter().map(|queue| queue.describe(self.clock)).collect()
    }

    // Leases.

    /// Acknowledges a delivery: the message is gone.
    ///
    /// # Errors
    /// When the receipt is not accepted.
    pub fn ack(&self, queue: &Named, receipt: &str) -> Result<(), Error> {
        let receipt = queue.texts.receipt(receipt).ok_or(LeaseError::Unknown)?;
        Ok(queue.queue.ack(receipt, self.now())?)
    }

    /// Lets a delivery's lease end `lease` from now, or the queue's lease if `None`.
    ///
    /// # Errors
    /// As for [`ack`](Self::ack).
    pub fn extend(
        &self,
        queue: &Named,
        receipt: &str,
        lease: Option<Duration>,
    ) -> Result<(), Error> {
        let receipt = queue.texts.receipt(receipt).ok_or(LeaseError::Unknown)?;
        let lease = lease.unwrap_or_else(|| queue.queue.settings().lease);
        queue.queue.extend(receipt, lease, self.now())?;
        self.take_dead_letters(queue);
        Ok(())
    }

    /// Gives a message back, to be ready again after `delay`.
    ///
    /// # Errors
    /// As for [`ack`](Self::ack).
    pub fn release(&self, queue: &Named, receipt: &str, delay: Duration) -> Result<(), Error> {
        let receipt = queue.texts.receipt(receipt).ok_or(LeaseError::Unknown)?;
        queue.queue.release(receipt, delay, self.now())?;
        self.take_dead_letters(queue);
        Ok(())
    }

    // Control.

    /// Removes every message of a queue. Returns how many.
    pub fn purge(&self, queue: &Named) -> u64 {
        let purged = queue.queue.purge(self.now());
        self.tell_purged(queue, purged);
        purged
    }

    /// Stops receives. Returns whether they were not stopped before.
    pub fn pause(&self, queue: &Named) -> bool {
        let changed = queue.queue.pause();
        if changed {
            self.tell_paused(queue, true);
        }
        changed
    }

    /// Lets receives go on. Returns whether they were stopped.
    pub fn resume(&self, queue: &Named) -> bool {
        let changed = queue.queue.resume(self.now());
        if changed {
            self.tell_paused(queue, false);
        }
        changed
    }

    /// Tells everybody that the server is about to stop: who waits is answered, now and later. Faces
    /// refuse what would put something in; what they have begun may still be carried out.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        for queue in self.queues() {
            queue.queue.dismiss();
        }
    }

    /// Whether the server is about to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    // Time.

    /// Does what is due in all queues. Returns when the next thing is.
    pub fn tick(&self) -> Millis {
        self.timer.tick(self.now(), |queue| {
            let next = queue.queue.tick(self.now());
            self.take_dead_letters(queue);
            next
        })
    }

    /// Done when something may be due earlier than the last [`tick`](Self::tick) said.
    pub fn poll_earlier(&self, context: &mut Context<'_>) -> Poll<()> {
        self.timer.poll_earlier(context)
    }
}

/// Refuses a queue that messages of the other kind would go to: groups and their order mean nothing in
/// one, and have to be there in the other.
fn same_kind(field: &'static str, target: &Named, fifo: bool) -> Result<(), Error> {
    if target.is_fifo() == fifo {
        return Ok(());
    }
    let kind =
        if fifo { "no FIFO queue, as this one is" } else { "a FIFO queue, as this one is not" };
    Err(Error::Setting { field, problem: format!("is `{}`, which is {kind}", target.name) })
}
