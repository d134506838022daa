//! Sending: a free slot, the bytes, then the line.

use std::task::{Context, Poll};
use std::time::Duration;

use super::line::Busy;
use super::message::Stored;
use super::slab::Taken;
use super::time::Millis;
use super::waiters::{Left, Served, Waiting};
use super::word::State;
use super::{
    Accepted, CLOSED, DISMISSED, Message, MessageId, Queue, SendRefusal, Supply, TrySendError,
};
use crate::sync::Ordering;

/// What the sender of one message asks for, where it is not what the queue does anyway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How long the message waits before it is ready.
    pub delay: Option<Duration>,
    /// How long after now it expires.
    pub ttl: Option<Duration>,
    /// Whether it may be larger than the queue's `max_message_bytes`: for whoever has measured it already,
    /// and for what was in a queue before. It has to fit into all that messages may have together.
    pub any_size: bool,
    /// What was before, of a message that comes from another queue.
    pub earlier: Option<Earlier>,
}

/// What stays with a message that goes to another queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// When it was sent first: its age and its time to live count from there.
    pub sent_at: Millis,
    /// When it was first delivered; [`Millis::NEVER`] if it was not.
    pub first_received_at: Millis,
}

/// A send that waits for room.
pub(super) struct Parked {
    pub(super) message: Message,
    options: Options,
}

impl Queue {
    /// Puts a message into the queue, or gives it back. Never waits; nor does it pass those who
    /// [wait for room](Self::wait_to_send).
    ///
    /// # Errors
    /// With the message and why it was refused. *Busy* is to be asked again.
    pub fn try_send(
        &self,
        message: Message,
        options: Options,
        now: Millis,
    ) -> Result<Accepted, TrySendError> {
        if self.senders.any() {
            let why = SendRefusal::Full { capacity: self.capacity() };
            return Err(TrySendError { message, why });
        }
        let sent = self.send_now(message, options, now);
        self.after_change(now);
        sent
    }

    fn send_now(
        &self,
        message: Message,
        options: Options,
        now: Millis,
    ) -> Result<Accepted, TrySendError> {
        match self.reserve(message.size(), options, now) {
            Ok(slot) => Ok(self.publish(slot, message, options, now)),
            Err(why) => Err(TrySendError { message, why }),
        }
    }

    /// Takes a free slot, and `size` bytes of what the queue and all queues may have.
    fn reserve(
        &self,
        size: u64,
        options: Options,
        now: Millis,
    ) -> Result<Taken<'_, Stored>, SendRefusal> {
        let max_message_bytes = self.largest_message(options);
        if size > max_message_bytes {
            return Err(SendRefusal::TooLarge { size, max_message_bytes });
        }
        if self.flag(CLOSED) {
            return Err(SendRefusal::Closed);
        }
        let mut last_look = !self.knobs.drops_oldest();
        loop {
            let refusal = match self.take_free() {
                Ok(slot) => match self.reserve_bytes(size) {
                    Ok(()) => return Ok(slot),
                    Err(refusal) => {
                        self.free(slot);
                        refusal
                    }
                },
                Err(refusal) => refusal,
            };
            let for_room =
                matches!(refusal, SendRefusal::Full { .. } | SendRefusal::FullBytes { .. });
            if !for_room || last_look {
                return Err(refusal);
            }
            // Where there is nothing to drop there may be room all the same: that of messages which
            // had expired, and were found to be when the oldest was looked for.
            last_look = !self.drop_oldest(now)?;
        }
    }

    /// The most bytes that a message sent with these options may have.
    pub(super) fn largest_message(&self, options: Options) -> u64 {
        // What is larger than all messages together may be would never fit either.
        let most = self.knobs.max_bytes().unwrap_or(u64::MAX).min(self.memory.limit());
        if options.any_size { most } else { self.knobs.max_message_bytes().min(most) }
    }

    /// Takes a slot that holds nothing: one that did, or one that never has.
    fn take_free(&self) -> Result<Taken<'_, Stored>, SendRefusal> {
        loop {
            if let Some(index) = self.free.pop()? {
                return Ok(self.slab.take_free(index));
            }
            // Before the second look at the line: no slot is added to those in use meanwhile, but by
            // a resize, so an empty line then means that all of them were taken at that moment.
            let supply = self.supply();
            if supply.issued < supply.limit {
                if supply.issued >= self.slots() {
                    self.lengthen_for(supply.issued)?;
                } else if self
                    .exchange_supply(supply, Supply { issued: supply.issued + 1, ..supply })
                {
                    return Ok(self.slab.take_free(supply.issued));
                }
                continue;
            }
            if let Some(index) = self.free.pop()? {
                return Ok(self.slab.take_free(index));
            }
            if !self.reap()? {
                return Err(SendRefusal::Full { capacity: self.capacity() });
            }
        }
    }

    #[cold]
    pub(super) fn lengthen_for(&self, issued: u32) -> Result<(), SendRefusal> {
        // Never waited for: one thread does it, the others ask again.
        let Ok(_one_at_a_time) = self.retired.try_lock() else { return Err(SendRefusal::Busy) };
        if self.slots() > issued {
            return Ok(());
        }
        self.lengthen().map_err(|_| SendRefusal::OutOfMemory { limit: self.memory.limit() })
    }

    pub(super) fn reserve_bytes(&self, size: u64) -> Result<(), SendRefusal> {
        match self.knobs.max_bytes() {
            // ORDERING: Relaxed, here and below: who waits for bytes is woken after they are counted as
            // gone, by what a queue does last (`after_change`).
            None => {
                self.sent.bytes.fetch_add(size, Ordering::Relaxed);
            }
            Some(max_bytes) => {
                let reserved =
                    self.sent.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |sent| {
                        // What came and went between the two loads makes it less than nothing; then
                        // the exchange fails.
                        let held = sent.saturating_sub(self.gone.bytes.load(Ordering::Relaxed));
                        (held.saturating_add(size) <= max_bytes).then(|| sent + size)
                    });
                reserved.map_err(|_| SendRefusal::FullBytes { max_bytes })?;
            }
        }
        if self.memory.reserve(size) {
            return Ok(());
        }
        self.sent.bytes.fetch_sub(size, Ordering::Relaxed);
        Err(SendRefusal::OutOfMemory { limit: self.memory.limit() })
    }

    /// Gives back what [`reserve_bytes`](Self::reserve_bytes) took.
    pub(super) fn return_bytes(&self, size: u64) {
        // ORDERING: Relaxed, as there.
        self.sent.bytes.fetch_sub(size, Ordering::Relaxed);
        self.memory.release(size);
    }

    fn publish(
        &self,
        slot: Taken<'_, Stored>,
        message: Message,
        options: Options,
        now: Millis,
    ) -> Accepted {
        if let Some(groups) = &self.groups {
            let mut sent = None;
            let only = std::iter::once((slot, message, options));
            self.publish_in_groups(groups, only, now, |accepted| sent = Some(accepted));
            return sent.expect("it tells of each message");
        }
        // ORDERING: SeqCst, in one order with those that tell how many are gone.
        let number = self.sent.count.fetch_add(1, Ordering::SeqCst);
        let index = slot.index();
        let (id, ready) = self.fill(slot, message, options, number, now);
        if ready {
            self.ready.push(index);
        }
        Accepted { id, number }
    }

    /// Leaves a message in a slot that was free. Returns its id, and whether it is to be put in line.
    pub(super) fn fill(
        &self,
        mut slot: Taken<'_, Stored>,
        message: Message,
        options: Options,
        number: u64,
        now: Millis,
    ) -> (MessageId, bool) {
        let ttl = options.ttl.or_else(|| self.knobs.ttl());
        let new = Earlier { sent_at: now, first_received_at: Millis::NEVER };
        let earlier = options.earlier.unwrap_or(new);
        let expires_at = ttl.map_or(Millis::NEVER, |ttl| earlier.sent_at.after(ttl));
        let delay = options.delay.unwrap_or_else(|| self.knobs.delay());
        let id = MessageId { slot: slot.index(), generation: slot.generation() };
        slot.put(Stored::new(message, earlier, expires_at));
        slot.set_number(number);
        let ready = delay.is_zero();
        if ready {
            self.leave_ready(slot, expires_at);
        } else {
            self.delay(slot, now.after(delay));
        }
        (id, ready)
    }

    /// Drops the oldest message that could be received. Returns whether there was one.
    fn drop_oldest(&self, now: Millis) -> Result<bool, SendRefusal> {
        let Some(mut oldest) = self.next_ready(now)? else { return Ok(false) };
        let dropped = oldest.remove();
        self.events.dropped.fetch_add(1, Ordering::Relaxed);
        self.count_gone(1, dropped.message.size(), now);
        self.leave_group(&dropped.message, oldest.number());
        self.free(oldest);
        Ok(true)
    }

    /// Frees the dead slots in the lines of messages, where there are many of them: messages that
    /// were acknowledged late or expired in line. Returns whether it is worth while to look for a
    /// free slot again.
    ///
    /// What is alive is moved behind `returned`, which is read first, so the order stays. Who
    /// receives meanwhile is told *busy* rather than *empty*; it may be given a message from further
    /// behind.
    #[cold]
    fn reap(&self) -> Result<bool, SendRefusal> {
        // A pass takes time in proportion to the capacity, so it must free a part of that.
        const WORTH_A_PASS: u64 = 64;
        let dead = self.dead.load(Ordering::SeqCst);
        if dead == 0 || dead.saturating_mul(WORTH_A_PASS) < self.capacity() {
            return Ok(false);
        }
        // Those counted may not be in line yet, or not dead yet: then a neighbour must finish first.
        if self.reap_all() > 0 { Ok(true) } else { Err(SendRefusal::Busy) }
    }

    /// As `reap`, however few there are. Returns how many were freed: none if another thread is at
    /// it.
    #[cold]
    pub(super) fn reap_all(&self) -> u64 {
        let begun = self.reaping.compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst);
        if begun.is_err() {
            return 0;
        }
        let mut freed = 0;
        for line in [&self.returned, &self.ready] {
            for _ in 0..line.len() {
                let Ok(Some(index)) = line.pop() else { break };
                let word = self.slab.word(index);
                match word.state() {
                    State::Dead => {
                        self.free_dead(index);
                        freed += 1;
                    }
                    _ => self.returned.push(index),
                }
            }
        }
        self.reaping.store(0, Ordering::SeqCst);
        freed
    }

    /// A place in the line of those who wait for room. Time and again, by [`WaitingSend::poll`].
    pub fn wait_to_send(&self, message: Message, options: Options) -> WaitingSend<'_> {
        WaitingSend { queue: self, waiting: self.senders.wait(Parked { message, options }) }
    }

    /// Serves those who wait for room, as far as there is any. Returns whether it answered somebody.
    pub(super) fn serve_senders(&self, now: Millis) -> bool {
        self.senders.serve(
            |parked| {
                let Some(Parked { message, options }) = parked.take() else {
                    return Served::Nothing;
                };
                match self.send_now(message, options, now) {
                    Ok(sent) => Served::Answer(Ok(sent)),
                    Err(TrySendError { message, why }) => {
                        let served = match why {
                            SendRefusal::Busy => Served::Busy,
                            SendRefusal::Full { .. }
                            | SendRefusal::FullBytes { .. }
                            | SendRefusal::OutOfMemory { .. } => Served::Nothing,
                            SendRefusal::TooLarge { .. } | SendRefusal::Closed => {
                                return Served::Answer(Err(TrySendError { message, why }));
                            }
                        };
                        if self.flag(DISMISSED) {
                            return Served::Answer(Err(self.dismissal(message)));
                        }
                        *parked = Some(Parked { message, options });
                        served
                    }
                }
            },
            // It was sent while its sender left, as if the sender had left a moment later.
            |_| {},
        )
    }
}

impl From<Busy> for SendRefusal {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

/// A sender that waits for room. Dropped before it is done, it has not sent its message, unless
/// another thread was at it.
#[must_use = "it sends nothing unless polled"]
pub struct WaitingSend<'queue> {
    queue: &'queue Queue,
    waiting: Waiting<'queue, Parked, Result<Accepted, TrySendError>>,
}

impl WaitingSend<'_> {
    /// The result once the message was sent, or was refused for another reason than want of room.
    ///
    /// Until then the task is woken when to ask again.
    pub fn poll(
        &mut self,
        context: &mut Context<'_>,
        now: Millis,
    ) -> Poll<Result<Accepted, TrySendError>> {
        let queue = self.queue;
        self.waiting.poll(context.waker(), || queue.after_change(now))
    }

    /// Gives up. `None` while another thread is at the message: ask again.
    pub fn give_up(&mut self) -> Option<Result<Accepted, TrySendError>> {
        match self.waiting.try_leave()? {
            Left::Answered(answer) => answer,
            Left::Unanswered(parked) => {
                self.queue.senders.nudge();
                parked.map(|Parked { message, .. }| {
                    let why = SendRefusal::Full { capacity: self.queue.capacity() };
                    Err(TrySendError { message, why })
                })
            }
        }
    }
}

impl Drop for WaitingSend<'_> {
    fn drop(&mut self) {
        if let Left::Unanswered(_) = self.waiting.leave() {
            // The next one may ask for less.
            self.queue.senders.nudge();
        }
    }
}
