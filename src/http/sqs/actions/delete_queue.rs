//! `DeleteQueue`: the queue is gone, with all that was in it.

use super::Nothing;
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::SqsError;
use crate::http::sqs::requests::OfQueue;

pub(super) async fn run(call: &Call, request: OfQueue<'_>) -> Result<Nothing, SqsError> {
    let queue = call.queue(&request.queue_url)?;
    call.broker().delete(queue.name().as_str(), true)?;
    Ok(Nothing {})
}
