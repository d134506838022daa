//! `TagQueue`: adds tags; that of the capacity resizes the queue.

use std::borrow::Cow;

use serde::Deserialize;

use super::Nothing;
use crate::http::sqs::absent;
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::SqsError;
use crate::http::sqs::tags::{self, Tags};

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Request<'request> {
    #[serde(borrow, deserialize_with = "absent::text")]
    queue_url: Cow<'request, str>,
    #[serde(deserialize_with = "absent::or_default")]
    tags: Tags,
}

pub(super) async fn run(call: &Call, request: Request<'_>) -> Result<Nothing, SqsError> {
    let queue = call.queue(&request.queue_url)?;
    if request.tags.is_empty() {
        return Err(SqsError::missing("Tags"));
    }
    let capacity = tags::check(&request.tags, &queue.labels())?;
    tags::change(call, &queue, capacity.map(Some), |tags| tags.extend(request.tags))?;
    Ok(Nothing {})
}
