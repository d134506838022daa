//! Receiving: the next index in line, then the slot.

use std::task::{Context, Poll};
use std::time::Duration;

use super::line::{Busy, Line};
use super::message::{Delivery, MessageId, Receipt, Stored};
use super::slab::Taken;
use super::time::Millis;
use super::waiters::{Left, Served, Waiting};
use super::word::State;
use super::{DISMISSED, Message, PAUSED, Queue, TryReceiveError};
use crate::sync::{Ordering, pause};

/// What a consumer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The most messages, at least one.
    pub max: usize,
    /// How long the consumer has them before they go back into line; the queue's lease if `None`.
    /// A lease of zero does not end: the consumer acknowledges as soon as it has passed them on.
    pub lease: Option<Duration>,
}

/// How often to look again at a slot that another thread has for a few instructions.
const LOOKS: u32 = 64;

impl Queue {
    /// Receives messages that are ready, in order, and adds them to `received`. Never waits.
    ///
    /// # Errors
    /// When there is not one. *Busy* is to be asked again.
    pub fn try_receive(
        &self,
        request: Request,
        now: Millis,
        received: &mut Vec<Delivery>,
    ) -> Result<(), TryReceiveError> {
        let before = received.len();
        let refusal = self.receive_now(request, now, received);
        self.after_change(now);
        match refusal {
            Err(refusal) if received.len() == before => Err(refusal),
            _ => Ok(()),
        }
    }

    fn receive_now(
        &self,
        request: Request,
        now: Millis,
        received: &mut Vec<Delivery>,
    ) -> Result<(), TryReceiveError> {
        if self.flag(PAUSED) {
            return Err(TryReceiveError::Empty);
        }
        let before = received.len();
        let answer = self.receive_ready(request, now, received);
        self.tally.received(&received[before..], now);
        answer
    }

    fn receive_ready(
        &self,
        request: Request,
        now: Millis,
        received: &mut Vec<Delivery>,
    ) -> Result<(), TryReceiveError> {
        let lease = request.lease.unwrap_or_else(|| self.knobs.lease());
        let deadline = if lease.is_zero() { Millis::NEVER } else { now.after(lease) };
        if let Some(groups) = &self.groups {
            return self.receive_from_groups(groups, request.max, deadline, now, received);
        }
        if request.max > 1 {
            return self.receive_batch(request.max, deadline, now, received);
        }
        if self.reserve_in_flight(1) == 0 {
            return Err(TryReceiveError::Empty);
        }
        match self.next_ready(now) {
            Ok(Some(slot)) => {
                received.push(self.deliver(slot, deadline, now));
                Ok(())
            }
            refused => {
                self.gone.in_flight.fetch_sub(1, Ordering::SeqCst);
                refused?;
                Err(TryReceiveError::Empty)
            }
        }
    }

    /// Takes the oldest message that is ready out of the queue, for good.
    ///
    /// # Errors
    /// When there is none. *Busy* is to be asked again.
    pub fn try_take(&self, now: Millis) -> Result<Message, TryReceiveError> {
        if self.flag(PAUSED) {
            return Err(TryReceiveError::Empty);
        }
        let next = self.next_ready(now);
        let taken = next.map(|slot| {
            slot.map(|mut slot| {
                let Stored { message, sent_at, first_received_at, .. } = slot.remove();
                let is_first = first_received_at == Millis::NEVER;
                self.tally.taken(is_first.then_some(sent_at), now);
                self.count_gone(1, message.size(), now);
                self.leave_group(&message, slot.number());
                self.free(slot);
                message
            })
        });
        // Also where there was none: slots may have been freed on the way.
        self.after_change(now);
        taken?.ok_or(TryReceiveError::Empty)
    }

    /// Counts up to `want` messages as in flight, before they are taken, so that there are never more
    /// than may be. Returns how many.
    pub(super) fn reserve_in_flight(&self, want: usize) -> usize {
        let most = self.knobs.max_in_flight();
        if most == u64::MAX {
            // ORDERING: SeqCst, here and below, in one order with the other counts.
            self.gone.in_flight.fetch_add(want as u64, Ordering::SeqCst);
            return want;
        }
        let allowed = |in_flight: u64| most.saturating_sub(in_flight).min(want as u64);
        let more = |in_flight| Some(in_flight + allowed(in_flight));
        let before = self.gone.in_flight.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more);
        before.map_or(0, |in_flight| allowed(in_flight) as usize)
    }

    /// Takes the slot of the next message in line, or `None` if at one moment of the call none was
    /// ready.
    pub(super) fn next_ready(&self, now: Millis) -> Result<Option<Taken<'_, Stored>>, Busy> {
        if let Some(groups) = &self.groups {
            return self.next_in_groups(groups, now);
        }
        while let Some(index) = self.pop_ready()? {
            if let Some(slot) = self.admit(index, now)? {
                return Ok(Some(slot));
            }
        }
        Ok(None)
    }

    /// Takes the slot of an index that was popped, or frees it where there is no message any more.
    /// Where another thread is at it for too long, its index goes back to the front of the line.
    pub(super) fn admit(&self, index: u32, now: Millis) -> Result<Option<Taken<'_, Stored>>, Busy> {
        for _ in 0..LOOKS {
            let word = self.slab.word(index);
            match word.state() {
                State::Ready => {
                    let Some(mut slot) = self.slab.take(index, word) else { continue };
                    if slot.with(|stored| stored.expires_at) > now {
                        return Ok(Some(slot));
                    }
                    self.expire(slot, now);
                    return Ok(None);
                }
                State::Dead => {
                    self.free_dead(index);
                    return Ok(None);
                }
                // Somebody looks at it, or takes it away.
                State::Taken => pause(1),
                State::Free | State::InFlight | State::Delayed | State::Dying => {
                    unreachable!("what is in line is ready, or was when it was put there")
                }
            }
        }
        self.returned.push(index);
        Err(Busy)
    }

    /// The next index in line.
    fn pop_ready(&self) -> Result<Option<u32>, Busy> {
        self.pop_line(|line| line.pop())
    }

    /// Up to `max` of the next indices in line, appended to `indices`. Returns how many.
    pub(super) fn pop_ready_batch(
        &self,
        indices: &mut Vec<u32>,
        max: usize,
    ) -> Result<usize, Busy> {
        let popped = self.pop_line(|line| {
            let popped = line.pop_batch(indices, max)?;
            Ok((popped > 0).then_some(popped))
        })?;
        Ok(popped.unwrap_or(0))
    }

    fn pop_line<P>(
        &self,
        mut pop: impl FnMut(&Line) -> Result<Option<P>, Busy>,
    ) -> Result<Option<P>, Busy> {
        loop {
            if let Some(popped) = pop(&self.returned)? {
                return Ok(Some(popped));
            }
            if let Some(popped) = pop(&self.ready)? {
                return Ok(Some(popped));
            }
            // Nothing is ready, unless somebody moved it from `ready` to `returned` between the two
            // looks.
            // ORDERING: SeqCst, in one order with the moves of the lines.
            if self.reaping.load(Ordering::SeqCst) != 0 {
                return Err(Busy);
            }
            if self.returned.is_empty() {
                return Ok(None);
            }
        }
    }

    pub(super) fn deliver(
        &self,
        mut slot: Taken<'_, Stored>,
        deadline: Millis,
        now: Millis,
    ) -> Delivery {
        let id = MessageId { slot: slot.index(), generation: slot.generation() };
        let number = slot.number();
        let delivery = slot.deliveries().wrapping_add(1);
        let delivered = slot.with(|stored| {
            stored.deliver(now);
            Delivery {
                message: stored.message.clone(),
                id,
                number,
                receipt: Receipt { id, delivery },
                receive_count: stored.receive_count,
                sent_at: stored.sent_at,
                first_received_at: stored.first_received_at,
            }
        });
        if slot.leave(State::InFlight, delivery, deadline) {
            self.ring_alarm(deadline);
        }
        delivered
    }

    /// A place in the line of those who wait for messages.
    pub fn wait_to_receive(&self, request: Request) -> WaitingReceive<'_> {
        WaitingReceive { queue: self, waiting: self.receivers.wait(request), asked_at: Millis(0) }
    }

    /// Serves those who wait for messages, as far as there are any.
    pub(super) fn serve_receivers(&self, now: Millis) {
        self.receivers.serve(
            |request| {
                let Some(request) = *request else { return Served::Nothing };
                let mut received = Vec::new();
                match self.receive_now(request, now, &mut received) {
                    _ if !received.is_empty() => Served::Answer(received),
                    _ if self.flag(DISMISSED) => Served::Answer(Vec::new()),
                    Err(TryReceiveError::Busy) => Served::Busy,
                    _ => Served::Nothing,
                }
            },
            |received| self.put_back_all(&received, now),
        );
    }

    fn put_back_all(&self, received: &[Delivery], now: Millis) {
        for delivery in received {
            // Not there only where it was acknowledged or delivered again meanwhile.
            let _ = self.put_back(delivery.receipt, now);
        }
    }
}

impl From<Busy> for TryReceiveError {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

/// A consumer that waits for messages. Dropped before it is done, it has received nothing: what it
/// was given goes back to the front, not counted.
#[must_use = "it receives nothing unless polled"]
pub struct WaitingReceive<'queue> {
    queue: &'queue Queue,
    waiting: Waiting<'queue, Request, Vec<Delivery>>,
    asked_at: Millis,
}

impl WaitingReceive<'_> {
    /// At least one message, once there is one. Until then the task is woken when to ask again.
    pub fn poll(&mut self, context: &mut Context<'_>, now: Millis) -> Poll<Vec<Delivery>> {
        let queue = self.queue;
        self.asked_at = now;
        self.waiting.poll(context.waker(), || queue.after_change(now))
    }

    /// Gives up. The messages, where they came first; `None` while another thread is about to give
    /// some: ask again.
    pub fn give_up(&mut self) -> Option<Vec<Delivery>> {
        match self.waiting.try_leave()? {
            Left::Answered(received) => Some(received.unwrap_or_default()),
            Left::Unanswered(_) => Some(Vec::new()),
        }
    }
}

impl Drop for WaitingReceive<'_> {
    fn drop(&mut self) {
        if let Left::Answered(Some(received)) = self.waiting.leave() {
            self.queue.put_back_all(&received, self.asked_at);
            self.queue.nudge();
        }
    }
}
