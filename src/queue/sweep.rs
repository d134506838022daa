//! What time does: delays end, leases run out, messages expire. And the moves of a slot that all
//! files share.

use super::line::Line;
use super::message::{Message, Stored};
use super::send::Earlier;
use super::slab::Taken;
use super::time::Millis;
use super::word::{State, Word};
use super::{Queue, TryReceiveError};
use crate::sync::{Ordering, yield_now};

impl Queue {
    /// Does what is due at `now`, and returns when to call again: never later than the next thing
    /// is due.
    ///
    /// Nothing depends on when it is called but how soon things happen. It takes time in proportion
    /// to what is due.
    pub fn tick(&self, now: Millis) -> Millis {
        let mut due = Vec::new();
        self.slab.sweep(now, |index| {
            let word = self.slab.word(index);
            match word.state() {
                State::Free | State::Dead => Millis::NEVER,
                State::Taken => soon(now),
                State::Ready | State::InFlight | State::Delayed | State::Dying => {
                    if word.deadline() > now {
                        return word.deadline();
                    }
                    due.push((word.deadline(), self.slab.number(index), index));
                    Millis::NEVER
                }
            }
        });
        // In the order of their deadlines, and those of the same moment as they were sent: the order
        // of the slots says nothing.
        due.sort_unstable();
        for (_, _, index) in due {
            self.end_if_due(index, now);
        }
        self.after_change(now);
        self.slab.earliest()
    }

    /// Ends the state of a slot if its deadline has come. The sweep has forgotten that deadline.
    fn end_if_due(&self, index: u32, now: Millis) {
        loop {
            let word = self.slab.word(index);
            match word.state() {
                State::Free | State::Dead => return,
                State::Taken => {
                    self.slab.note(index, soon(now));
                    return;
                }
                State::Ready | State::InFlight | State::Delayed | State::Dying => {
                    if word.deadline() > now {
                        // Whoever set it has noted it.
                        return;
                    }
                }
            }
            if let Some(slot) = self.slab.take(index, word) {
                self.end(slot, word, now);
                return;
            }
        }
    }

    /// Ends a state whose deadline has come.
    fn end(&self, mut slot: Taken<'_, Stored>, word: Word, now: Millis) {
        match word.state() {
            State::InFlight => {
                self.events.lease_ends.fetch_add(1, Ordering::Relaxed);
                self.give_back(slot, self.knobs.retry_delay(), now);
            }
            State::Delayed => {
                self.delayed.fetch_sub(1, Ordering::SeqCst);
                let (receive_count, expires_at) =
                    slot.with(|stored| (stored.receive_count, stored.expires_at));
                if expires_at <= now {
                    self.expire(slot, now);
                } else {
                    // What was received before goes to the front, like everything that comes back.
                    let line = if receive_count > 0 { &self.returned } else { &self.ready };
                    self.make_ready(slot, line, expires_at);
                }
            }
            State::Ready => {
                let expired = slot.remove();
                self.events.expired.fetch_add(1, Ordering::Relaxed);
                self.count_gone(1, expired.message.size(), now);
                self.leave_empty(slot, word, &expired.message);
            }
            State::Dying => self.let_die(slot),
            State::Free | State::Taken | State::Dead => unreachable!("these have no deadline"),
        }
    }

    /// Serves whoever waits for what may have become available.
    #[inline]
    pub(super) fn after_change(&self, now: Millis) {
        if self.receivers.any() || self.senders.any() {
            self.serve_all(now);
        }
    }

    #[cold]
    fn serve_all(&self, now: Millis) {
        loop {
            // What a sender leaves here a receiver may wait for, and the other way round: a receiver
            // that finds expired messages makes room, whether it gets one or not.
            self.serve_receivers(now);
            if !self.senders.any() || !self.serve_senders(now) {
                return;
            }
        }
    }

    /// Lets the first who wait look for themselves, where it is not known what time it is.
    pub(super) fn nudge(&self) {
        self.receivers.nudge();
        self.senders.nudge();
    }

    /// Leaves a message ready, at the end of `line`, or in its place in its group.
    pub(super) fn make_ready(&self, slot: Taken<'_, Stored>, line: &Line, expires_at: Millis) {
        if let Some(groups) = &self.groups {
            return self.make_ready_in_group(groups, slot, expires_at);
        }
        let index = slot.index();
        self.leave_ready(slot, expires_at);
        line.push(index);
    }

    /// Leaves a message ready whose index is about to be put in line.
    pub(super) fn leave_ready(&self, slot: Taken<'_, Stored>, expires_at: Millis) {
        let deliveries = slot.deliveries();
        if slot.leave(State::Ready, deliveries, expires_at) {
            self.ring_alarm(expires_at);
        }
    }

    /// Leaves a message to be ready when it is `due`.
    pub(super) fn delay(&self, slot: Taken<'_, Stored>, due: Millis) {
        self.delayed.fetch_add(1, Ordering::SeqCst);
        let deliveries = slot.deliveries();
        if slot.leave(State::Delayed, deliveries, due) {
            self.ring_alarm(due);
        }
    }

    /// Ends a message whose index is in no line because its time is over.
    pub(super) fn expire(&self, mut slot: Taken<'_, Stored>, now: Millis) {
        let expired = slot.remove();
        self.events.expired.fetch_add(1, Ordering::Relaxed);
        self.count_gone(1, expired.message.size(), now);
        self.leave_group(&expired.message, slot.number());
        self.free(slot);
    }

    /// Frees a slot that holds nothing and whose index is in no line.
    pub(super) fn free(&self, slot: Taken<'_, Stored>) {
        let (index, deliveries) = (slot.index(), slot.deliveries());
        slot.leave(State::Free, deliveries, Millis::NEVER);
        self.free.push(index);
    }

    /// Leaves a slot whose message, at `word`, was removed, and is now `gone`: free, or dead where its
    /// index is in a line.
    pub(super) fn leave_empty(&self, slot: Taken<'_, Stored>, word: Word, gone: &Message) {
        if word.state() != State::Dying {
            self.leave_group(gone, slot.number());
        }
        match word.state() {
            State::InFlight => {
                self.gone.in_flight.fetch_sub(1, Ordering::SeqCst);
                self.free(slot);
            }
            State::Delayed => {
                self.delayed.fetch_sub(1, Ordering::SeqCst);
                self.free(slot);
            }
            State::Dying if word.deadline() != Millis::NEVER => {
                self.letters.fetch_sub(1, Ordering::SeqCst);
                self.free(slot);
            }
            State::Ready if self.is_fifo() => self.free(slot),
            State::Ready => {
                // Before it can be popped.
                self.dead.fetch_add(1, Ordering::SeqCst);
                slot.leave(State::Dead, word.deliveries(), Millis::NEVER);
            }
            _ => {
                self.letters.fetch_sub(1, Ordering::SeqCst);
                slot.leave(State::Dead, word.deliveries(), Millis::NEVER);
            }
        }
    }

    /// Frees a dead slot whose index was popped.
    pub(super) fn free_dead(&self, index: u32) {
        let slot = self.slab.take(index, self.slab.word(index));
        self.dead.fetch_sub(1, Ordering::SeqCst);
        self.free(slot.expect("a dead slot is its popper's alone"));
    }

    /// Puts a message that was received too often into the line of those.
    pub(super) fn let_die(&self, slot: Taken<'_, Stored>) {
        let (index, deliveries) = (slot.index(), slot.deliveries());
        slot.leave(State::Dying, deliveries, Millis::NEVER);
        self.dying.push(index);
    }

    /// Whether there are messages that were received too often, to be taken by
    /// [`take_dead_letter`](Self::take_dead_letter).
    pub fn has_dead_letters(&self) -> bool {
        !self.dying.is_empty()
    }

    /// The next message that was received too often. It counts as held until it was
    /// [moved](Held::moved).
    pub fn take_dead_letter(&self) -> Option<Held<'_>> {
        while let Ok(Some(index)) = self.dying.pop() {
            loop {
                let word = self.slab.word(index);
                match word.state() {
                    State::Dying => {
                        let Some(slot) = self.slab.take(index, word) else { continue };
                        return Some(Held { queue: self, slot: Some(slot), dead: true });
                    }
                    State::Taken => yield_now(),
                    // Acknowledged or purged at the last moment.
                    _ => {
                        let slot = self.slab.take(index, word);
                        self.free(slot.expect("a dead slot is its popper's alone"));
                        self.nudge();
                        break;
                    }
                }
            }
        }
        None
    }

    /// Frees the slots of messages that went while they were in the line of dead letters, whose order
    /// stays.
    #[cold]
    pub(super) fn reap_dying(&self) {
        for _ in 0..self.dying.len() {
            let Ok(Some(index)) = self.dying.pop() else { return };
            let word = self.slab.word(index);
            match word.state() {
                State::Dead => {
                    let slot = self.slab.take(index, word);
                    self.free(slot.expect("a dead slot is its popper's alone"));
                }
                _ => self.dying.push(index),
            }
        }
    }

    /// The next message that is ready, to be moved somewhere else without being received.
    ///
    /// # Errors
    /// When there is none. *Busy* is to be asked again.
    pub fn take_next(&self, now: Millis) -> Result<Held<'_>, TryReceiveError> {
        let next = self.next_ready(now);
        // Slots may have been freed on the way.
        self.after_change(now);
        let slot = next?.ok_or(TryReceiveError::Empty)?;
        Ok(Held { queue: self, slot: Some(slot), dead: false })
    }
}

/// When to look again at what is taken while time comes by.
fn soon(now: Millis) -> Millis {
    Millis(now.0 + 1)
}

/// A message that nobody else can receive or see until it is moved or kept. Dropped, it is where it
/// was.
pub struct Held<'queue> {
    queue: &'queue Queue,
    slot: Option<Taken<'queue, Stored>>,
    dead: bool,
}

impl Held<'_> {
    /// The message, how often it was received, and when it was sent.
    pub fn look(&mut self) -> (Message, u32, Millis) {
        let slot = self.slot.as_mut().expect("it is held until the end");
        slot.with(|stored| (stored.message.clone(), stored.receive_count, stored.sent_at))
    }

    /// What of its past goes with it to another queue.
    pub fn earlier(&mut self) -> Earlier {
        let slot = self.slot.as_mut().expect("it is held until the end");
        slot.with(|stored| Earlier {
            sent_at: stored.sent_at,
            first_received_at: stored.first_received_at,
        })
    }

    /// Ends it here: it is somewhere else, or nowhere.
    pub fn moved(mut self, now: Millis) {
        if let Some(mut slot) = self.slot.take() {
            let gone = slot.remove();
            if self.dead {
                self.queue.events.dead_letters.fetch_add(1, Ordering::Relaxed);
                self.queue.letters.fetch_sub(1, Ordering::SeqCst);
            } else {
                self.queue.events.redriven.fetch_add(1, Ordering::Relaxed);
                self.queue.leave_group(&gone.message, slot.number());
            }
            self.queue.count_gone(1, gone.message.size(), now);
            self.queue.free(slot);
            self.queue.after_change(now);
        }
    }

    /// Keeps a dead letter here, to be taken again when it is `due`.
    pub fn keep(mut self, due: Millis) {
        if let Some(slot) = self.slot.take_if(|_| self.dead) {
            let deliveries = slot.deliveries();
            if slot.leave(State::Dying, deliveries, due) {
                self.queue.ring_alarm(due);
            }
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let Some(mut slot) = self.slot.take() else { return };
        if self.dead {
            self.queue.let_die(slot);
        } else {
            let expires_at = slot.with(|stored| stored.expires_at);
            self.queue.make_ready(slot, &self.queue.returned, expires_at);
            self.queue.nudge();
        }
    }
}
