//! What a consumer says of its deliveries, one and many.

use std::borrow::Cow;
use std::time::Duration;

use actix_web::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Call, read_duration};
use crate::broker::{Broker, MAX_DELAY, MAX_LEASE, Named};
use crate::http::answer::{Answer, empty, json as json_answer};
use crate::http::problem::{Problem, went_well};

/// The most receipts of one request.
const MOST: usize = 1000;

/// `DELETE /v1/queues/{q}/leases/{receipt}`: the message is gone.
pub(super) fn ack(call: &Call<'_>, receipt: &str) -> Result<Answer, Problem> {
    call.know_parameters(&[])?;
    let queue = call.queue()?;
    call.broker().ack(queue, receipt)?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `PATCH /v1/queues/{q}/leases/{receipt}`: a new lease from now on, by the parameter `lease` or the
/// field of this name; the queue's, if neither is there.
pub(super) fn extend(call: &Call<'_>, receipt: &str) -> Result<Answer, Problem> {
    call.know_parameters(&["lease"])?;
    let queue = call.queue()?;
    let parameter = call.duration("lease", Duration::ZERO, MAX_LEASE)?;
    let document: Extension = call.document()?;
    let lease = match document.lease {
        Some(lease) => Some(lease.read("lease", MAX_LEASE)?),
        None => parameter,
    };
    call.broker().extend(queue, receipt, lease)?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `POST /v1/queues/{q}/leases/{receipt}/release`: back into the line, after `delay`.
pub(super) fn release(call: &Call<'_>, receipt: &str) -> Result<Answer, Problem> {
    call.know_parameters(&["delay"])?;
    let queue = call.queue()?;
    let delay = call.duration("delay", Duration::ZERO, MAX_DELAY)?.unwrap_or_default();
    call.broker().release(queue, receipt, delay)?;
    Ok(empty(StatusCode::NO_CONTENT))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Extension {
    lease: Option<Span>,
}

/// A duration: text, or a number of seconds.
#[derive(Deserialize)]
#[serde(untagged)]
enum Span {
    Text(String),
    Seconds(f64),
}

impl Span {
    fn read(&self, name: &str, most: Duration) -> Result<Duration, Problem> {
        let text = match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Seconds(seconds) => Cow::Owned(seconds.to_string()),
        };
        read_duration(name, &text, Duration::ZERO, most)
    }
}

/// What is done to many.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Ack,
    Extend,
    Release,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Receipts {
    receipts: Vec<String>,
    /// For *extend*.
    lease: Option<Span>,
    /// For *release*.
    delay: Option<Span>,
}

/// `POST /v1/queues/{q}/leases/{ack,extend,release}`: one result for each receipt, in order.
pub(super) fn many(call: &Call<'_>, act: Act) -> Result<Answer, Problem> {
    call.know_parameters(&[])?;
    let queue = call.queue()?;
    let document: Receipts = call.document()?;
    let count = document.receipts.len();
    if count == 0 || count > MOST {
        let problem = format!("must be 1 to {MOST} receipts, and there are {count}");
        return Err(Problem::invalid("receipts", problem).with("limit", MOST));
    }
    if document.lease.is_some() && act != Act::Extend {
        return Err(Problem::invalid("lease", "is only for extending"));
    }
    if document.delay.is_some() && act != Act::Release {
        return Err(Problem::invalid("delay", "is only for releasing"));
    }
    let lease = document.lease.map(|lease| lease.read("lease", MAX_LEASE)).transpose()?;
    let delay = document.delay.map(|delay| delay.read("delay", MAX_DELAY)).transpose()?;

    let act = |broker: &Broker, queue: &Named, receipt: &str| match act {
        Act::Ack => broker.ack(queue, receipt),
        Act::Extend => broker.extend(queue, receipt, lease),
        Act::Release => broker.release(queue, receipt, delay.unwrap_or_default()),
    };
    let results: Vec<Value> = document
        .receipts
        .iter()
        .map(|receipt| match act(call.broker(), queue, receipt) {
            Ok(()) => went_well(StatusCode::NO_CONTENT),
            Err(error) => Problem::from(error).result(),
        })
        .collect();
    Ok(json_answer(format!("{}\n", json!({ "results": results }))))
}
