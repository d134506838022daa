//! `RemovePermission`: out of the queue's `Policy`.

use std::borrow::Cow;

use serde::Deserialize;

use super::Nothing;
use crate::http::sqs::absent;
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::SqsError;
use crate::http::sqs::policy;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Request<'request> {
    #[serde(borrow, deserialize_with = "absent::text")]
    queue_url: Cow<'request, str>,
    #[serde(borrow, deserialize_with = "absent::text")]
    label: Cow<'request, str>,
}

pub(super) async fn run(call: &Call, request: Request<'_>) -> Result<Nothing, SqsError> {
    let queue = call.queue(&request.queue_url)?;
    policy::check_label(&request.label)?;
    let arn = call.arn(queue.name().as_str());
    policy::change(call, &queue, |policy| policy::remove(policy, &request.label, &arn))?;
    Ok(Nothing {})
}
