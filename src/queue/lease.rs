//! What a consumer does with a delivery: acknowledge it, keep it for longer, or give it back.

use std::time::Duration;

use super::message::{Delivery, Receipt, Stored};
use super::slab::Taken;
use super::time::Millis;
use super::word::{State, Word};
use super::{LeaseError, Queue};
use crate::sync::{Ordering, pause, yield_now};

/// How often to look at a slot that another thread has, before the processor is offered to it.
const LOOKS: u32 = 64;

impl Queue {
    /// Acknowledges a delivery: the message is gone.
    ///
    /// A receipt is valid until its message is delivered again, also after its lease ran out; of a FIFO
    /// queue only until then.
    ///
    /// # Errors
    /// [`LeaseError`]: nothing was changed.
    pub fn ack(&self, receipt: Receipt, now: Millis) -> Result<(), LeaseError> {
        let (mut slot, word) = self.claim(receipt, |word| self.acknowledgeable(word, now))?;
        let gone = slot.remove();
        self.tally.acked(had_lease(word).then(|| gone.millis_received(now)));
        self.count_gone(1, gone.message.size(), now);
        self.leave_empty(slot, word, &gone.message);
        self.after_change(now);
        // Last, because it frees memory.
        drop(gone);
        Ok(())
    }

    /// Lets the delivery's lease end `lease` from now; zero gives the message back at once.
    ///
    /// # Errors
    /// [`LeaseError`]: nothing was changed. A lease that has run out is lost.
    pub fn extend(&self, receipt: Receipt, lease: Duration, now: Millis) -> Result<(), LeaseError> {
        if lease.is_zero() {
            return self.release(receipt, Duration::ZERO, now);
        }
        let deadline = now.after(lease);
        loop {
            let word = self.find(receipt)?;
            in_flight(word, now)?;
            if self.slab.set_deadline(receipt.id.slot, word, deadline) {
                if self.slab.note(receipt.id.slot, deadline) {
                    self.ring_alarm(deadline);
                }
                return Ok(());
            }
        }
    }

    /// When the lease of a delivery ends; `None` if the message is not in flight by it.
    pub fn lease_end(&self, receipt: Receipt) -> Option<Millis> {
        let word = self.find(receipt).ok()?;
        (word.state() == State::InFlight).then(|| word.deadline())
    }

    /// Hands deliveries out once more, by the same receipts, for `lease` from now: if all of them are in
    /// flight and their leases end when it is said, and so nobody has touched them. Where somebody just
    /// does, some leases may have begun anew, and the answer is `None` all the same.
    pub fn renew(
        &self,
        leased: &[(Receipt, Millis)],
        lease: Duration,
        now: Millis,
    ) -> Option<Vec<Delivery>> {
        let is_untouched = |(receipt, end): &(Receipt, Millis)| {
            *end > now && self.lease_end(*receipt) == Some(*end)
        };
        if !leased.iter().all(is_untouched) {
            return None;
        }
        let again = leased.iter().map(|(receipt, _)| {
            self.extend(*receipt, lease, now).ok()?;
            self.find_message(receipt.id, now).filter(|look| look.receipt == *receipt)
        });
        again.collect()
    }

    /// Gives the message back, to be ready again after `delay`.
    ///
    /// # Errors
    /// [`LeaseError`]: nothing was changed. A lease that has run out is lost.
    pub fn release(
        &self,
        receipt: Receipt,
        delay: Duration,
        now: Millis,
    ) -> Result<(), LeaseError> {
        let (slot, _) = self.claim(receipt, |word| in_flight(word, now))?;
        self.tally.released();
        self.give_back(slot, delay, now);
        self.after_change(now);
        Ok(())
    }

    /// Gives back, to the front and not counted, a delivery that never reached its consumer.
    ///
    /// # Errors
    /// [`LeaseError`]: nothing was changed.
    pub fn take_back(&self, receipt: Receipt, now: Millis) -> Result<(), LeaseError> {
        self.put_back(receipt, now)?;
        self.after_change(now);
        Ok(())
    }

    pub(super) fn put_back(&self, receipt: Receipt, now: Millis) -> Result<(), LeaseError> {
        let in_flight = |word: Word| match word.state() {
            State::InFlight => Ok(()),
            _ => Err(LeaseError::Lost),
        };
        let (mut slot, _) = self.claim(receipt, in_flight)?;
        let expires_at = slot.with(|stored| {
            stored.receive_count -= 1;
            if stored.receive_count == 0 {
                stored.first_received_at = Millis::NEVER;
            }
            stored.expires_at
        });
        self.gone.in_flight.fetch_sub(1, Ordering::SeqCst);
        if expires_at <= now {
            self.expire(slot, now);
        } else {
            self.make_ready(slot, &self.returned, expires_at);
        }
        Ok(())
    }

    /// Ends a lease: the message is ready again, delayed, expired or dead.
    pub(super) fn give_back(&self, mut slot: Taken<'_, Stored>, delay: Duration, now: Millis) {
        let (receive_count, expires_at) =
            slot.with(|stored| (stored.receive_count, stored.expires_at));
        self.gone.in_flight.fetch_sub(1, Ordering::SeqCst);
        if expires_at <= now {
            self.expire(slot, now);
        } else if receive_count >= self.knobs.max_receives() {
            if self.is_fifo() {
                let message = slot.with(|stored| stored.message.clone());
                self.leave_group(&message, slot.number());
            }
            self.letters.fetch_add(1, Ordering::SeqCst);
            self.let_die(slot);
        } else if delay.is_zero() {
            self.make_ready(slot, &self.returned, expires_at);
        } else {
            self.delay(slot, now.after(delay));
        }
    }

    /// Whether a delivery that left its message at `word` may be acknowledged.
    pub(super) fn acknowledgeable(&self, word: Word, now: Millis) -> Result<(), LeaseError> {
        // Once it is back in a group its place there is all that keeps those behind it.
        if self.is_fifo() { in_flight(word, now) } else { Ok(()) }
    }

    /// Takes the slot of a delivery that `allowed` lets pass, and says what its word was.
    pub(super) fn claim(
        &self,
        receipt: Receipt,
        allowed: impl Fn(Word) -> Result<(), LeaseError>,
    ) -> Result<(Taken<'_, Stored>, Word), LeaseError> {
        loop {
            let word = self.find(receipt)?;
            allowed(word)?;
            let Some(slot) = self.slab.take(receipt.id.slot, word) else { continue };
            if slot.generation() == receipt.id.generation {
                return Ok((slot, word));
            }
            // The message went and the next one came between the look and the take, with a word that
            // is the same: without a delivery, words do not tell messages of one slot apart.
            slot.leave(word.state(), word.deliveries(), word.deadline());
        }
    }

    /// The word of a slot that holds the message, in the state in which this delivery left it.
    fn find(&self, receipt: Receipt) -> Result<Word, LeaseError> {
        let slot = receipt.id.slot;
        if slot >= self.supply().issued {
            return Err(LeaseError::Unknown);
        }
        let mut looks = 0;
        loop {
            // The word first, so that the generation is not older than it.
            let word = self.slab.word(slot);
            let generation = self.slab.generation(slot);
            if generation != receipt.id.generation {
                // Neither can a generation be ahead of the slot's.
                let past = generation.wrapping_sub(receipt.id.generation) < 1 << 31;
                return Err(if past { LeaseError::Gone } else { LeaseError::Unknown });
            }
            match word.state() {
                State::Taken if looks < LOOKS => pause(1),
                State::Taken => yield_now(),
                // Its generation is that of the next message, so nobody was given that one yet.
                State::Free | State::Dead => return Err(LeaseError::Unknown),
                _ if word.deliveries() != receipt.delivery => return Err(LeaseError::Lost),
                _ => return Ok(word),
            }
            looks += 1;
        }
    }
}

/// Whether the delivery that left its message at `word` was one with a lease. One without is not
/// waited for: it is acknowledged as soon as its consumer has it.
pub(super) fn had_lease(word: Word) -> bool {
    word.state() != State::InFlight || word.deadline() != Millis::NEVER
}

fn in_flight(word: Word, now: Millis) -> Result<(), LeaseError> {
    match word.state() {
        State::InFlight if word.deadline() > now => Ok(()),
        _ => Err(LeaseError::Lost),
    }
}
