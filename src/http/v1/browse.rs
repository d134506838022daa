//! Looking at messages without receiving them.

use utoipa::openapi::path::HttpMethod;

use super::call::Call;
use super::delivery;
use crate::http::answer::{Answer, json};
use crate::http::openapi::{Endpoint, schema, tag};
use crate::http::problem::{Code, Problem};

/// The most messages of one answer.
const MOST: u64 = 1000;

/// How many bytes its messages have at most, but for the first: the answer is made on a worker.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// How many, if the request does not say.
const USUAL: u64 = 10;

/// `GET /v1/queues/{q}/messages`: the first messages in line.
pub(super) fn list(call: &Call<'_>) -> Result<Answer, Problem> {
    let [max] = call.parameters(["max"])?;
    let queue = call.queue()?;
    let max = max.number(1, MOST)?.unwrap_or(USUAL);
    let looks = call.broker().browse(queue, max as usize, MOST_BYTES);
    Ok(json(delivery::list(&looks, call.broker().clock().now())))
}

/// `GET /v1/queues/{q}/messages/{id}`: one message, wherever it is.
pub(super) fn get(call: &Call<'_>, id: &str) -> Result<Answer, Problem> {
    call.no_parameters()?;
    let queue = call.queue()?;
    let found = call.broker().find_message(queue, id).ok_or_else(Problem::unknown_message)?;
    let mut body = Vec::new();
    if let Some(look) = found.deliveries().first() {
        delivery::write(&mut body, &found, look, call.broker().clock().now());
        body.push(b'\n');
    }
    Ok(json(body))
}

/// What the document says of these.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let max = schema::count(&(1..=MOST)).default(Some(USUAL.into())).build();
    let get = |path, id, says| Endpoint::v1(HttpMethod::Get, path, id, says).tagged(tag::MESSAGES);
    vec![
        get(
            "/v1/queues/{queue}/messages",
            "browseMessages",
            "Look at messages\nThe first in line, without receiving or counting them.",
        )
        .query(
            "max",
            max,
            "How many at most. There are fewer where together they have more than 16 MiB.",
        )
        .answers_json::<delivery::Messages>(
            "The first messages in line.",
            serde_json::json!({ "messages": [delivery::example(false)] }),
        ),
        get(
            "/v1/queues/{queue}/messages/{id}",
            "getMessage",
            "Look at one message\nWherever it is: ready, delayed or with a consumer.",
        )
        .path_parameter("id", schema::message_id(), "The id of the message.")
        .answers_json::<delivery::MessageInList>("The message.", delivery::example(false))
        .refuses(&[Code::MessageNotFound]),
    ]
}
