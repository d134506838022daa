//! How long the first message in line has been there, for whoever looks on.
//!
//! The lines say which message comes next only to who takes it. So this looks through the slots; but
//! where nothing was with a consumer or delayed when it did, and the message it found is still ready,
//! that is the oldest without another look: whatever came since is newer. A queue that nobody receives
//! from is so told of in no time, however many messages it holds.

use super::Queue;
use super::time::Millis;
use super::word::State;
use crate::sync::{AtomicU64, Ordering, pause};

/// How often to look at a slot that another thread has for a few instructions.
const LOOKS: u32 = 64;

/// No message is known to be the oldest.
const NONE: u64 = u64::MAX;

/// The slot of the message that was the oldest, and which of the slot's messages.
pub(super) struct Oldest(AtomicU64);

impl Default for Oldest {
    fn default() -> Self {
        Self(AtomicU64::new(NONE))
    }
}

impl Oldest {
    // ORDERING: Relaxed, whether it is still true is asked of the slot.
    fn get(&self) -> Option<(u32, u32)> {
        let bits = self.0.load(Ordering::Relaxed);
        (bits != NONE).then_some((bits as u32, (bits >> 32) as u32))
    }

    fn set(&self, oldest: Option<(u32, u32)>) {
        let bits = oldest.map(|(index, generation)| u64::from(index) | u64::from(generation) << 32);
        self.0.store(bits.unwrap_or(NONE), Ordering::Relaxed);
    }
}

impl Queue {
    /// When the first message in line was sent; `None` if none is ready. Where messages are received
    /// meanwhile, that of one which was ready during the call.
    ///
    /// Takes time in proportion to how many messages there were at most, unless the one that was the
    /// oldest still is.
    pub fn oldest_ready(&self, now: Millis) -> Option<Millis> {
        if self.ready() == 0 {
            return None;
        }
        if let Some((index, generation)) = self.oldest.get()
            && let Some((same, sent_at)) = self.look_at_ready(index, now)
            && same == generation
        {
            return Some(sent_at);
        }
        // ORDERING: SeqCst, before the look at the slots: what is neither with a consumer nor delayed
        // now is ready, gone or newer.
        let others = [&self.gone.in_flight, &self.delayed];
        let only_ready = others.iter().all(|count| count.load(Ordering::SeqCst) == 0);
        let mut oldest: Option<(u64, u32, u32, Millis)> = None;
        for index in 0..self.supply().issued {
            if self.slab.word(index).state() == State::Free {
                continue;
            }
            let number = self.slab.number(index);
            if oldest.is_some_and(|(before, ..)| before < number) {
                continue;
            }
            // At once, because it may be gone when all slots were looked at.
            if let Some((generation, sent_at)) = self.look_at_ready(index, now) {
                oldest = Some((number, index, generation, sent_at));
            }
        }
        let known = oldest.filter(|_| only_ready);
        self.oldest.set(known.map(|(_, index, generation, _)| (index, generation)));
        oldest.map(|(.., sent_at)| sent_at)
    }

    /// Which of its messages a slot holds, and when that was sent, if it is ready and has not expired.
    fn look_at_ready(&self, index: u32, now: Millis) -> Option<(u32, Millis)> {
        for _ in 0..LOOKS {
            let word = self.slab.word(index);
            match word.state() {
                State::Taken => pause(1),
                State::Ready if word.deadline() <= now => return None,
                State::Ready => {
                    let Some(mut slot) = self.slab.take(index, word) else { continue };
                    let sent_at = slot.with(|stored| stored.sent_at);
                    let generation = slot.generation();
                    slot.leave(word.state(), word.deliveries(), word.deadline());
                    return Some((generation, sent_at));
                }
                State::Free | State::Dead | State::InFlight | State::Delayed | State::Dying => {
                    return None;
                }
            }
        }
        None
    }
}
