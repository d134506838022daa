//! `ListDeadLetterSourceQueues`: the queues whose dead letters a queue takes, in pages.

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
    queue_url: Cow<'request, str>,
    max_results: Option<Number>,
    #[serde(borrow, deserialize_with = "absent::text")]
    next_token: Cow<'request, str>,
}

#[derive(Serialize)]
pub(super) struct Answer {
    // Lower case in the model, and there even if there are none.
    #[serde(rename = "queueUrls")]
    queue_urls: Vec<String>,
    #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Output for Answer {}

pub(super) async fn run(call: &Call, request: Request<'_>) -> Result<Answer, SqsError> {
    let queue = call.queue(&request.queue_url)?;
    let sources = call.broker().dead_letter_sources(queue.name());
    let names = sources.iter().map(ToString::to_string);
    let names = names.filter(|name| call.caller.sees(name)).collect();
    let (names, next_token) = page::cut(names, request.max_results, &request.next_token)?;
    Ok(Answer { queue_urls: names.iter().map(|name| call.url(name)).collect(), next_token })
}
