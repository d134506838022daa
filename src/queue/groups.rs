//! What makes a queue FIFO: which message of which group is next.
//!
//! Messages of one group are received in the order of their numbers, whatever happens to them: while a
//! consumer has some, or one waits until it may be tried again, nobody gets any of those behind, and what
//! comes back is before them. Groups know nothing of each other; the one whose first message is the
//! oldest comes first.
//!
//! A FIFO queue puts no index in the lines `ready` and `returned`: what comes next stands here, behind a
//! lock. So it has no dead slots either. A message stands in its group from send until it is gone or dying,
//! as what it is to the group ([`Place`]); its slot's word says the rest, and decides as ever who wins a
//! race for it. Who has won tells the group:
//!
//! - Who has taken a slot may wait for the lock. So who has the lock waits for no slot: a message whose
//!   slot is taken makes the answer *busy*.
//! - A slot is left ready under the lock, together with its place. What is said to be ready here is so, or
//!   taken by somebody who looks at it or removes it.
//!
//! No wake-up is lost: who waits has counted itself before it takes the lock to look, and who makes
//! something available asks who waits after it has let go of the lock.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError};

use super::line::Busy;
use super::message::{Accepted, Delivery, Stored};
use super::send::Options;
use super::slab::Taken;
use super::time::Millis;
use super::word::State;
use super::{Message, Queue, TryReceiveError};
use crate::sync::{AtomicU64, Mutex, Ordering};

/// The group of messages that are in none.
const NO_GROUP: &str = "";

/// What a message is to its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It may be received, from this slot, if everything before it may be.
    Ready(u32),
    /// It was sent to be received later: nothing behind it may be received before.
    Early,
    /// A consumer has it, or had it and it is to be tried again later: nothing else may be received.
    Held,
}

/// The groups of one queue.
#[derive(Default)]
pub(super) struct Groups {
    order: Mutex<Order>,
    /// Messages that are ready, whatever stands before them. Changed with the lock, read without.
    ready: AtomicU64,
}

#[derive(Default)]
struct Order {
    /// Those that have messages.
    groups: HashMap<Arc<str>, Group>,
    /// Those of which a message may be received, by the number of their first.
    available: BTreeMap<u64, Arc<str>>,
    /// The slots of all messages that are ready, whatever stands before them, by number.
    ready: BTreeMap<u64, u32>,
}

#[derive(Default)]
struct Group {
    /// By number, so the first is the next.
    messages: BTreeMap<u64, Place>,
    /// How many of them are held.
    held: u32,
    /// As which number it stands among those available.
    listed: Option<u64>,
}

impl Group {
    /// The number as which it is to be listed.
    fn available(&self) -> Option<u64> {
        match self.messages.first_key_value() {
            Some((number, Place::Ready(_))) if self.held == 0 => Some(*number),
            _ => None,
        }
    }
}

impl Order {
    /// The first message of a group from this number on, and its slot, if it is ready.
    fn next_ready(&self, name: &str, from: u64) -> Option<(u64, u32)> {
        match self.groups.get(name)?.messages.range(from..).next() {
            Some((number, Place::Ready(index))) => Some((*number, *index)),
            _ => None,
        }
    }

    /// Changes the group of this name, which is made if it has no messages, and what follows from that.
    fn change<R>(&mut self, name: &str, change: impl FnOnce(&mut Group) -> R) -> R {
        if !self.groups.contains_key(name) {
            self.groups.insert(name.into(), Group::default());
        }
        let group = self.groups.get_mut(name).expect("it was just put there");
        let changed = change(group);
        let (listed, available) = (group.listed, group.available());
        group.listed = available;
        if listed != available {
            if let Some(number) = listed {
                self.available.remove(&number);
            }
            if let Some(number) = available {
                let (name, _) = self.groups.get_key_value(name).expect("it is there");
                self.available.insert(number, Arc::clone(name));
            }
        }
        if self.groups[name].messages.is_empty() {
            self.groups.remove(name);
        }
        changed
    }
}

impl Groups {
    /// Gives a message a place in its group, or none. Returns the one before.
    fn set(&self, order: &mut Order, name: &str, number: u64, place: Option<Place>) {
        let before = order.change(name, |group| {
            let before = match place {
                Some(place) => group.messages.insert(number, place),
                None => group.messages.remove(&number),
            };
            group.held += u32::from(place == Some(Place::Held));
            group.held -= u32::from(before == Some(Place::Held));
            before
        });
        let ready = |place: Option<Place>| matches!(place, Some(Place::Ready(_)));
        // ORDERING: SeqCst, in one order with the other counts.
        match (ready(before), ready(place)) {
            (false, true) => _ = self.ready.fetch_add(1, Ordering::SeqCst),
            (true, false) => _ = self.ready.fetch_sub(1, Ordering::SeqCst),
            _ => {}
        }
        match place {
            Some(Place::Ready(index)) => _ = order.ready.insert(number, index),
            _ => _ = order.ready.remove(&number),
        }
    }

    fn with<R>(&self, act: impl FnOnce(&mut Order) -> R) -> R {
        act(&mut self.order.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Number and slot of up to `max` of the messages that are ready and were sent first, also those that
    /// others of their group stand before.
    pub(super) fn first_ready(&self, max: usize) -> Vec<(u64, u32)> {
        self.with(|order| order.ready.iter().take(max).map(|(at, index)| (*at, *index)).collect())
    }

    /// How many messages are ready, also those that others of their group stand before.
    pub(super) fn ready(&self) -> u64 {
        self.ready.load(Ordering::SeqCst)
    }
}

fn group_of(message: &Message) -> &str {
    message.group().unwrap_or(NO_GROUP)
}

impl Queue {
    /// Makes the queue a FIFO queue: messages of one [group](Message::group) are received in the order in
    /// which they were sent, those of no group being one as well. While some of a group are in flight, or
    /// wait to be tried again, no other of it is received. A receipt is valid until its lease is over, not
    /// longer.
    ///
    /// Every operation on its messages takes a lock for a short time.
    #[must_use]
    pub fn into_fifo(mut self) -> Self {
        assert_eq!(self.depth(), 0, "a queue is made FIFO before it is used");
        self.groups = Some(Box::default());
        self
    }

    /// Whether it is a FIFO queue.
    pub fn is_fifo(&self) -> bool {
        self.groups.is_some()
    }

    /// As `publish`, of any number of slots and messages: their numbers are next to each other, and no
    /// message is seen before one of a lower number.
    #[cold]
    pub(super) fn publish_in_groups<'slab>(
        &'slab self,
        groups: &Groups,
        messages: impl ExactSizeIterator<Item = (Taken<'slab, Stored>, Message, Options)>,
        now: Millis,
        mut tell: impl FnMut(Accepted),
    ) {
        groups.with(|order| {
            // ORDERING: SeqCst, as in `publish`. Under the lock: who comes later is behind.
            let first = self.sent.count.fetch_add(messages.len() as u64, Ordering::SeqCst);
            for (number, (slot, message, options)) in (first..).zip(messages) {
                let index = slot.index();
                let group: Option<Box<str>> = message.group().map(Box::from);
                let (id, ready) = self.fill(slot, message, options, number, now);
                let place = if ready { Place::Ready(index) } else { Place::Early };
                groups.set(order, group.as_deref().unwrap_or(NO_GROUP), number, Some(place));
                tell(Accepted { id, number });
            }
        });
    }

    /// Takes the slots of up to `max` of the next messages, all those of one group that may be received
    /// before the first of another. What has expired goes on the way. *Busy* only where there is not one.
    #[cold]
    fn take_from_groups(
        &self,
        groups: &Groups,
        max: usize,
        now: Millis,
    ) -> Result<Vec<Taken<'_, Stored>>, Busy> {
        let (mut taken, mut expired) = (Vec::new(), Vec::new());
        let mut busy = false;
        groups.with(|order| {
            let mut behind = 0;
            while taken.len() < max
                && let Some((first, name)) = order.available.range(behind..).next()
            {
                let mut next = *first;
                behind = next + 1;
                let (name, before) = (Arc::clone(name), taken.len());
                while taken.len() < max
                    && let Some((number, index)) = order.next_ready(&name, next)
                {
                    let word = self.slab.word(index);
                    let slot = match word.state() {
                        State::Ready => self.slab.take(index, word),
                        _ => None,
                    };
                    let Some(mut slot) = slot else {
                        busy = true;
                        break;
                    };
                    if slot.with(|stored| stored.expires_at) > now {
                        groups.set(order, &name, number, Some(Place::Held));
                        taken.push(slot);
                    } else {
                        groups.set(order, &name, number, None);
                        expired.push(slot);
                        if taken.len() == before {
                            // The first of another group may be older than its next.
                            break;
                        }
                    }
                    next = number + 1;
                }
            }
        });
        expired.into_iter().for_each(|slot| self.expire(slot, now));
        if busy && taken.is_empty() { Err(Busy) } else { Ok(taken) }
    }

    /// Receives up to `max` messages. *Busy* only where there is not one.
    #[cold]
    pub(super) fn receive_from_groups(
        &self,
        groups: &Groups,
        max: usize,
        deadline: Millis,
        now: Millis,
        received: &mut Vec<Delivery>,
    ) -> Result<(), TryReceiveError> {
        // No more than there seem to be, as in `receive_batch`.
        let in_groups = usize::try_from(groups.ready()).unwrap_or(usize::MAX);
        let reserved = self.reserve_in_flight(max.min(in_groups.max(1)));
        let taken = self.take_from_groups(groups, reserved, now);
        let unused = reserved - taken.as_ref().map_or(0, Vec::len);
        // ORDERING: SeqCst, as in `reserve_in_flight`.
        self.gone.in_flight.fetch_sub(unused as u64, Ordering::SeqCst);
        let taken = taken?;
        if taken.is_empty() {
            return Err(TryReceiveError::Empty);
        }
        received.extend(taken.into_iter().map(|slot| self.deliver(slot, deadline, now)));
        Ok(())
    }

    /// As `next_ready`.
    #[cold]
    pub(super) fn next_in_groups(
        &self,
        groups: &Groups,
        now: Millis,
    ) -> Result<Option<Taken<'_, Stored>>, Busy> {
        Ok(self.take_from_groups(groups, 1, now)?.pop())
    }

    /// Leaves a message ready in its place.
    #[cold]
    pub(super) fn make_ready_in_group(
        &self,
        groups: &Groups,
        mut slot: Taken<'_, Stored>,
        expires_at: Millis,
    ) {
        let (number, index) = (slot.number(), slot.index());
        let message = slot.with(|stored| stored.message.clone());
        groups.with(|order| {
            groups.set(order, group_of(&message), number, Some(Place::Ready(index)));
            self.leave_ready(slot, expires_at);
        });
    }

    /// A message leaves its group, for whatever is behind it to be received. Before its slot is another's.
    #[inline]
    pub(super) fn leave_group(&self, message: &Message, number: u64) {
        if let Some(groups) = &self.groups {
            groups.with(|order| groups.set(order, group_of(message), number, None));
        }
    }
}
