//! What the messages of a run say: whose they are, and when they were due.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Makes messages and reads them back.
pub(super) struct Payload {
    mark: String,
    size: usize,
    start: Instant,
}

impl Payload {
    /// Messages of so many bytes; times count from `start`.
    pub(super) fn new(size: usize, start: Instant) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let run = now.as_nanos() as u64 ^ u64::from(std::process::id()).rotate_left(48);
        Self { mark: format!("ringmq-load {run:016x} "), size, start }
    }

    /// A message that was due then.
    pub(super) fn message(&self, due: Instant) -> String {
        // To the nanosecond, as the schedule has it: whether a message counts is decided by this.
        let nanos = due.saturating_duration_since(self.start).as_nanos();
        let mut text = format!("{}{nanos} ", self.mark);
        text.extend(std::iter::repeat_n('.', self.size.saturating_sub(text.len())));
        text
    }

    /// When a message was due, if it is one of this run.
    pub(super) fn due(&self, message: &str) -> Option<Instant> {
        let (nanos, _) = message.strip_prefix(&self.mark)?.split_once(' ')?;
        self.start.checked_add(Duration::from_nanos(nanos.parse().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_back_by_its_own_run_only() {
        let start = Instant::now();
        let payload = Payload::new(64, start);
        let due = start + Duration::from_nanos(123_456_789_012);
        let message = payload.message(due);
        assert_eq!((message.len(), payload.due(&message)), (64, Some(due)));
        assert_eq!(payload.due("order 1"), None);
        let other = Payload { mark: "ringmq-load 0 ".into(), size: 64, start };
        assert_eq!(payload.due(&other.message(due)), None);
    }

    #[test]
    fn the_smallest_message_has_room_for_the_longest_run() {
        let start = Instant::now();
        let longest = start + Duration::from_hours(49);
        assert_eq!(Payload::new(64, start).message(longest).len(), 64);
    }
}
