//! What a consumer says of a message by its receipt handle, alone or in a batch.

use std::time::Duration;

use super::call::Call;
use super::errors::SqsError;
use super::limits::VISIBILITY_SECONDS;
use super::number::Number;
use crate::broker::{Error, Named};
use crate::queue::LeaseError;

/// Deletes a message. That it is gone already, or was delivered again, is no error.
pub(super) fn delete(call: &Call, queue: &Named, handle: &str) -> Result<(), SqsError> {
    if handle.is_empty() {
        return Err(SqsError::missing("ReceiptHandle"));
    }
    match call.broker().ack(queue, handle) {
        Err(Error::Lease(LeaseError::Gone)) => Ok(()),
        other => told(queue, handle, other),
    }
}

/// Lets a message be visible again after so many seconds, at once if there are none.
///
/// Where its time is over already, nothing changes, and on a standard queue that is no error.
pub(super) fn change(
    call: &Call,
    queue: &Named,
    handle: &str,
    timeout: Option<Number>,
) -> Result<(), SqsError> {
    if handle.is_empty() {
        return Err(SqsError::missing("ReceiptHandle"));
    }
    let timeout = timeout.ok_or_else(|| SqsError::missing("VisibilityTimeout"))?;
    let reason = || format!("Must be between 0 and {VISIBILITY_SECONDS}.");
    let timeout = timeout.within("VisibilityTimeout", 0, VISIBILITY_SECONDS, reason)?;
    match call.broker().extend(queue, handle, Some(Duration::from_secs(timeout))) {
        Err(Error::Lease(LeaseError::Gone)) => Err(SqsError::value(
            "ReceiptHandle",
            handle,
            "Message does not exist or is not available for visibility timeout change.",
        )),
        other => told(queue, handle, other),
    }
}

/// What both are told of a handle, but for that the message is gone.
fn told(queue: &Named, handle: &str, result: Result<(), Error>) -> Result<(), SqsError> {
    match result {
        Ok(()) => Ok(()),
        Err(Error::Lease(LeaseError::Lost)) if queue.is_fifo() => {
            Err(SqsError::value("ReceiptHandle", handle, "The receipt handle has expired."))
        }
        Err(Error::Lease(LeaseError::Lost)) => Ok(()),
        Err(Error::Lease(LeaseError::Unknown)) => Err(SqsError::no_receipt(handle)),
        Err(other) => Err(other.into()),
    }
}
