//! `ListQueues`: URLs by name, in pages.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Output;
use crate::http::sqs::absent;
use crate::http::sqs::call::Call;
use crate::http::sqs::errors::SqsError;
use crate::http::sqs::number::Number;
use crate::http::sqs::page;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Request<'request> {
    #[serde(borrow, deserialize_with = "absent::text")]
    queue_name_prefix: Cow<'request, str>,
    max_results: Option<Number>,
    #[serde(borrow, deserialize_with = "absent::text")]
    next_token: Cow<'request, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queue_urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Output for Answer {}

pub(super) async fn run(call: &Call, request: Request<'_>) -> Result<Answer, SqsError> {
    let names = call.broker().queues().into_iter().map(|queue| queue.name().to_string());
    let names = names.filter(|name| name.starts_with(&*request.queue_name_prefix));
    let names = names.filter(|name| call.caller.sees(name)).collect();
    let (names, next_token) = page::cut(names, request.max_results, &request.next_token)?;
    Ok(Answer { queue_urls: names.iter().map(|name| call.url(name)).collect(), next_token })
}
