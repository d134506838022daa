//! Many messages in one call: one claim of a line for all of them, and one step of each count.

use super::lease::had_lease;
use super::line::Busy;
use super::message::{Delivery, Message, MessageId, Receipt};
use super::send::Options;
use super::tally::Leases;
use super::time::Millis;
use super::word::State;
use super::{CLOSED, LeaseError, Queue, Supply, TryReceiveError};
use crate::sync::Ordering;

/// How many slots ahead of the one in turn a send asks for. Where a queue is longer than a cache this
/// takes a tenth off a batch; for receives, whose slots are next to each other mostly, nothing.
const AHEAD: usize = 8;

impl Queue {
    /// Sends messages from the front of `messages`, as many as can be sent at once, next to each other
    /// and in order, and adds their ids to `ids`. Never waits, and drops nothing to make room.
    ///
    /// What stays in `messages` was not looked at any further: [`try_send`](Self::try_send) tells what
    /// becomes of it.
    pub fn try_send_batch(
        &self,
        messages: &mut Vec<(Message, Options)>,
        now: Millis,
        ids: &mut Vec<MessageId>,
    ) {
        if self.senders.any() || self.flag(CLOSED) {
            return;
        }
        let fits = |(message, options): &&(Message, Options)| {
            message.size() <= self.largest_message(*options)
        };
        let fit = messages.iter().take_while(fits).count();
        let size = |messages: &[(Message, Options)]| -> u64 {
            messages.iter().map(|(message, _)| message.size()).sum()
        };
        // Before the slots: nobody is to see them taken where the bytes do not fit.
        if self.reserve_bytes(size(&messages[..fit])).is_err() {
            return;
        }
        let mut slots = Vec::with_capacity(fit);
        self.take_free_batch(fit, &mut slots);
        self.return_bytes(size(&messages[slots.len()..fit]));
        self.publish_batch(slots, messages, now, ids);
        self.after_change(now);
    }

    /// The indices of up to `want` free slots, as far as nobody is in the way.
    fn take_free_batch(&self, want: usize, slots: &mut Vec<u32>) {
        while slots.len() < want {
            match self.free.pop_batch(slots, want - slots.len()) {
                Ok(0) => {}
                Ok(_) => continue,
                Err(Busy) => return,
            }
            let supply = self.supply();
            if supply.issued >= supply.limit {
                return;
            }
            let unused = supply.limit.min(self.slots()).saturating_sub(supply.issued);
            if unused == 0 {
                if self.lengthen_for(supply.issued).is_err() {
                    return;
                }
                continue;
            }
            let missing = u32::try_from(want - slots.len()).unwrap_or(u32::MAX);
            let issued = supply.issued + unused.min(missing);
            if self.exchange_supply(supply, Supply { issued, ..supply }) {
                slots.extend(supply.issued..issued);
            }
        }
    }

    /// Puts a message into each of these slots, from the front of `messages`, and all of them in line.
    fn publish_batch(
        &self,
        slots: Vec<u32>,
        messages: &mut Vec<(Message, Options)>,
        now: Millis,
        ids: &mut Vec<MessageId>,
    ) {
        let count = slots.len();
        if let Some(groups) = &self.groups {
            let slots = slots.into_iter().map(|index| self.slab.take_free(index));
            let each = slots.zip(messages.drain(..count));
            let each = each.map(|(slot, (message, options))| (slot, message, options));
            self.publish_in_groups(groups, each, now, |sent| ids.push(sent.id));
            return;
        }
        // ORDERING: SeqCst, as in `publish`.
        let first = self.sent.count.fetch_add(count as u64, Ordering::SeqCst);
        ids.reserve(count);
        slots.iter().take(AHEAD).for_each(|index| self.slab.prefetch(*index));
        let mut in_line = Vec::with_capacity(count);
        let numbered = messages.drain(..count).zip(first..);
        for (place, ((message, options), number)) in numbered.enumerate() {
            if let Some(index) = slots.get(place + AHEAD) {
                self.slab.prefetch(*index);
            }
            let index = slots[place];
            let slot = self.slab.take_free(index);
            let (id, ready) = self.fill(slot, message, options, number, now);
            ids.push(id);
            if ready {
                in_line.push(index);
            }
        }
        self.ready.push_batch(&mut in_line);
    }

    /// Receives up to `max` messages that are ready. *Busy* only where there is not one.
    pub(super) fn receive_batch(
        &self,
        max: usize,
        deadline: Millis,
        now: Millis,
        received: &mut Vec<Delivery>,
    ) -> Result<(), TryReceiveError> {
        // No more than there seem to be, so that nobody sees many in flight that are not.
        let in_line = self.ready.len() + self.returned.len();
        let reserved = self.reserve_in_flight(max.min(in_line.max(1)));
        let before = received.len();
        received.reserve(reserved);
        let mut indices = Vec::new();
        let mut refusal = TryReceiveError::Empty;
        while received.len() - before < reserved {
            match self.pop_ready_batch(&mut indices, reserved - (received.len() - before)) {
                Ok(0) => break,
                Ok(_) => {}
                Err(Busy) => {
                    refusal = TryReceiveError::Busy;
                    break;
                }
            }
            for index in indices.drain(..) {
                match self.admit(index, now) {
                    Ok(Some(slot)) => received.push(self.deliver(slot, deadline, now)),
                    Ok(None) => {}
                    Err(Busy) => refusal = TryReceiveError::Busy,
                }
            }
            if refusal == TryReceiveError::Busy {
                break;
            }
        }
        let unused = reserved - (received.len() - before);
        // ORDERING: SeqCst, as in `reserve_in_flight`.
        self.gone.in_flight.fetch_sub(unused as u64, Ordering::SeqCst);
        if received.len() > before { Ok(()) } else { Err(refusal) }
    }

    /// Acknowledges many deliveries, and tells of each what [`ack`](Self::ack) would.
    pub fn ack_batch(
        &self,
        receipts: impl IntoIterator<Item = Receipt>,
        now: Millis,
        mut tell: impl FnMut(Result<(), LeaseError>),
    ) {
        let (mut slots, mut size) = (Vec::new(), 0);
        let (mut count, mut leases) = (0, Leases::default());
        for receipt in receipts {
            let claimed = self.claim(receipt, |word| self.acknowledgeable(word, now));
            tell(claimed.map(|(mut slot, word)| {
                let gone = slot.remove();
                count += 1;
                if had_lease(word) {
                    leases.put(gone.millis_received(now));
                }
                if word.state() == State::InFlight {
                    self.leave_group(&gone.message, slot.number());
                    size += gone.message.size();
                    slots.push(slot.index());
                    let deliveries = slot.deliveries();
                    slot.leave(State::Free, deliveries, Millis::NEVER);
                } else {
                    self.count_gone(1, gone.message.size(), now);
                    self.leave_empty(slot, word, &gone.message);
                }
            }));
        }
        self.tally.acked_batch(count, &leases);
        if !slots.is_empty() {
            self.count_gone(slots.len() as u64, size, now);
            // ORDERING: SeqCst, as in `reserve_in_flight`.
            self.gone.in_flight.fetch_sub(slots.len() as u64, Ordering::SeqCst);
            self.free.push_batch(&mut slots);
        }
        self.after_change(now);
    }
}
