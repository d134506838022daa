//! `ChangeMessageVisibilityBatch`.

use std::borrow::Cow;

use serde::Deserialize;

use crate::http::sqs::absent;
use crate::http::sqs::batch::{BatchAnswer, Done, Entries};
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::SqsError;
use crate::http::sqs::number::Number;
use crate::http::sqs::receipts;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Request<'request> {
    #[serde(borrow, deserialize_with = "absent::text")]
    queue_url: Cow<'request, str>,
    #[serde(borrow)]
    entries: Entries<Entry<'request>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Entry<'request> {
    #[serde(borrow, deserialize_with = "absent::text")]
    id: Cow<'request, str>,
    #[serde(borrow, deserialize_with = "absent::text")]
    receipt_handle: Cow<'request, str>,
    visibility_timeout: Option<Number>,
}

pub(super) async fn run<'request>(
    call: &Call,
    request: Request<'request>,
) -> Result<BatchAnswer<'request, Done<'request>>, SqsError> {
    let queue = call.queue(&request.queue_url)?;
    let entries = request.entries.check(|entry| &entry.id, call.limits())?;
    let mut answer = BatchAnswer::new();
    for entry in entries {
        let timeout = entry.visibility_timeout;
        let changed = receipts::change(call, &queue, &entry.receipt_handle, timeout);
        answer.note(entry.id, changed);
    }
    Ok(answer)
}
