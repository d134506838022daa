//! What a queue is like, for whoever watches all of them: without its settings, without a copy.

use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

use super::named::Named;
use super::refusals::Refusals;
use super::{Broker, lock};
use crate::queue::{Counts, Histogram, Millis, Tallied};

/// What only grows. Two of them can be added, and what grew from one to the next be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// By [`Counter::ALL`].
    pub counters: [u64; Counter::ALL.len()],
    /// By [`Refused::ALL`](super::Refused::ALL).
    pub refusals: Refusals,
    /// By [`Timing::ALL`].
    pub histograms: [Histogram; Timing::ALL.len()],
}

/// What happens to messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// A message was sent.
    Sent,
    /// A message was delivered.
    Received,
    /// A message was acknowledged, or taken for good.
    Acked,
    /// A consumer gave a message back.
    Released,
    /// A lease ran out.
    LeaseEnds,
    /// A message's time was over.
    Expired,
    /// A message made room for a newer one.
    Dropped,
    /// A message was received too often.
    DeadLetters,
    /// An operator removed a message.
    Purged,
    /// An operator moved a message to another queue.
    Redriven,
}

impl Counter {
    /// All of them, in the order in which [`Totals`] has them.
    pub const ALL: [Self; 10] = [
        Self::Sent,
        Self::Received,
        Self::Acked,
        Self::Released,
        Self::LeaseEnds,
        Self::Expired,
        Self::Dropped,
        Self::DeadLetters,
        Self::Purged,
        Self::Redriven,
    ];

    fn of(self, counts: &Counts) -> u64 {
        match self {
            Self::Sent => counts.sent,
            Self::Received => counts.received,
            Self::Acked => counts.acked,
            Self::Released => counts.released,
            Self::LeaseEnds => counts.lease_ends,
            Self::Expired => counts.expired,
            Self::Dropped => counts.dropped,
            Self::DeadLetters => counts.dead_letters,
            Self::Purged => counts.purged,
            Self::Redriven => counts.redriven,
        }
    }
}

/// What takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// From send to first delivery, in milliseconds.
    InQueue,
    /// From delivery to ack, in milliseconds.
    Lease,
    /// From the send that served a parked receive until that went on, in nanoseconds.
    Wake,
}

impl Timing {
    /// All of them, in the order in which [`Totals`] has them.
    pub const ALL: [Self; 3] = [Self::InQueue, Self::Lease, Self::Wake];

    fn of(self, tallied: &Tallied) -> Histogram {
        match self {
            Self::InQueue => tallied.time_in_queue,
            Self::Lease => tallied.lease,
            Self::Wake => tallied.wake,
        }
    }
}

impl Totals {
    fn pairs<'a>(&'a mut self, other: &'a Self) -> impl Iterator<Item = (&'a mut u64, u64)> {
        let histograms = self.histograms.iter_mut().zip(&other.histograms);
        let histograms = histograms.flat_map(|(one, two)| {
            let sums = std::iter::once((&mut one.sum, two.sum));
            one.buckets.iter_mut().zip(two.buckets).chain(sums)
        });
        let counters = self.counters.iter_mut().zip(other.counters);
        counters.chain(self.refusals.iter_mut().zip(other.refusals)).chain(histograms)
    }

    /// How much each has grown since `before`.
    #[must_use]
    pub fn since(mut self, before: &Self) -> Self {
        self.pairs(before).for_each(|(now, before)| *now = now.saturating_sub(before));
        self
    }

    /// The greater one of each.
    #[must_use]
    pub fn or_more(mut self, other: &Self) -> Self {
        self.pairs(other).for_each(|(one, two)| *one = two.max(*one));
        self
    }

    /// One of the counters.
    pub fn counter(&self, counter: Counter) -> u64 {
        self.counters[counter as usize]
    }

    /// One of the histograms.
    pub fn histogram(&self, timing: Timing) -> &Histogram {
        &self.histograms[timing as usize]
    }
}

impl AddAssign<&Self> for Totals {
    fn add_assign(&mut self, other: &Self) {
        self.pairs(other).for_each(|(one, two)| *one += two);
    }
}

/// What a queue is like at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// How many messages are where.
    pub counts: Counts,
    /// How many there may be.
    pub capacity: u64,
    /// Whether receives are stopped.
    pub paused: bool,
    /// How long ago the first message in line was sent; `None` if there is none.
    pub oldest_age: Option<Duration>,
    /// What only grows.
    pub totals: Totals,
}

/// All queues at one moment, and what those left behind that are gone.
pub struct Census {
    /// The queues.
    pub queues: Vec<Arc<Named>>,
    /// Queues that were made so far: each has a [serial](Named::serial) below.
    pub made: u64,
    /// What was counted of queues that were deleted.
    pub departed: Totals,
}

impl Named {
    /// How many queues of this broker were made before.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// Messages that came, and messages that went.
    pub fn moved_messages(&self) -> u64 {
        self.queue.moved_messages()
    }

    pub(super) fn totals(&self, counts: &Counts) -> Totals {
        let tallied = self.queue.tallied();
        Totals {
            counters: Counter::ALL.map(|counter| counter.of(counts)),
            refusals: self.refusals.read(),
            histograms: Timing::ALL.map(|timing| timing.of(&tallied)),
        }
    }

    /// What it is like now.
    pub fn figures(&self, now: Millis) -> Figures {
        let counts = self.queue.counts();
        Figures {
            counts,
            capacity: self.queue.capacity(),
            paused: self.queue.is_paused(),
            oldest_age: self.queue.oldest_ready(now).map(|sent_at| now.since(sent_at)),
            totals: self.totals(&counts),
        }
    }
}

impl Broker {
    /// All queues, in no order. A queue is among them or what it left behind is, not both.
    pub fn census(&self) -> Census {
        let control = lock(&self.control);
        Census {
            queues: self.queues.pin().values().cloned().collect(),
            made: control.made,
            departed: control.departed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_added_and_subtracted_place_by_place() {
        let mut one = Totals::default();
        let mut count = 0;
        let numbered = Totals::default();
        one.pairs(&numbered).for_each(|(place, _)| {
            count += 1;
            *place = count;
        });
        assert_eq!(count as usize * size_of::<u64>(), size_of::<Totals>());
        let mut two = one;
        two += &one;
        assert_eq!(two.since(&one), one);
        assert_eq!(one.or_more(&two), two);
        assert_eq!(two.or_more(&one), two);
        assert_eq!(one.since(&two), Totals::default());
    }
}
