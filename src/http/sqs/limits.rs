//! The service's limits, by name: as Amazon has them, or lifted where nothing here needs them. How long
//! names, ids and labels may be stands where they are checked.

use std::ops::RangeInclusive;

/// Which limits hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LimitsKind {
    /// Those of Amazon SQS.
    #[default]
    Strict,
    /// Wider ones, where a limit is the service's choice and no need of the protocol.
    Relaxed,
}

/// The limits of this face. Whatever is not here is the same in both.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// Entries of a batch.
    pub(super) batch_entries: usize,
    /// Bytes of all messages of a batch together.
    pub(super) batch_bytes: u64,
    /// Messages of one receive.
    pub(super) receive_messages: i64,
    /// How long a receive may wait, in seconds.
    pub(super) wait_seconds: i64,
    /// How long a message may be delayed, in seconds.
    pub(super) delay_seconds: i64,
    /// What `MaximumMessageSize` may be.
    pub(super) message_bytes: RangeInclusive<i64>,
    /// What `MessageRetentionPeriod` may be, in seconds.
    pub(super) retention_seconds: RangeInclusive<i64>,
    /// Attributes of one message.
    pub(super) message_attributes: usize,
}

/// Entries of a batch that any limits allow.
pub(super) const MOST_ENTRIES: usize = 1000;
/// The longest visibility timeout, in seconds; the broker's longest lease too.
pub(super) const VISIBILITY_SECONDS: i64 = 43_200;
/// Queues or tasks of one page.
pub(super) const PAGE: i64 = 1000;
/// Tags of a queue.
pub(super) const TAGS: usize = 50;
/// Actions of one permission.
pub(super) const PERMISSION_ACTIONS: usize = 7;
/// Bytes of a policy.
pub(super) const POLICY_BYTES: usize = 8192;
/// Statements of a policy, each of which is a permission.
pub(super) const POLICY_STATEMENTS: usize = 20;
/// How many messages a second a move task may move.
pub(super) const MOVES_PER_SECOND: i64 = 500;
/// Move tasks that are listed.
pub(super) const MOVE_TASKS: i64 = 10;

impl From<LimitsKind> for Limits {
    fn from(kind: LimitsKind) -> Self {
        match kind {
            LimitsKind::Strict => Self {
                batch_entries: 10,
                batch_bytes: 1 << 20,
                receive_messages: 10,
                wait_seconds: 20,
                delay_seconds: 900,
                message_bytes: 1024..=1 << 20,
                retention_seconds: 60..=1_209_600,
                message_attributes: 10,
            },
            LimitsKind::Relaxed => Self {
                batch_entries: MOST_ENTRIES,
                batch_bytes: 1 << 30,
                receive_messages: 1000,
                wait_seconds: 60,
                delay_seconds: 604_800,
                message_bytes: 1..=1 << 30,
                retention_seconds: 1..=315_360_000,
                message_attributes: 100,
            },
        }
    }
}
