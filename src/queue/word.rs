//! The one word that says what a slot holds, so that every move of a message is one compare-and-swap.
//!
//! ```text
//! bit 0..3    state
//! bit 3..19   deliveries from this slot, modulo 2^16, over all the messages it ever held
//! bit 19..64  deadline: when the state ends by itself, in milliseconds; all ones for never
//! ```
//!
//! Zero is a free slot. Deliveries are never set back, so the word of a message in flight that a thread
//! read and another one moved on comes again only after 65,536 deliveries from this very slot with the
//! same deadline, that is within one millisecond, in which there is not enough time for them. The
//! words of other states may come again sooner, with the slot's next message: who means one message
//! looks at the generation when it has taken the slot.

use super::time::Millis;

/// What a slot holds and who may touch it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// Nothing; its index is in the free line, or was never handed out.
    Free = 0,
    /// Whatever the one thread that put it into this state makes of it, for a few instructions.
    Taken = 1,
    /// A message whose index is in the ready or the returned line. The deadline is its expiry.
    Ready = 2,
    /// A message that a consumer has. The deadline is the end of its lease.
    InFlight = 3,
    /// A message that becomes ready at its deadline. Its index is in no line.
    Delayed = 4,
    /// Nothing any more, but its index is still in a line; who pops it frees it.
    Dead = 5,
    /// A message received too often, on its way to the dead-letter queue: its index is in that line
    /// or, with a deadline, will be.
    Dying = 6,
}

impl State {
    /// Whether a slot in this state holds a message. A slot that is taken may, but nobody else can
    /// tell.
    pub(super) fn holds_value(self) -> bool {
        match self {
            Self::Free | Self::Dead | Self::Taken => false,
            Self::Ready | Self::InFlight | Self::Delayed | Self::Dying => true,
        }
    }
}

/// See the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Word(pub(super) u64);

const STATE_BITS: u32 = 3;
const DELIVERY_BITS: u32 = 16;
const DEADLINE_SHIFT: u32 = STATE_BITS + DELIVERY_BITS;
const NEVER: u64 = u64::MAX >> DEADLINE_SHIFT;

impl Word {
    pub(super) fn new(state: State, deliveries: u16, deadline: Millis) -> Self {
        let deadline = deadline.0.min(NEVER);
        Self(state as u64 | u64::from(deliveries) << STATE_BITS | deadline << DEADLINE_SHIFT)
    }

    pub(super) fn state(self) -> State {
        match self.0 & ((1 << STATE_BITS) - 1) {
            0 => State::Free,
            1 => State::Taken,
            2 => State::Ready,
            3 => State::InFlight,
            4 => State::Delayed,
            5 => State::Dead,
            _ => State::Dying,
        }
    }

    pub(super) fn deliveries(self) -> u16 {
        (self.0 >> STATE_BITS) as u16
    }

    pub(super) fn deadline(self) -> Millis {
        match self.0 >> DEADLINE_SHIFT {
            NEVER => Millis::NEVER,
            deadline => Millis(deadline),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 7] = [
        State::Free,
        State::Taken,
        State::Ready,
        State::InFlight,
        State::Delayed,
        State::Dead,
        State::Dying,
    ];

    #[test]
    fn what_goes_in_comes_out() {
        for state in STATES {
            for deliveries in [0, 1, u16::MAX] {
                for deadline in [Millis(0), Millis(1), Millis(1 << 40), Millis::NEVER] {
                    let word = Word::new(state, deliveries, deadline);
                    let parts = (word.state(), word.deliveries(), word.deadline());
                    assert_eq!(parts, (state, deliveries, deadline));
                }
            }
        }
    }

    #[test]
    fn zeroed_memory_is_a_free_slot() {
        assert_eq!(Word(0), Word::new(State::Free, 0, Millis(0)));
    }

    #[test]
    fn a_deadline_beyond_a_thousand_years_is_never() {
        assert_eq!(Word::new(State::Ready, 0, Millis(1 << 60)).deadline(), Millis::NEVER);
    }
}
