//! `SetQueueAttributes`: changes those that are given.

use std::borrow::Cow;

use serde::Deserialize;

use super::Nothing;
use crate::broker::DeclareMode;
use crate::http::sqs::absent;
use crate::http::sqs::attributes::{About, Attributes, Changes};
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::SqsError;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Request<'request> {
    #[serde(borrow, deserialize_with = "absent::text")]
    queue_url: Cow<'request, str>,
    #[serde(deserialize_with = "absent::or_default")]
    attributes: Attributes,
}

pub(super) async fn run(call: &Call, request: Request<'_>) -> Result<Nothing, SqsError> {
    let queue = call.queue(&request.queue_url)?;
    if request.attributes.is_empty() {
        return Err(SqsError::missing("Attribute.Name"));
    }
    let about = About { name: queue.name().as_str(), fifo: queue.is_fifo() };
    let changes = Changes::read(call, about, &request.attributes, &queue.annotations())?;
    changes.apply(call, queue.name(), DeclareMode::Update)?;
    Ok(Nothing {})
}
