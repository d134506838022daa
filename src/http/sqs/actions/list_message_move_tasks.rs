//! `ListMessageMoveTasks`: the last tasks of a queue, the newest first.

use std::borrow::Cow;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::Output;
use crate::broker::{MoveStatus, MoveTask};
use crate::http::sqs::absent;
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::SqsError;
use crate::http::sqs::limits::MOVE_TASKS;
use crate::http::sqs::number::Number;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Request<'request> {
    #[serde(borrow, deserialize_with = "absent::text")]
    source_arn: Cow<'request, str>,
    max_results: Option<Number>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    results: Vec<Task>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Task {
    /// Only while it can be cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    task_handle: Option<String>,
    status: &'static str,
    source_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_number_of_messages_per_second: Option<u32>,
    approximate_number_of_messages_moved: u64,
    approximate_number_of_messages_to_move: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<String>,
    /// Milliseconds since 1970.
    started_timestamp: u64,
}

impl Output for Answer {}

pub(super) async fn run(call: &Call, request: Request<'_>) -> Result<Answer, SqsError> {
    let source = call.queue_of_arn("SourceArn", &request.source_arn, None)?;
    let reason = || format!("Must be >= 1 and <= {MOVE_TASKS}, if provided.");
    let max = request.max_results.unwrap_or(Number(1));
    let max = max.within("MaxResults", 1, MOVE_TASKS, reason)? as usize;
    let tasks = call.broker().moves_of(&source);
    Ok(Answer { results: tasks.iter().take(max).map(|task| tell(call, task)).collect() })
}

fn tell(call: &Call, task: &MoveTask) -> Task {
    let status = task.status();
    let started = task.started_at().duration_since(UNIX_EPOCH).unwrap_or_default();
    Task {
        task_handle: (status == MoveStatus::Running).then(|| task.handle().to_owned()),
        status: match status {
            MoveStatus::Running => "RUNNING",
            MoveStatus::Completed => "COMPLETED",
            MoveStatus::Cancelling => "CANCELLING",
            MoveStatus::Cancelled => "CANCELLED",
            MoveStatus::Failed => "FAILED",
        },
        source_arn: call.arn(task.source().as_str()),
        destination_arn: task.destination().map(|name| call.arn(name.as_str())),
        max_number_of_messages_per_second: task.rate(),
        approximate_number_of_messages_moved: task.moved(),
        approximate_number_of_messages_to_move: task.to_move(),
        failure_reason: task.failure(),
        started_timestamp: u64::try_from(started.as_millis()).unwrap_or(u64::MAX),
    }
}
