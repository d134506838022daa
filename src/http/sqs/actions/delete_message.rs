//! `DeleteMessage`: the message is gone, also if it was before.

use std::borrow::Cow;

use serde::Deserialize;

use super::Nothing;
use crate::http::sqs::absent;
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::SqsError;
use crate::http::sqs::receipts;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Request<'request> {
    #[serde(borrow, deserialize_with = "absent::text")]
    queue_url: Cow<'request, str>,
    #[serde(borrow, deserialize_with = "absent::text")]
    receipt_handle: Cow<'request, str>,
}

pub(super) async fn run(call: &Call, request: Request<'_>) -> Result<Nothing, SqsError> {
    let queue = call.queue(&request.queue_url)?;
    receipts::delete(call, &queue, &request.receipt_handle)?;
    Ok(Nothing {})
}
