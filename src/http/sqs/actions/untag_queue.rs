//! `UntagQueue`: removes tags; without that of the capacity, a queue has the server's default.

use std::borrow::Cow;

use serde::Deserialize;

use super::Nothing;
use crate::http::sqs::absent;
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::SqsError;
use crate::http::sqs::tags::{self, CAPACITY};

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Request<'request> {
    #[serde(borrow, deserialize_with = "absent::text")]
    queue_url: Cow<'request, str>,
    #[serde(deserialize_with = "absent::or_default")]
    tag_keys: Vec<String>,
}

pub(super) async fn run(call: &Call, request: Request<'_>) -> Result<Nothing, SqsError> {
    let queue = call.queue(&request.queue_url)?;
    if request.tag_keys.is_empty() {
        return Err(SqsError::missing("TagKeys"));
    }
    let sets_capacity = request.tag_keys.iter().any(|key| key == CAPACITY);
    let capacity = (sets_capacity && queue.labels().contains_key(CAPACITY)).then_some(None);
    tags::change(call, &queue, capacity, |tags| {
        tags.retain(|key, _| !request.tag_keys.contains(key));
    })?;
    Ok(Nothing {})
}
