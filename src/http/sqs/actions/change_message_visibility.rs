//! `ChangeMessageVisibility`: so many seconds from now; 0 gives the message back at once.

use std::borrow::Cow;

use serde::Deserialize;

use super::Nothing;
use crate::http::sqs::absent;
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::SqsError;
use crate::http::sqs::number::Number;
use crate::http::sqs::receipts;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Request<'request> {
    #[serde(borrow, deserialize_with = "absent::text")]
    queue_url: Cow<'request, str>,
    #[serde(borrow, deserialize_with = "absent::text")]
    receipt_handle: Cow<'request, str>,
    visibility_timeout: Option<Number>,
}

pub(super) async fn run(call: &Call, request: Request<'_>) -> Result<Nothing, SqsError> {
    let queue = call.queue(&request.queue_url)?;
    receipts::change(call, &queue, &request.receipt_handle, request.visibility_timeout)?;
    Ok(Nothing {})
}
