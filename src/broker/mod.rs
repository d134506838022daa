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
mod expiring;
mod keys;
mod moves;
mod name;
mod named;
mod receipt;
mod tasks;
mod timer;

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use papaya::HashMap;

pub use self::delivered::Delivered;
pub use self::document::{
    LONGEST_LABEL, LONGEST_LABEL_KEY, MAX_DELAY, MAX_LABELS, MAX_LEASE, MAX_RECEIVE_WAIT,
    MIN_LEASE, SettingsDocument,
};
pub use self::error::Error;
use self::keys::{KeyUse, OtherPayload};
pub use self::moves::{Redrive, Redriven};
pub use self::name::{InvalidName, QueueName};
pub use self::named::{Description, Named, QueueSettings};
pub use self::receipt::{ID_LENGTH, RECEIPT_LENGTH};
pub use self::tasks::{MoveError, MoveStatus, MoveTask};
use self::timer::Timer;
use crate::clock::Clock;
use crate::queue::{
    Accepted, Counts, Delivery, LeaseError, Memory, Message, MessageId, Millis, Options, Queue,
    Request, SendRefusal, TryReceiveError, TrySendError,
};

/// Longest `Retry-After` that is ever advised.
const MOST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// All queues of a server.
pub struct Broker {
    queues: HashMap<QueueName, Arc<Named>>,
    /// Taken by whoever makes, changes or deletes a queue.
    control: Mutex<()>,
    /// Taken for writing while a message moves from one queue to another, for reading by whoever
    /// tells what is in which.
    moves: RwLock<()>,
    memory: Arc<Memory>,
    timer: Arc<Timer>,
    draining: AtomicBool,
    clock: Clock,
    /// Of a queue that nobody said anything about.
    defaults: QueueSettings,
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

/// What a send asks for.
#[derive(Clone, Debug, Default)]
pub struct SendOptions<'request> {
    /// Delay and time to live.
    pub message: Options,
    /// The same message is stored once for this key.
    pub idempotency_key: Option<&'request str>,
    /// Whether the key alone says which message it is; otherwise another payload with the same key is
    /// a mistake, which is told.
    pub duplicate_whatever_payload: bool,
}

/// What became of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Which message it is, which may be gone by now.
    pub id: MessageId,
    /// Its place among all messages ever sent to its queue, in their order.
    pub number: u64,
    /// Whether it was there already, by its idempotency key.
    pub duplicate: bool,
}

impl Sent {
    fn of(message: Accepted, duplicate: bool) -> Self {
        Self { id: message.id, number: message.number, duplicate }
    }
}

impl Broker {
    /// A broker without queues, whose messages may have `max_bytes` together, and whose queues are
    /// made with `defaults`.
    pub fn new(clock: Clock, max_bytes: u64, defaults: QueueSettings) -> Self {
        Self {
            queues: HashMap::new(),
            control: Mutex::new(()),
            moves: RwLock::new(()),
            memory: Arc::new(Memory::new(max_bytes)),
            timer: Arc::new(Timer::default()),
            draining: AtomicBool::new(false),
            clock,
            defaults,
        }
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
        let _one_at_a_time = self.control.lock().unwrap_or_else(PoisonError::into_inner);
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
            Named::new(name.clone(), queue, settings, now)
        });
        made?;
        self.queues.pin().insert(name.clone(), queue);
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
        let _one_at_a_time = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        let mut labels = queue.labels();
        change(&mut labels);
        document::check_labels(&labels)?;
        queue.set_labels(labels, self.now());
        Ok(())
    }

    /// Changes the annotations of a queue: what a face keeps there, as much as it thinks right.
    pub fn annotate(&self, queue: &Named, change: impl FnOnce(&mut BTreeMap<String, String>)) {
        let _one_at_a_time = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        let mut annotations = queue.annotations();
        change(&mut annotations);
        queue.set_annotations(annotations, self.now());
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
        let _one_at_a_time = self.control.lock().unwrap_or_else(PoisonError::into_inner);
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

    // Messages.

    /// Sends one message; where there is no room, waits for it until `until` is done.
    ///
    /// Dropped before it is done, it has sent nothing, unless another thread was just sending it.
    ///
    /// # Errors
    /// When the message was refused.
    pub async fn send(
        &self,
        queue: &Named,
        message: Message,
        options: SendOptions<'_>,
        until: Option<impl Future<Output = ()>>,
    ) -> Result<Sent, Error> {
        let Some(key) = options.idempotency_key else {
            let sent = self.send_once(queue, message, options.message, until).await?;
            return Ok(Sent::of(sent, false));
        };
        let window = queue.idempotency_window();
        let other = match options.duplicate_whatever_payload {
            true => OtherPayload::IsDuplicate,
            false => OtherPayload::Conflicts,
        };
        match queue.keys.claim(key, &message, other, window, self.now()) {
            KeyUse::Stored(before) => Ok(Sent::of(before, true)),
            KeyUse::InProgress => Err(Error::KeyInProgress),
            KeyUse::Conflict => Err(Error::KeyConflict),
            KeyUse::First(first) => {
                let sent = self.send_once(queue, message, options.message, until).await?;
                first.stored(sent);
                Ok(Sent::of(sent, false))
            }
        }
    }

    async fn send_once(
        &self,
        queue: &Named,
        mut message: Message,
        options: Options,
        until: Option<impl Future<Output = ()>>,
    ) -> Result<Accepted, Error> {
        let refused = loop {
            match queue.queue.try_send(message, options, self.now()) {
                Ok(sent) => return Ok(sent),
                Err(TrySendError { message: back, why: SendRefusal::Busy }) => message = back,
                Err(refused) => break refused,
            }
            YieldNow::default().await;
        };
        let Some(until) = until.filter(|_| is_for_room(refused.why)) else {
            return Err(self.refusal(queue, &refused));
        };
        let mut until = pin!(until);
        let size = refused.message.size();
        let mut waiting = queue.queue.wait_to_send(refused.message, options);
        let sent = std::future::poll_fn(|context| {
            loop {
                if let Poll::Ready(sent) = waiting.poll(context, self.now()) {
                    return Poll::Ready(sent);
                }
                // What the queue itself lets go of wakes it anyway.
                let was_short = self.memory.used().saturating_add(size) > self.memory.limit();
                if !was_short || self.memory.is_short_of(size, context.waker()) {
                    break;
                }
            }
            if self.is_draining() || until.as_mut().poll(context).is_ready() {
                return give_up(context, || waiting.give_up());
            }
            Poll::Pending
        });
        sent.await.map_err(|refused| self.refusal(queue, &refused))
    }

    /// Sends messages of one request that came at `now` from the front of `messages`, as many as can be
    /// sent at once, and adds their ids to `ids`. What becomes of the others, each
    /// [`try_send_at`](Self::try_send_at) tells.
    pub fn try_send_batch(
        &self,
        queue: &Named,
        messages: &mut Vec<(Message, Options)>,
        now: Millis,
        ids: &mut Vec<MessageId>,
    ) {
        queue.queue.try_send_batch(messages, now, ids);
    }

    /// Sends one message, now: what the classic face does.
    ///
    /// # Errors
    /// With the message. *Busy* is to be asked again.
    #[inline]
    pub fn try_send(&self, queue: &Named, message: Message) -> Result<Accepted, TrySendError> {
        self.try_send_at(queue, message, Options::default(), self.now())
    }

    /// Sends one message of a request that came at `now`.
    ///
    /// # Errors
    /// With the message, and [`refusal`](Self::refusal) tells more. *Busy* is to be asked again.
    #[inline]
    pub fn try_send_at(
        &self,
        queue: &Named,
        message: Message,
        options: Options,
        now: Millis,
    ) -> Result<Accepted, TrySendError> {
        queue.queue.try_send(message, options, now)
    }

    /// Why a message was not queued, for who sent it.
    pub fn refusal(&self, queue: &Named, refused: &TrySendError) -> Error {
        self.refusal_of(queue, refused.why, refused.message.size())
    }

    #[cold]
    fn refusal_of(&self, queue: &Named, why: SendRefusal, size: u64) -> Error {
        match why {
            SendRefusal::TooLarge { .. } => Error::TooLarge(why),
            SendRefusal::Closed if !self.is_draining() => Error::NotFound(queue.name.clone()),
            SendRefusal::Closed => Error::Draining,
            _ if self.is_draining() => Error::Draining,
            _ => {
                let refusal = self.bound(queue, why, size);
                Error::Full { refusal, retry_after: self.retry_after(queue) }
            }
        }
    }

    /// Which bound a message met. Who waited in vain, or came while others waited, is told *full* by
    /// the queue, whatever there is no room in.
    fn bound(&self, queue: &Named, why: SendRefusal, size: u64) -> SendRefusal {
        let counts = queue.counts();
        if !matches!(why, SendRefusal::Full { .. }) || counts.depth >= queue.capacity() {
            return why;
        }
        let limit = self.memory.limit();
        match queue.queue.settings().max_bytes {
            Some(max_bytes) if counts.bytes.saturating_add(size) > max_bytes => {
                SendRefusal::FullBytes { max_bytes }
            }
            _ if self.memory.used().saturating_add(size) > limit => {
                SendRefusal::OutOfMemory { limit }
            }
            // It would fit, but for those in front of it, who wait for room in these.
            Some(max_bytes) => SendRefusal::FullBytes { max_bytes },
            None => why,
        }
    }

    /// How long until there should be room for one more message behind those that wait, at most a
    /// minute.
    fn retry_after(&self, queue: &Named) -> Duration {
        let waiting = queue.queue.counts().waiting_senders + 1;
        let seconds = waiting as f64 / queue.queue.drain_rate(self.now());
        Duration::try_from_secs_f64(seconds).map_or(MOST_RETRY_AFTER, |it| it.min(MOST_RETRY_AFTER))
    }

    /// Receives messages; where none is ready, waits for one until `until` is done, and then returns
    /// none.
    ///
    /// Dropped before it is done, it has received nothing.
    ///
    /// # Errors
    /// When the queue was deleted.
    pub async fn receive(
        &self,
        queue: &Arc<Named>,
        request: Request,
        until: Option<impl Future<Output = ()>>,
    ) -> Result<Delivered, Error> {
        let mut received = Vec::new();
        while let Err(TryReceiveError::Busy) =
            queue.queue.try_receive(request, self.now(), &mut received)
        {
            YieldNow::default().await;
        }
        if let (true, Some(until)) = (received.is_empty(), until) {
            received = self.wait_to_receive(queue, request, until).await;
        }
        self.delivered(queue, request, received)
    }

    /// Receives messages, now: none, if none is ready. `None` where another thread is just at the
    /// next one: ask again.
    ///
    /// # Errors
    /// When the queue was deleted.
    pub fn try_receive(
        &self,
        queue: &Arc<Named>,
        request: Request,
        now: Millis,
    ) -> Result<Option<Delivered>, Error> {
        let mut received = Vec::new();
        match queue.queue.try_receive(request, now, &mut received) {
            Err(TryReceiveError::Busy) => Ok(None),
            Ok(()) | Err(TryReceiveError::Empty) => {
                self.delivered(queue, request, received).map(Some)
            }
        }
    }

    fn delivered(
        &self,
        queue: &Arc<Named>,
        request: Request,
        received: Vec<Delivery>,
    ) -> Result<Delivered, Error> {
        if received.is_empty() && queue.queue.is_closed() && !self.is_draining() {
            return Err(Error::NotFound(queue.name.clone()));
        }
        let take = request.lease.is_some_and(|lease| lease.is_zero());
        Ok(Delivered::new(Arc::clone(queue), received, take, self.clock))
    }

    /// As [`receive`](Self::receive), for a consumer of a FIFO queue that says which `attempt` it is. One
    /// that comes again within five minutes is given the same deliveries, their leases begun anew, if all
    /// of them are still in flight and nobody has touched them since.
    ///
    /// # Errors
    /// As for [`receive`](Self::receive).
    pub async fn receive_attempt(
        &self,
        queue: &Arc<Named>,
        request: Request,
        attempt: &str,
        until: Option<impl Future<Output = ()>>,
    ) -> Result<Delivered, Error> {
        let lease = request.lease.unwrap_or_else(|| queue.queue.settings().lease);
        if !queue.is_fifo() || lease.is_zero() {
            return self.receive(queue, request, until).await;
        }
        let now = self.now();
        if let Some(leased) = queue.attempts.find(attempt, now)
            && let Some(received) = queue.queue.renew(&leased, lease, now)
        {
            queue.attempts.renewed(attempt, leases(queue, &received), now);
            return Ok(Delivered::renewed(Arc::clone(queue), received, self.clock));
        }
        let delivered = self.receive(queue, request, until).await?;
        if !delivered.deliveries().is_empty() {
            // Nobody has the receipts yet, so nobody has touched them.
            queue.attempts.note(attempt, leases(queue, delivered.deliveries()), self.now());
        }
        Ok(delivered)
    }

    async fn wait_to_receive(
        &self,
        queue: &Named,
        request: Request,
        until: impl Future<Output = ()>,
    ) -> Vec<Delivery> {
        let mut until = pin!(until);
        let mut waiting = queue.queue.wait_to_receive(request);
        std::future::poll_fn(|context| {
            if let Poll::Ready(received) = waiting.poll(context, self.now()) {
                return Poll::Ready(received);
            }
            let over = self.is_draining() || queue.queue.is_closed();
            if over || until.as_mut().poll(context).is_ready() {
                return give_up(context, || waiting.give_up());
            }
            Poll::Pending
        })
        .await
    }

    /// Takes one message for good, now: what the classic face does.
    ///
    /// # Errors
    /// When none is ready. *Busy* is to be asked again.
    #[inline]
    pub fn try_take(&self, queue: &Named) -> Result<Message, TryReceiveError> {
        queue.queue.try_take(self.now())
    }

    /// The first messages in line, without receiving them; see [`Queue::browse`].
    pub fn browse(&self, queue: &Arc<Named>, max: usize) -> Delivered {
        let _no_message_moves = self.moves.read().unwrap_or_else(PoisonError::into_inner);
        let looks = queue.queue.browse(max, self.now());
        Delivered::looked_at(Arc::clone(queue), looks, self.clock)
    }

    /// One message, wherever it is, without receiving it. Nothing, if it is gone or never was.
    pub fn find_message(&self, queue: &Arc<Named>, id: &str) -> Option<Delivered> {
        let id = queue.texts.id(id)?;
        let look = queue.queue.find_message(id, self.now())?;
        Some(Delivered::looked_at(Arc::clone(queue), vec![look], self.clock))
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
        queue.queue.purge(self.now())
    }

    /// Stops receives. Returns whether they were not stopped before.
    pub fn pause(&self, queue: &Named) -> bool {
        queue.queue.pause()
    }

    /// Lets receives go on. Returns whether they were stopped.
    pub fn resume(&self, queue: &Named) -> bool {
        queue.queue.resume(self.now())
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

/// When the leases of these deliveries end.
fn leases(queue: &Named, deliveries: &[Delivery]) -> attempts::Leased {
    let receipts = deliveries.iter().map(|delivery| delivery.receipt);
    receipts.map(|receipt| (receipt, queue.queue.lease_end(receipt).unwrap_or_default())).collect()
}

/// Whether who sends a message may wait for what it was refused for.
pub fn is_for_room(why: SendRefusal) -> bool {
    match why {
        SendRefusal::Full { .. }
        | SendRefusal::FullBytes { .. }
        | SendRefusal::OutOfMemory { .. } => true,
        SendRefusal::TooLarge { .. } | SendRefusal::Busy | SendRefusal::Closed => false,
    }
}

/// Gives up a place in line, or asks to be polled again where another thread is just at it.
fn give_up<T>(context: &mut Context<'_>, give_up: impl FnOnce() -> Option<T>) -> Poll<T> {
    match give_up() {
        Some(result) => Poll::Ready(result),
        None => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    }
}

/// Lets the executor run its other tasks once, whichever executor that is.
#[derive(Default)]
pub(crate) struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
