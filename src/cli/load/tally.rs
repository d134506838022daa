//! What one connection saw, and all of them together.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::super::client::CallError;

/// Times in microseconds, to three digits.
#[derive(Clone)]
pub(super) struct Times(pub(super) Histogram<u32>);

impl Default for Times {
    fn default() -> Self {
        Self(Histogram::new(3).expect("three digits are allowed"))
    }
}

impl Times {
    pub(super) fn record(&mut self, time: Duration) {
        // It grows as it needs to.
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let _ = self.0.record(micros);
    }

    fn add(&mut self, other: &Self) {
        // The same digits, and room as it needs.
        let _ = self.0.add(&other.0);
    }
}

/// The figures of one thread: nobody else writes them.
#[derive(Default)]
pub(super) struct Tally {
    /// Requests that went well and count, and how many messages they moved.
    pub(super) answered: u64,
    pub(super) messages: u64,
    /// Of them those answered before the schedule ended.
    pub(super) messages_in_time: u64,
    /// When the last answer came.
    pub(super) last: Option<Instant>,
    /// Receives that found nothing.
    pub(super) empty: u64,
    /// Requests that were due and not sent, because somebody ended the run.
    pub(super) not_sent: u64,
    /// Requests that failed, by why.
    pub(super) errors: BTreeMap<String, u64>,
    /// From due to answer, and from sent to answer.
    pub(super) response: Times,
    pub(super) service: Times,
    /// From due to sent, where a connection was free and only this program can be late.
    pub(super) lag: Times,
    /// From due to received by a consumer.
    pub(super) end_to_end: Times,
    pub(super) received: u64,
    /// Received messages of others.
    pub(super) strange: u64,
    /// Failures of consumers, by why.
    pub(super) consumer_errors: BTreeMap<String, u64>,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.messages += other.messages;
        self.messages_in_time += other.messages_in_time;
        self.last = self.last.max(other.last);
        self.empty += other.empty;
        self.not_sent += other.not_sent;
        self.received += other.received;
        self.strange += other.strange;
        for (mine, theirs) in
            [(&mut self.errors, &other.errors), (&mut self.consumer_errors, &other.consumer_errors)]
        {
            for (why, count) in theirs {
                *mine.entry(why.clone()).or_default() += count;
            }
        }
        self.response.add(&other.response);
        self.service.add(&other.service);
        self.lag.add(&other.lag);
        self.end_to_end.add(&other.end_to_end);
    }

    /// Counts a failed request.
    pub(super) fn failed(&mut self, why: impl Into<String>) {
        *self.errors.entry(why.into()).or_default() += 1;
    }

    /// How many requests failed.
    pub(super) fn failures(&self) -> u64 {
        self.errors.values().sum()
    }

    /// How many requests were due, whatever became of them.
    pub(super) fn requests(&self) -> u64 {
        self.answered + self.failures() + self.not_sent
    }

    /// How often consumers failed.
    pub(super) fn consumer_failures(&self) -> u64 {
        self.consumer_errors.values().sum()
    }
}

/// A failure in a word or two, so that equal ones are counted together.
pub(super) fn kind(error: &CallError) -> String {
    match error {
        CallError::Refused { status, code, .. } => format!("{status} {code}"),
        CallError::Unreachable { why, .. } => format!("unreachable: {why}"),
        CallError::Strange { why, .. } => format!("no answer of ringmq: {why}"),
        CallError::Unusable(why) => why.clone(),
    }
}

/// What can be seen while it runs.
#[derive(Default)]
pub(super) struct Live {
    pub(super) messages: AtomicU64,
    pub(super) received: AtomicU64,
    pub(super) errors: AtomicU64,
}

impl Live {
    pub(super) fn count(counter: &AtomicU64, more: u64) {
        counter.fetch_add(more, Ordering::Relaxed);
    }
}

/// The moments of one request.
#[derive(Clone, Copy)]
pub(super) struct Moments {
    pub(super) due: Instant,
    pub(super) sent: Instant,
    pub(super) done: Instant,
}

impl Tally {
    /// Notes the times of a request, however it ended: one that failed late was late too.
    pub(super) fn times(&mut self, moments: Moments, was_free: bool) {
        self.response.record(moments.done.saturating_duration_since(moments.due));
        self.service.record(moments.done.saturating_duration_since(moments.sent));
        if was_free {
            self.lag.record(moments.sent.saturating_duration_since(moments.due));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_counts_from_due_and_service_from_sent() {
        let due = Instant::now();
        let ms = Duration::from_millis;
        let mut tally = Tally::default();
        tally.times(Moments { due, sent: due + ms(900), done: due + ms(1000) }, false);
        tally.times(Moments { due, sent: due + ms(1), done: due + ms(3) }, true);
        let around = |times: &Times, ms: u64| {
            let max = times.0.max();
            assert!(max.abs_diff(ms * 1000) <= ms, "{max}");
        };
        around(&tally.response, 1000);
        around(&tally.service, 100);
        around(&tally.lag, 1);
        assert_eq!(tally.lag.0.len(), 1);
    }

    #[test]
    fn parts_add_up() {
        let mut part = Tally { answered: 2, messages: 3, ..Tally::default() };
        part.failed("429 queue_full");
        part.response.record(Duration::from_millis(5));
        let mut all = Tally::default();
        all.add(&part);
        all.add(&part);
        assert_eq!((all.answered, all.messages, all.failures()), (4, 6, 2));
        assert_eq!(all.response.0.len(), 2);
    }
}
