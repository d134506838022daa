//! `StartMessageMoveTask`: moves dead letters back to where they came from, or to another queue.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::rt;
use serde::{Deserialize, Serialize};

use super::Output;
use crate::http::auth::Role;
use crate::http::sqs::absent;
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::SqsError;
use crate::http::sqs::limits::MOVES_PER_SECOND;
use crate::http::sqs::number::Number;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Request<'request> {
    #[serde(borrow, deserialize_with = "absent::text")]
    source_arn: Cow<'request, str>,
    #[serde(borrow, deserialize_with = "absent::text")]
    destination_arn: Cow<'request, str>,
    max_number_of_messages_per_second: Option<Number>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    task_handle: String,
}

impl Output for Answer {}

pub(super) async fn run(call: &Call, request: Request<'_>) -> Result<Answer, SqsError> {
    call.refuse_while_draining()?;
    let source = call.queue_of_arn("SourceArn", &request.source_arn, None)?;
    let destination = match &*request.destination_arn {
        "" => None,
        arn => Some(call.queue_of_arn("DestinationArn", arn, Some(Role::Send))?),
    };
    let reason = || format!("Must be >= 1 and <= {MOVES_PER_SECOND}, if provided.");
    let rate = request
        .max_number_of_messages_per_second
        .map(|rate| rate.within("MaxNumberOfMessagesPerSecond", 1, MOVES_PER_SECOND, reason))
        .transpose()?;
    if call.broker().dead_letter_sources(source.name()).is_empty() {
        return Err(SqsError::invalid("Source queue must be configured as a Dead Letter Queue."));
    }
    let destination = destination.as_ref().map(|queue| queue.name().as_str());
    let rate = rate.and_then(|rate| u32::try_from(rate).ok());
    let task = call.broker().start_move(&source, destination, rate)?;

    let (broker, running) = (Arc::clone(&call.worker.broker), Arc::clone(&task));
    rt::spawn(async move { broker.run_move(&running, rt::time::sleep).await });
    Ok(Answer { task_handle: task.handle().to_owned() })
}
