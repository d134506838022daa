//! `CancelMessageMoveTask`: what was moved stays moved.

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
    task_handle: Cow<'request, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    approximate_number_of_messages_moved: u64,
}

impl Output for Answer {}

pub(super) async fn run(call: &Call, request: Request<'_>) -> Result<Answer, SqsError> {
    if request.task_handle.is_empty() {
        return Err(SqsError::missing("TaskHandle"));
    }
    // The handle begins with the name of the queue that is moved from.
    let source = request.task_handle.rsplit_once('/').map_or("", |(source, _)| source);
    call.allow(source)?;
    let moved = call.broker().cancel_move(&request.task_handle)?;
    Ok(Answer { approximate_number_of_messages_moved: moved })
}
