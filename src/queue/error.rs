//! Why a queue said no. A refused message always comes back.

use thiserror::Error;

use super::Message;

/// Why [`Queue::try_send`](super::Queue::try_send) gave the message back.
#[derive(Debug, Error)]
#[error("{why}")]
pub struct TrySendError {
    /// What was refused.
    pub message: Message,
    /// Why.
    #[source]
    pub why: SendRefusal,
}

/// Why a message was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SendRefusal {
    /// Every place is taken.
    #[error("the queue holds {capacity} messages, which is all it may")]
    Full {
        /// How many it may hold.
        capacity: u64,
    },
    /// The message does not fit into what is left of the queue's bytes.
    #[error("the queue's messages may have {max_bytes} bytes together, and this one does not fit")]
    FullBytes {
        /// How many bytes its messages may have together.
        max_bytes: u64,
    },
    /// The message does not fit into what is left of the memory for messages.
    #[error(
        "all messages of this server may have {limit} bytes together, and this one does not fit"
    )]
    OutOfMemory {
        /// How many bytes all messages may have together.
        limit: u64,
    },
    /// The message is larger than a message of this queue may be.
    #[error("the message has {size} bytes, and {max_message_bytes} is the most here")]
    TooLarge {
        /// Its size.
        size: u64,
        /// The largest size.
        max_message_bytes: u64,
    },
    /// There is room, but a neighbour must finish first: ask again.
    #[error("another thread is at the place in turn")]
    Busy,
    /// The queue was closed.
    #[error("the queue takes no more messages")]
    Closed,
}

/// Why [`Queue::try_receive`](super::Queue::try_receive) returned nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TryReceiveError {
    /// No message is ready, or as many are in flight as may be, or the queue is paused.
    #[error("no message is ready")]
    Empty,
    /// A message may be ready, but a neighbour must finish first: ask again.
    #[error("another thread is at the message in turn")]
    Busy,
}

/// Why a receipt was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LeaseError {
    /// The message is there, but no longer this consumer's: its lease ran out, or it was delivered
    /// again.
    #[error("the lease is lost: the message is back in line or was delivered again")]
    Lost,
    /// The message is not there any more: acknowledged, expired, dead or purged.
    #[error("the message is gone")]
    Gone,
    /// No message was ever delivered with this receipt.
    #[error("no message was delivered with this receipt")]
    Unknown,
}

/// Why a queue was not resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ResizeError {
    /// It holds more messages than it then could.
    #[error("the queue holds more than {capacity} messages")]
    BelowDepth {
        /// What it should have held at most.
        capacity: u64,
    },
    /// A queue cannot hold so many, or none.
    #[error("the capacity must be from 1 to {}", super::Queue::MAX_CAPACITY)]
    OutOfRange,
}
