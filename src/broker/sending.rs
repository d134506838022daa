//! Sending: what becomes of a message, and how long who was refused should wait.

use std::pin::pin;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use super::keys::{FirstUse, KeyUse, OtherPayload};
use super::waiting::{YieldNow, give_up};
use super::{Broker, Error, Named};
use crate::queue::{
    Accepted, Message, MessageId, Millis, Options, SendRefusal, TrySendError, WaitingSend,
};

/// Longest `Retry-After` that is ever advised.
const MOST_RETRY_AFTER: Duration = Duration::from_secs(60);

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
            let sent = self.send_once(queue, message, options.message, until, None).await?;
            return Ok(Sent::of(sent, false));
        };
        let window = queue.idempotency_window();
        let other = match options.duplicate_whatever_payload {
            true => OtherPayload::IsDuplicate,
            false => OtherPayload::Conflicts,
        };
        match queue.keys.claim(key, &message, other, window, self.now()) {
            KeyUse::Stored(before) => Ok(Sent::of(before, true)),
            KeyUse::InProgress => Err(counted(queue, Error::KeyInProgress)),
            KeyUse::Conflict => Err(counted(queue, Error::KeyConflict)),
            KeyUse::First(first) => {
                let first = Some(first);
                let sent = self.send_once(queue, message, options.message, until, first).await?;
                Ok(Sent::of(sent, false))
            }
        }
    }

    /// Sends a message, and tells its key so, if it has one.
    async fn send_once(
        &self,
        queue: &Named,
        mut message: Message,
        options: Options,
        until: Option<impl Future<Output = ()>>,
        first: Option<FirstUse<'_>>,
    ) -> Result<Accepted, Error> {
        let refused = loop {
            match queue.queue.try_send(message, options, self.now()) {
                Ok(sent) => {
                    if let Some(first) = first {
                        first.stored(sent);
                    }
                    return Ok(sent);
                }
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
        let waiting = queue.queue.wait_to_send(refused.message, options);
        let mut parked = Parked { waiting, first };
        let sent = std::future::poll_fn(|context| {
            loop {
                if let Poll::Ready(sent) = parked.waiting.poll(context, self.now()) {
                    return Poll::Ready(parked.done(sent));
                }
                // What the queue itself lets go of wakes it anyway.
                let was_short = self.memory.used().saturating_add(size) > self.memory.limit();
                if !was_short || self.memory.is_short_of(size, context.waker()) {
                    break;
                }
            }
            if self.is_draining() || until.as_mut().poll(context).is_ready() {
                let left = give_up(context, || parked.waiting.give_up());
                return left.map(|sent| parked.done(sent));
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
    /// With the message. *Busy* is to be asked again; everything else counts as a refusal.
    #[inline]
    pub fn try_send(&self, queue: &Named, message: Message) -> Result<Accepted, TrySendError> {
        self.try_send_one_at(queue, message, self.now())
    }

    /// As [`try_send`](Self::try_send), for a request that came at `now`.
    ///
    /// # Errors
    /// As for [`try_send`](Self::try_send).
    #[inline]
    pub fn try_send_one_at(
        &self,
        queue: &Named,
        message: Message,
        now: Millis,
    ) -> Result<Accepted, TrySendError> {
        let sent = self.try_send_at(queue, message, Options::default(), now);
        if let Err(refused) = &sent {
            self.tell_refused(queue, refused.why, now);
            if queue.queue.is_counted() {
                queue.refusals.add_refusal(refused.why);
            }
        }
        sent
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

    /// Why a message was not queued, for who sent it. To be asked once for each message that was refused,
    /// because that is counted.
    pub fn refusal(&self, queue: &Named, refused: &TrySendError) -> Error {
        let error = self.refusal_of(queue, refused.why, refused.message.size());
        if let Error::Full { refusal, .. } = &error {
            self.tell_refused(queue, *refusal, self.now());
        }
        counted(queue, error)
    }

    #[cold]
    pub(super) fn refusal_of(&self, queue: &Named, why: SendRefusal, size: u64) -> Error {
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
        if !matches!(why, SendRefusal::Full { .. }) || queue.depth() >= queue.capacity() {
            return why;
        }
        let limit = self.memory.limit();
        match queue.queue.settings().max_bytes {
            Some(max_bytes) if queue.queue.bytes().saturating_add(size) > max_bytes => {
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
        let waiting = queue.queue.waiting_senders() + 1;
        let seconds = waiting as f64 / queue.queue.drain_rate(self.now());
        Duration::try_from_secs_f64(seconds).map_or(MOST_RETRY_AFTER, |it| it.min(MOST_RETRY_AFTER))
    }
}

/// A sender that waits for room, and the key of its message, if it has one.
struct Parked<'queue> {
    waiting: WaitingSend<'queue>,
    first: Option<FirstUse<'queue>>,
}

impl Parked<'_> {
    fn done(&mut self, sent: Result<Accepted, TrySendError>) -> Result<Accepted, TrySendError> {
        if let (Some(first), Ok(sent)) = (self.first.take(), &sent) {
            first.stored(*sent);
        }
        sent
    }
}

impl Drop for Parked<'_> {
    /// A message that was sent while its sender left keeps its key: a sender that does not know how it
    /// went comes again with the same one.
    fn drop(&mut self) {
        while self.first.is_some() {
            match self.waiting.give_up() {
                Some(sent) => {
                    let _ = self.done(sent);
                }
                // Another thread is just sending it.
                None => thread::yield_now(),
            }
        }
    }
}

/// Counts what a sender is told of.
#[cold]
fn counted(queue: &Named, error: Error) -> Error {
    if queue.queue.is_counted() {
        queue.refusals.add_error(&error);
    }
    error
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
