//! How long the first message in line has been there, for whoever looks on.
//!
//! This looks at the front of the lines and takes nothing out. The first message of `ready` that has not
//! gone is the first that was sent or came due. `returned` is in the order in which messages came back, so
//! of a number of its first ones the one that was sent first counts.
//!
//! What went while it was in line leaves its place there, and there may be many in a row. They stay what
//! they are, so the next look begins behind them.

use std::sync::PoisonError;

use super::Queue;
use super::line::{Line, Place};
use super::time::Millis;
use super::word::State;
use crate::sync::{Mutex, pause};

/// How often to look at a slot that another thread has for a few instructions.
const LOOKS: u32 = 64;

/// How many places in line to look at at once, and of messages that came back how many are compared.
const A_LOOK: usize = 64;

/// How many times that in one call, while there are only places of what has gone.
const MOST_LOOKS: usize = 1024;

/// Of each line the place that everything before is gone from.
#[derive(Default)]
pub(super) struct Oldest(Mutex<[Place; 2]>);

/// What is in a slot whose index is in line.
#[derive(Clone, Copy, Debug)]
enum Found {
    /// A message that is ready: its number, and when it was sent.
    Ready(u64, Millis),
    /// Nothing that will ever be received from this place in line.
    Gone,
    /// Whatever another thread makes of it.
    Taken,
}

impl Queue {
    /// When the first message in line was sent; `None` if none is ready. Of messages that came back, the
    /// one of the first 64 in line that was sent first; of a FIFO queue, the first of all that are ready,
    /// also where others of their group stand before them. Where messages are received meanwhile, that of one
    /// which was ready during the call.
    ///
    /// Takes time in proportion to the messages that expired, or were acknowledged late, at the front of the
    /// line since the last call, and to nothing else.
    pub fn oldest_ready(&self, now: Millis) -> Option<Millis> {
        if self.ready() == 0 {
            return None;
        }
        if let Some(groups) = &self.groups {
            let mut first = groups.first_ready(A_LOOK).into_iter();
            return first.find_map(|(number, index)| match self.look_in_line(index, now) {
                Found::Ready(same, sent_at) if same == number => Some(sent_at),
                _ => None,
            });
        }
        let mut passed = self.oldest.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [returned, ready] = &mut *passed;
        let returned = self.oldest_in(&self.returned, returned, A_LOOK, now);
        let ready = self.oldest_in(&self.ready, ready, 1, now);
        returned.into_iter().chain(ready).min()
    }

    /// When the one that was sent first of the first `most` messages in a line was sent, and if fewer are in
    /// the places looked at, of those.
    fn oldest_in(
        &self,
        line: &Line,
        passed: &mut Place,
        most: usize,
        now: Millis,
    ) -> Option<Millis> {
        let (mut oldest, mut received) = (None, None);
        let (mut from, mut all_gone, mut count) = (*passed, true, 0);
        for _ in 0..MOST_LOOKS {
            let seen = line.peek(from, A_LOOK);
            if seen.is_empty() {
                break;
            }
            for in_line in seen {
                match self.look_in_line(in_line.index, now) {
                    // What is still in line was in the slot all the time.
                    Found::Ready(_, sent_at) if line.holds(in_line.place) => {
                        oldest = oldest.into_iter().chain([sent_at]).min();
                        (all_gone, count) = (false, count + 1);
                    }
                    Found::Ready(_, sent_at) => received = Some(sent_at),
                    Found::Gone => {}
                    Found::Taken => all_gone = false,
                }
                if count == most {
                    return oldest;
                }
                from = in_line.next;
                if all_gone {
                    *passed = from;
                }
            }
            if oldest.is_some() {
                break;
            }
        }
        oldest.or(received)
    }

    fn look_in_line(&self, index: u32, now: Millis) -> Found {
        for _ in 0..LOOKS {
            let word = self.slab.word(index);
            match word.state() {
                State::Taken => pause(1),
                State::Ready if word.deadline() <= now => return Found::Gone,
                State::Ready => {
                    let Some(mut slot) = self.slab.take(index, word) else { continue };
                    let (number, sent_at) = (slot.number(), slot.with(|stored| stored.sent_at));
                    slot.leave(word.state(), word.deliveries(), word.deadline());
                    return Found::Ready(number, sent_at);
                }
                State::Free | State::Dead | State::InFlight | State::Delayed | State::Dying => {
                    return Found::Gone;
                }
            }
        }
        Found::Taken
    }
}
