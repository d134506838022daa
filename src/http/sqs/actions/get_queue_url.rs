//! `GetQueueUrl`: the URL of a queue, whose owner does not matter here.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Output;
use crate::http::sqs::absent;
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::SqsError;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Request<'request> {
    #[serde(borrow, deserialize_with = "absent::text")]
    queue_name: Cow<'request, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    queue_url: String,
}

impl Output for Answer {}

pub(super) async fn run(call: &Call, request: Request<'_>) -> Result<Answer, SqsError> {
    if request.queue_name.is_empty() {
        return Err(SqsError::missing("QueueName"));
    }
    call.allow(&request.queue_name)?;
    let queue = call.broker().queue(&request.queue_name)?;
    Ok(Answer { queue_url: call.url(queue.name().as_str()) })
}
