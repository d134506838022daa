//! What an operator does: count, look, resize, purge, pause, close. Some of it takes a lock, and all
//! of it leaves send, receive and ack alone.

use std::collections::BinaryHeap;
use std::sync::PoisonError;
use std::time::Duration;

use super::message::{Delivery, MessageId, Receipt};
use super::send::Parked;
use super::time::Millis;
use super::word::State;
use super::{
    CLOSED, DISMISSED, Message, PAUSED, Queue, ResizeError, SendRefusal, Served, Settings, Supply,
    Tallied, TrySendError,
};
use crate::sync::{Ordering, yield_now};

/// How many messages are where, each read at one moment, one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All that are not gone.
    pub depth: u64,
    /// In line.
    pub ready: u64,
    /// With a consumer.
    pub in_flight: u64,
    /// Not yet in line.
    pub delayed: u64,
    /// Received too often, on their way to where dead letters go.
    pub dying: u64,
    /// Bytes of all that are not gone.
    pub bytes: u64,
    /// Ever sent.
    pub sent: u64,
    /// Ever gone, for whichever reason.
    pub gone: u64,
    /// Gone because their time was over.
    pub expired: u64,
    /// Gone to make room for newer ones.
    pub dropped: u64,
    /// Gone because they were received too often.
    pub dead_letters: u64,
    /// Gone because an operator removed all there were.
    pub purged: u64,
    /// Gone to another queue because an operator said so.
    pub redriven: u64,
    /// Leases that ran out.
    pub lease_ends: u64,
    /// Deliveries, those that never reached their consumer included. This and the next two stay 0 in a
    /// queue that is not [counted](Queue::into_counted).
    pub received: u64,
    /// Gone because a consumer was done with them.
    pub acked: u64,
    /// Given back by a consumer.
    pub released: u64,
    /// Consumers that wait for a message.
    pub waiting_receivers: u64,
    /// Producers that wait for room.
    pub waiting_senders: u64,
}

/// A message as it lies in line, for whoever only looks.
pub type Look = Delivery;

impl Queue {
    /// How many messages are where.
    pub fn counts(&self) -> Counts {
        let (sent, gone) = self.sent_and_gone();
        // ORDERING: Relaxed where a count passes nothing on, SeqCst where it is in one order with
        // what senders and receivers are told.
        let [received, acked, released] = self.tally.totals();
        Counts {
            depth: sent - gone,
            ready: self.ready(),
            in_flight: self.gone.in_flight.load(Ordering::SeqCst),
            delayed: self.delayed.load(Ordering::SeqCst),
            dying: self.letters.load(Ordering::SeqCst),
            bytes: self.bytes(),
            sent,
            gone,
            expired: self.events.expired.load(Ordering::Relaxed),
            dropped: self.events.dropped.load(Ordering::Relaxed),
            dead_letters: self.events.dead_letters.load(Ordering::Relaxed),
            purged: self.events.purged.load(Ordering::Relaxed),
            redriven: self.events.redriven.load(Ordering::Relaxed),
            lease_ends: self.events.lease_ends.load(Ordering::Relaxed),
            received,
            acked,
            released,
            waiting_receivers: self.receivers.len() as u64,
            waiting_senders: self.waiting_senders(),
        }
    }

    /// What was counted for whoever looks on; nothing in a queue that is not
    /// [counted](Self::into_counted).
    pub fn tallied(&self) -> Tallied {
        self.tally.read()
    }

    /// A receive that was parked goes on, that long after it was served.
    pub fn count_wake(&self, ago: Duration) {
        self.tally.woken(u64::try_from(ago.as_nanos()).unwrap_or(u64::MAX));
    }

    /// How many messages were ever sent.
    pub fn sent(&self) -> u64 {
        self.sent.count.load(Ordering::SeqCst)
    }

    /// Bytes of all messages that are not gone.
    pub fn bytes(&self) -> u64 {
        // ORDERING: Relaxed, they pass nothing on.
        let sent = self.sent.bytes.load(Ordering::Relaxed);
        sent.saturating_sub(self.gone.bytes.load(Ordering::Relaxed))
    }

    /// Producers that wait for room.
    pub fn waiting_senders(&self) -> u64 {
        self.senders.len() as u64
    }

    /// Messages that came, and messages that went.
    pub fn moved_messages(&self) -> u64 {
        let (sent, gone) = self.sent_and_gone();
        sent.wrapping_add(gone)
    }

    /// Both at one moment.
    fn sent_and_gone(&self) -> (u64, u64) {
        let mut gone = self.gone.count.count();
        loop {
            let sent = self.sent.count.load(Ordering::SeqCst);
            let again = self.gone.count.count();
            if again == gone {
                return (sent, gone);
            }
            gone = again;
        }
    }

    /// How many messages are not gone: ready, delayed and in flight.
    pub fn depth(&self) -> u64 {
        let (sent, gone) = self.sent_and_gone();
        sent - gone
    }

    /// How many messages a receive could return; of a FIFO queue also those behind others of their group.
    pub fn ready(&self) -> u64 {
        if let Some(groups) = &self.groups {
            return groups.ready();
        }
        let in_line = (self.ready.len() + self.returned.len()) as u64;
        in_line.saturating_sub(self.dead.load(Ordering::SeqCst))
    }

    /// Whether messages are held that are not ready: delayed, in flight, or received too often.
    pub fn holds_others(&self) -> bool {
        let others = [&self.gone.in_flight, &self.delayed, &self.letters];
        others.iter().any(|count| count.load(Ordering::SeqCst) > 0)
    }

    /// How many messages may be held at once.
    pub fn capacity(&self) -> u64 {
        // ORDERING: Relaxed, nothing is passed on by it.
        self.capacity.load(Ordering::Relaxed)
    }

    /// How many messages a second are gone, over the last seconds.
    pub fn drain_rate(&self, now: Millis) -> f64 {
        self.gone.count.per_second(now)
    }

    /// The settings.
    pub fn settings(&self) -> Settings {
        self.knobs.get()
    }

    /// Changes the settings. What is under way may see some of them before and some after.
    pub fn set(&self, settings: &Settings, now: Millis) {
        self.knobs.set(settings);
        self.after_change(now);
    }

    /// Changes how many messages may be held at once, while they are sent and received; none is lost
    /// or changes its place.
    ///
    /// Takes a lock that only another resize, and a send that makes the queue longer, also take.
    ///
    /// # Errors
    /// When more messages are held than the new capacity, or a queue cannot have it. Nothing has
    /// changed then, but that a send may have been refused in the meantime.
    pub fn resize(&self, capacity: u64, now: Millis) -> Result<(), ResizeError> {
        if !(1..=Self::MAX_CAPACITY).contains(&capacity) {
            return Err(ResizeError::OutOfRange);
        }
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        let present = self.capacity();
        if capacity < present {
            let mut surplus = present - capacity;
            surplus -= self.lower_limit(surplus);
            let before = retired.len();
            while surplus > 0 {
                match self.free.pop() {
                    Ok(Some(index)) => {
                        retired.push(index);
                        surplus -= 1;
                    }
                    Err(_) => yield_now(),
                    Ok(None) if self.depth() <= capacity => {
                        // What is missing is dead or on its way.
                        self.reap_all();
                        self.reap_dying();
                        yield_now();
                    }
                    Ok(None) => {
                        let taken_out = (present - capacity) - surplus;
                        let from_line = (retired.len() - before) as u64;
                        self.raise_limit(taken_out - from_line);
                        retired.drain(before..).for_each(|index| self.free.push(index));
                        drop(retired);
                        self.after_change(now);
                        return Err(ResizeError::BelowDepth { capacity });
                    }
                }
            }
            self.capacity.store(capacity, Ordering::Relaxed);
        } else {
            self.capacity.store(capacity, Ordering::Relaxed);
            let mut more = capacity - present;
            while more > 0 {
                let Some(index) = retired.pop() else { break };
                self.free.push(index);
                more -= 1;
            }
            self.raise_limit(more);
        }
        drop(retired);
        self.after_change(now);
        Ok(())
    }

    /// Takes up to `slots` that were never handed out out of use. Returns how many.
    fn lower_limit(&self, slots: u64) -> u64 {
        loop {
            let supply = self.supply();
            let less = slots.min(u64::from(supply.limit - supply.issued)) as u32;
            let lowered = Supply { limit: supply.limit - less, ..supply };
            if self.exchange_supply(supply, lowered) {
                return u64::from(less);
            }
        }
    }

    fn raise_limit(&self, slots: u64) {
        loop {
            let supply = self.supply();
            let raised = Supply { limit: supply.limit + slots as u32, ..supply };
            if self.exchange_supply(supply, raised) {
                return;
            }
        }
    }

    /// Removes every message that was sent before, also those with a consumer, whose receipts are
    /// answered with *gone*. Returns how many.
    ///
    /// Takes time in proportion to how many there were at most.
    pub fn purge(&self, now: Millis) -> u64 {
        let cutoff = self.sent.count.load(Ordering::SeqCst);
        let mut purged = 0;
        // Twice, for what goes from the line to a consumer or back while the first round is at it.
        for _ in 0..2 {
            for index in 0..self.supply().issued {
                purged += u64::from(self.purge_slot(index, cutoff, now));
            }
        }
        // The dead in front of the line are freed now.
        if let Ok(Some(mut slot)) = self.next_ready(now) {
            let expires_at = slot.with(|stored| stored.expires_at);
            self.make_ready(slot, &self.returned, expires_at);
        }
        self.after_change(now);
        purged
    }

    fn purge_slot(&self, index: u32, cutoff: u64, now: Millis) -> bool {
        loop {
            let word = self.slab.word(index);
            match word.state() {
                State::Free | State::Dead => return false,
                State::Taken => {
                    yield_now();
                    continue;
                }
                _ => {}
            }
            let Some(mut slot) = self.slab.take(index, word) else { continue };
            if slot.number() >= cutoff {
                slot.leave(word.state(), word.deliveries(), word.deadline());
                return false;
            }
            let gone = slot.remove();
            self.events.purged.fetch_add(1, Ordering::Relaxed);
            self.count_gone(1, gone.message.size(), now);
            self.leave_empty(slot, word, &gone.message);
            return true;
        }
    }

    /// Stops receives, which find nothing until [`resume`](Self::resume). Returns whether they were
    /// not stopped before.
    pub fn pause(&self) -> bool {
        self.flags.fetch_or(PAUSED, Ordering::SeqCst) & PAUSED == 0
    }

    /// Lets receives go on. Returns whether they were stopped.
    pub fn resume(&self, now: Millis) -> bool {
        let was_paused = self.flags.fetch_and(!PAUSED, Ordering::SeqCst) & PAUSED != 0;
        self.after_change(now);
        was_paused
    }

    /// Whether receives are stopped.
    pub fn is_paused(&self) -> bool {
        self.flag(PAUSED)
    }

    /// Refuses every later send, also of those who wait for room; what is there can still be
    /// received.
    pub fn close(&self, now: Millis) {
        self.flags.fetch_or(CLOSED, Ordering::SeqCst);
        self.after_change(now);
    }

    /// Answers everybody who waits, and who comes to wait: consumers with nothing, producers with
    /// what they wanted to send.
    pub fn dismiss(&self) {
        // For whoever serves them now, and so for this call too.
        self.flags.fetch_or(DISMISSED, Ordering::SeqCst);
        self.receivers.serve(|_| Served::Answer(Vec::new()), |_| {});
        self.senders.serve(
            |parked| match parked.take() {
                Some(Parked { message, .. }) => Served::Answer(Err(self.dismissal(message))),
                None => Served::Nothing,
            },
            |_| {},
        );
    }

    pub(super) fn dismissal(&self, message: Message) -> TrySendError {
        TrySendError { message, why: SendRefusal::Full { capacity: self.capacity() } }
    }

    /// Whether sends are refused.
    pub fn is_closed(&self) -> bool {
        self.flag(CLOSED)
    }

    pub(super) fn flag(&self, flag: u32) -> bool {
        // ORDERING: SeqCst, in one order with what `close` and `pause` are followed by.
        self.flags.load(Ordering::SeqCst) & flag != 0
    }

    /// The first messages that are ready, up to `max`, without receiving them: in the order in which
    /// they were sent, also where some of them came back or came due out of it. Takes time in
    /// proportion to how many messages there were at most.
    pub fn browse(&self, max: usize, now: Millis) -> Vec<Look> {
        let is_ready = |index: &u32| {
            let word = self.slab.word(*index);
            // What has expired is not shown, so it must not count either.
            word.state() == State::Ready && word.deadline() > now
        };
        // The last of them on top, so that memory is needed for as many as are asked for.
        let mut first = BinaryHeap::new();
        for index in (0..self.supply().issued).filter(is_ready) {
            first.push((self.slab.number(index), index));
            if first.len() > max {
                first.pop();
            }
        }
        let first = first.into_sorted_vec().into_iter();
        first.filter_map(|(_, index)| self.look(index, now)).collect()
    }

    /// One message, wherever it is, without receiving it.
    pub fn find_message(&self, id: MessageId, now: Millis) -> Option<Look> {
        if id.slot >= self.supply().issued || self.slab.generation(id.slot) != id.generation {
            return None;
        }
        self.look(id.slot, now).filter(|look| look.id == id)
    }

    fn look(&self, index: u32, now: Millis) -> Option<Look> {
        loop {
            let word = self.slab.word(index);
            match word.state() {
                State::Taken => yield_now(),
                State::Free | State::Dead => return None,
                State::Ready | State::InFlight | State::Delayed | State::Dying => {
                    let Some(mut slot) = self.slab.take(index, word) else { continue };
                    let id = MessageId { slot: index, generation: slot.generation() };
                    let number = slot.number();
                    let (look, expires_at) = slot.with(|stored| {
                        let look = Delivery {
                            message: stored.message.clone(),
                            id,
                            number,
                            receipt: Receipt { id, delivery: word.deliveries() },
                            receive_count: stored.receive_count,
                            sent_at: stored.sent_at,
                            first_received_at: stored.first_received_at,
                        };
                        (look, stored.expires_at)
                    });
                    slot.leave(word.state(), word.deliveries(), word.deadline());
                    return (expires_at > now).then_some(look);
                }
            }
        }
    }
}
