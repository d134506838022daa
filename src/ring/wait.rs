//! How long to look away: after a lost claim, and while a neighbour finishes.

use super::claim::Refusal;
use crate::sync::{pause, yield_now};

/// After a claim was lost to another thread.
///
/// The winner is most likely about to claim again. Leaving it the cache line for a while lets it do
/// tens of operations at local speed, where an immediate retry would take the line away each time;
/// so under contention threads take turns in bursts instead of fighting over every claim.
pub(super) struct Contention {
    lost: u32,
}

impl Contention {
    const PAUSES: u32 = 64;
    const MAX_DOUBLINGS: u32 = 2;

    #[inline(always)]
    pub(super) fn new() -> Self {
        Self { lost: 0 }
    }

    #[cold]
    pub(super) fn back_off(&mut self) {
        pause(Self::PAUSES << self.lost.min(Self::MAX_DOUBLINGS));
        self.lost += 1;
    }
}

/// While another thread stands between its claim and its stamp.
///
/// A few line transfers' worth of pauses covers a neighbour that is running; one that is not needs
/// our processor time more than we do, so then it is yielded.
pub(super) struct Neighbour {
    looks: u32,
}

impl Neighbour {
    const PAUSES: u32 = 32;
    const SPINS: u32 = 2;

    pub(super) fn new() -> Self {
        Self { looks: 0 }
    }

    #[cold]
    pub(super) fn wait(&mut self) {
        if self.looks < Self::SPINS {
            pause(Self::PAUSES << self.looks);
            self.looks += 1;
        } else {
            yield_now();
        }
    }
}

/// What is left of a [`Refusal`] once there is nothing to wait for.
pub(super) enum Idle {
    Exhausted,
    Closed,
}

/// Repeats a claim that was refused until it succeeds or is refused for good.
///
/// Out of line and without the value to push or the value popped, so that those stay in registers
/// on the way that does not wait.
#[cold]
#[inline(never)]
pub(super) fn wait_while_busy<C>(
    refusal: Refusal,
    claim: impl Fn() -> Result<C, Refusal>,
) -> Result<C, Idle> {
    let mut neighbour = Neighbour::new();
    let mut refusal = refusal;
    loop {
        match refusal {
            Refusal::Exhausted => return Err(Idle::Exhausted),
            Refusal::Closed => return Err(Idle::Closed),
            Refusal::Busy => neighbour.wait(),
        }
        match claim() {
            Ok(claimed) => return Ok(claimed),
            Err(again) => refusal = again,
        }
    }
}
