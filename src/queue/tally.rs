//! What is counted for whoever looks on: deliveries, and how long things took.
//!
//! Every thread counts in a lane of its own, so that no count goes from core to core, and a queue has a
//! lane's counts once a thread counts something of it. Who looks adds the lanes up; each count by itself
//! never falls.

use crossbeam_utils::CachePadded;
use once_cell::race::OnceBox;

use super::message::Delivery;
use super::time::Millis;
use crate::sync::{AtomicU64, LANES, Lane, Ordering, lane};

/// How many bounds a histogram has; above the last one there is one bucket more.
pub const BOUNDS: usize = 18;

/// Bounds of the times in milliseconds: a value is in the first bucket whose bound is not below it.
pub const MILLIS_BOUNDS: [u64; BOUNDS] = [
    1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 1_800_000,
    7_200_000, 43_200_000,
];

/// Bounds of the times in nanoseconds.
pub const NANOS_BOUNDS: [u64; BOUNDS] = [
    1000,
    5000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
];

const BUCKETS: usize = BOUNDS + 1;

/// How many values there were in each bucket, and their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Values by bucket, each counted once.
    pub buckets: [u64; BUCKETS],
    /// All of them together.
    pub sum: u64,
}

impl Histogram {
    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    fn put(&mut self, value: u64, bounds: &[u64; BOUNDS]) {
        self.buckets[bucket(value, bounds)] += 1;
        self.sum += value;
    }
}

/// All that was counted, by every thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tallied {
    /// Deliveries, those that never reached their consumer included.
    pub received: u64,
    /// Messages that a consumer was done with.
    pub acked: u64,
    /// Messages that a consumer gave back.
    pub released: u64,
    /// From send to first delivery, in milliseconds.
    pub time_in_queue: Histogram,
    /// From delivery to ack, in milliseconds; not of what was taken for good at once.
    pub lease: Histogram,
    /// From the send that served a parked receive until that goes on, in nanoseconds.
    pub wake: Histogram,
}

/// The bucket of a value. Most are small.
#[inline]
fn bucket(value: u64, bounds: &[u64; BOUNDS]) -> usize {
    bounds.iter().position(|bound| value <= *bound).unwrap_or(BOUNDS)
}

/// The counts of one queue.
pub(super) struct Tally {
    counts: bool,
    lanes: [OnceBox<CachePadded<Counters>>; LANES],
    /// Few wait, and who does has more to pay for than a count that all threads share.
    wakes: OnceBox<Buckets>,
}

/// What one lane has counted of a queue.
#[derive(Default)]
struct Counters {
    received: AtomicU64,
    acked: AtomicU64,
    released: AtomicU64,
    time_in_queue: Buckets,
    lease: Buckets,
}

#[derive(Default)]
struct Buckets {
    values: [AtomicU64; BUCKETS],
    sum: AtomicU64,
}

impl Buckets {
    fn add_to(&self, histogram: &mut Histogram) {
        for (sum, value) in histogram.buckets.iter_mut().zip(&self.values) {
            *sum += value.load(Ordering::Relaxed);
        }
        histogram.sum += self.sum.load(Ordering::Relaxed);
    }
}

/// The counters of a thread.
#[derive(Clone, Copy)]
struct Own<'tally> {
    lane: Lane,
    counters: &'tally Counters,
}

impl Own<'_> {
    // ORDERING: Relaxed on all counters, which pass nothing on.
    #[inline]
    fn add(self, counter: &AtomicU64, many: u64) {
        if self.lane.is_own() {
            counter.store(counter.load(Ordering::Relaxed) + many, Ordering::Relaxed);
        } else {
            counter.fetch_add(many, Ordering::Relaxed);
        }
    }

    #[inline]
    fn put(self, buckets: &Buckets, value: u64) {
        self.add(&buckets.values[bucket(value, &MILLIS_BOUNDS)], 1);
        if value > 0 {
            self.add(&buckets.sum, value);
        }
    }

    fn put_all(self, buckets: &Buckets, values: &Histogram) {
        let counts = buckets.values.iter().zip(values.buckets);
        counts.filter(|(_, count)| *count > 0).for_each(|(value, count)| self.add(value, count));
        self.add(&buckets.sum, values.sum);
    }
}

/// How long deliveries were with their consumers, of many acks.
#[derive(Default)]
pub(super) struct Leases(Histogram);

impl Leases {
    pub(super) fn put(&mut self, lease: u64) {
        self.0.put(lease, &MILLIS_BOUNDS);
    }
}

impl Tally {
    pub(super) fn new(counts: bool) -> Self {
        Self { counts, lanes: [const { OnceBox::new() }; LANES], wakes: OnceBox::new() }
    }

    pub(super) fn counts(&self) -> bool {
        self.counts
    }

    /// Where this thread counts, if anything is counted.
    #[inline]
    fn own(&self) -> Option<Own<'_>> {
        if !self.counts {
            return None;
        }
        let lane = lane();
        let counters = self.lanes[lane.index()].get_or_init(Box::default);
        Some(Own { lane, counters })
    }

    /// Messages were delivered.
    #[inline]
    pub(super) fn received(&self, deliveries: &[Delivery], now: Millis) {
        if deliveries.is_empty() {
            return;
        }
        let Some(own) = self.own() else { return };
        own.add(&own.counters.received, deliveries.len() as u64);
        let is_first =
            |delivery: &&Delivery| delivery.receive_count == 1 && delivery.first_received_at == now;
        if let [only] = deliveries {
            if is_first(&only) {
                own.put(&own.counters.time_in_queue, millis_since(only.sent_at, now));
            }
            return;
        }
        let mut times = Histogram::default();
        for first in deliveries.iter().filter(is_first) {
            times.put(millis_since(first.sent_at, now), &MILLIS_BOUNDS);
        }
        own.put_all(&own.counters.time_in_queue, &times);
    }

    /// A message was taken for good by who received it, for the first time if it says when it was sent.
    #[inline]
    pub(super) fn taken(&self, sent_at: Option<Millis>, now: Millis) {
        let Some(own) = self.own() else { return };
        own.add(&own.counters.received, 1);
        own.add(&own.counters.acked, 1);
        if let Some(sent_at) = sent_at {
            own.put(&own.counters.time_in_queue, millis_since(sent_at, now));
        }
    }

    /// A message was acknowledged, that long after it was delivered if it was under a lease.
    #[inline]
    pub(super) fn acked(&self, lease: Option<u64>) {
        let Some(own) = self.own() else { return };
        own.add(&own.counters.acked, 1);
        if let Some(lease) = lease {
            own.put(&own.counters.lease, lease);
        }
    }

    /// So many messages were acknowledged in one call.
    pub(super) fn acked_batch(&self, count: u64, leases: &Leases) {
        let Some(own) = self.own().filter(|_| count > 0) else { return };
        own.add(&own.counters.acked, count);
        own.put_all(&own.counters.lease, &leases.0);
    }

    /// A message was given back.
    pub(super) fn released(&self) {
        if let Some(own) = self.own() {
            own.add(&own.counters.released, 1);
        }
    }

    /// A parked receive goes on, so many nanoseconds after it was served.
    pub(super) fn woken(&self, nanos: u64) {
        if self.counts {
            let wakes = self.wakes.get_or_init(Box::default);
            wakes.values[bucket(nanos, &NANOS_BOUNDS)].fetch_add(1, Ordering::Relaxed);
            wakes.sum.fetch_add(nanos, Ordering::Relaxed);
        }
    }

    /// All lanes together.
    pub(super) fn read(&self) -> Tallied {
        let mut all = Tallied::default();
        for counters in self.lanes.iter().filter_map(OnceBox::get) {
            all.received += counters.received.load(Ordering::Relaxed);
            all.acked += counters.acked.load(Ordering::Relaxed);
            all.released += counters.released.load(Ordering::Relaxed);
            counters.time_in_queue.add_to(&mut all.time_in_queue);
            counters.lease.add_to(&mut all.lease);
        }
        if let Some(wakes) = self.wakes.get() {
            wakes.add_to(&mut all.wake);
        }
        all
    }

    /// Of all lanes, what [`Counts`](super::Counts) tells: received, acknowledged, given back.
    pub(super) fn totals(&self) -> [u64; 3] {
        self.lanes.iter().filter_map(OnceBox::get).fold(
            [0; 3],
            |[received, acked, released], own| {
                [
                    received + own.received.load(Ordering::Relaxed),
                    acked + own.acked.load(Ordering::Relaxed),
                    released + own.released.load(Ordering::Relaxed),
                ]
            },
        )
    }
}

fn millis_since(earlier: Millis, now: Millis) -> u64 {
    now.0.saturating_sub(earlier.0)
}
