//! Why the broker said no: what every face tells in its own words.

use std::time::Duration;

use thiserror::Error;

use super::name::InvalidName;
use super::tasks::MoveError;
use super::{QueueName, QueueSettings};
use crate::queue::{LeaseError, ResizeError, SendRefusal};
use crate::ring::CapacityError;

/// Why an operation was not carried out. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// A text is no name of a queue.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// There is no such queue.
    #[error("there is no queue `{0}`")]
    NotFound(QueueName),
    /// There is such a queue, and it was to be made.
    #[error("there is a queue `{name}` already")]
    AlreadyExists {
        /// Its name.
        name: QueueName,
        /// What it is like.
        settings: Box<QueueSettings>,
    },
    /// The message was not queued for want of room; it may fit later.
    #[error("{refusal}")]
    Full {
        /// Which bound it met.
        refusal: SendRefusal,
        /// When there should be room again.
        retry_after: Duration,
    },
    /// The message can never be queued here.
    #[error("{0}")]
    TooLarge(SendRefusal),
    /// A receipt was not accepted.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// An idempotency key came with another payload than before.
    #[error("the idempotency key was used for another message")]
    KeyConflict,
    /// The first send with this idempotency key is not done.
    #[error("a send with this idempotency key is under way")]
    KeyInProgress,
    /// The capacity cannot be changed so.
    #[error(transparent)]
    Resize(#[from] ResizeError),
    /// A queue of this capacity cannot be made.
    #[error("{0}")]
    Capacity(CapacityError),
    /// A setting makes no sense where it stands.
    #[error("`{field}` {problem}")]
    Setting {
        /// Which one.
        field: &'static str,
        /// Why.
        problem: String,
    },
    /// A move task was not started or stopped.
    #[error(transparent)]
    Move(#[from] MoveError),
    /// The queue of the classic face stays.
    #[error("the queue `default` belongs to the classic routes and cannot be deleted")]
    Undeletable,
    /// The queue takes the dead letters of another one, which would wait for ever.
    #[error(
        "the queue `{name}` is the dead_letter of `{by}` and cannot be deleted before that changes"
    )]
    InUse {
        /// Which one.
        name: QueueName,
        /// The other one.
        by: QueueName,
    },
    /// The server is about to stop.
    #[error("the server is stopping and takes no more messages")]
    Draining,
}
