//! Why a queue said no. A refused event always comes back.

use thiserror::Error;

use super::Event;

/// Why [`Queue::try_send`](super::Queue::try_send) gave the event back.
#[derive(Debug, Error)]
pub enum TrySendError {
    /// Every place is taken.
    #[error("the queue is full")]
    Full(Event),
    /// There is room, but a receiver is still taking its event out of the place in turn.
    #[error("a receiver has not yet left the place in turn")]
    Busy(Event),
    /// The queue was closed.
    #[error("the queue is closed")]
    Closed(Event),
}

/// Why [`Queue::send`](super::Queue::send) gave the event back.
#[derive(Debug, Error)]
pub enum SendError {
    /// Every place is taken.
    #[error("the queue is full")]
    Full(Event),
    /// The queue was closed.
    #[error("the queue is closed")]
    Closed(Event),
}

/// Why [`Queue::try_receive`](super::Queue::try_receive) returned no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TryReceiveError {
    /// No event is queued.
    #[error("the queue is empty")]
    Empty,
    /// An event is queued, but its sender is still putting it into the place in turn.
    #[error("a sender has not yet left the place in turn")]
    Busy,
    /// The queue was closed and everything in it has been received.
    #[error("the queue is closed and empty")]
    Closed,
}

/// Why [`Queue::receive`](super::Queue::receive) returned no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReceiveError {
    /// No event is queued.
    #[error("the queue is empty")]
    Empty,
    /// The queue was closed and everything in it has been received.
    #[error("the queue is closed and empty")]
    Closed,
}
