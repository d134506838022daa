//! `ListQueueTags`.

use serde::Serialize;

use super::Output;
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::SqsError;
use crate::http::sqs::requests::OfQueue;
use crate::http::sqs::tags::Tags;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    #[serde(skip_serializing_if = "Tags::is_empty")]
    tags: Tags,
}

impl Output for Answer {}

pub(super) async fn run(call: &Call, request: OfQueue<'_>) -> Result<Answer, SqsError> {
    Ok(Answer { tags: call.queue(&request.queue_url)?.labels() })
}
