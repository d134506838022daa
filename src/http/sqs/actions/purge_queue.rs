//! `PurgeQueue`: removes every message, at once and as often as one likes.

use super::Nothing;
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::SqsError;
use crate::http::sqs::requests::OfQueue;

pub(super) async fn run(call: &Call, request: OfQueue<'_>) -> Result<Nothing, SqsError> {
    let queue = call.queue(&request.queue_url)?;
    call.broker().purge(&queue);
    Ok(Nothing {})
}
