//! `GetQueueAttributes`: those that are asked for, as text.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Output;
use crate::http::sqs::absent;
use crate::http::sqs::attributes::{self, Attributes, Present};
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::SqsError;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Request<'request> {
    #[serde(borrow, deserialize_with = "absent::text")]
    queue_url: Cow<'request, str>,
    #[serde(borrow, deserialize_with = "absent::or_default")]
    attribute_names: Vec<Cow<'request, str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    attributes: Attributes,
}

impl Output for Answer {}

pub(super) async fn run(call: &Call, request: Request<'_>) -> Result<Answer, SqsError> {
    let queue = call.queue(&request.queue_url)?;
    let wanted = attributes::wanted(request.attribute_names.iter().map(|name| &**name))?;
    let present = Present::of(call, &queue);
    let attributes = wanted
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), present.get(call, name)?)))
        .collect();
    Ok(Answer { attributes })
}
