//! `POST /v1/queues/{q}/receive`.

use std::time::Duration;

use actix_web::http::StatusCode;

use utoipa::openapi::path::HttpMethod;

use super::call::{Call, LONGEST_WAIT};
use super::delivery;
use crate::broker::{Delivered, MAX_LEASE, MIN_LEASE};
use crate::duration;
use crate::http::answer::{Answer, JSON, Reply, deliver, empty, json};
use crate::http::observe;
use crate::http::openapi::{Answered, Endpoint, schema, tag};
use crate::http::problem::Problem;
use crate::queue::{Millis, Request};

/// The most messages of one answer.
const MOST: u64 = 1000;

/// Receives up to `max` messages, waits for the first of them up to `wait`, and leases them for
/// `lease`. A lease of 0 takes them for good.
pub(super) fn receive(call: &Call<'_>) -> Result<Reply, Problem> {
    let [max, wait, lease] = call.parameters(["max", "wait", "lease"])?;
    let queue = call.queue()?;
    let max = max.number(1, MOST)?.unwrap_or(1) as usize;
    let lease = match lease.text().and_then(duration::read) {
        // Zero is allowed, and nothing between it and the shortest.
        Some(Duration::ZERO) => Some(Duration::ZERO),
        _ => lease.duration(MIN_LEASE, MAX_LEASE)?,
    };
    let headers = call.headers();
    let wait = headers.wait(&wait, queue.receive_wait())?;
    call.body()?;

    let request = Request { max, lease };
    let raw = max == 1 && headers.accept.wants_raw();
    let now = call.broker().clock().now();
    match call.broker().try_receive(queue, request, now)? {
        Some(delivered) if wait.is_none() || !delivered.deliveries().is_empty() => {
            Ok(answer(delivered, raw, now).into())
        }
        _ => Ok(call.later(async move |broker, queue| {
            let delivered = broker.receive(queue, request, wait.map(observe::wait)).await?;
            Ok(answer(delivered, raw, broker.clock().now()))
        })),
    }
}

fn answer(delivered: Delivered, raw: bool, now: Millis) -> Answer {
    match (raw, delivered.deliveries().is_empty()) {
        (true, true) => empty(StatusCode::NO_CONTENT),
        (true, false) => delivery::raw(delivered, now),
        (false, true) => json("{\"messages\":[]}\n"),
        (false, false) => deliver(JSON, delivery::list(&delivered, now).into(), delivered),
    }
}

/// What the document says of this.
pub(super) fn endpoint() -> Endpoint {
    let receipt = "$response.body#/messages/0/receipt";
    let received = Answered::new(
        "The messages; none, if none came in time. Where the request has `max=1` and wants \
         `application/octet-stream` more than JSON, it is the message as it was sent, with its own \
         `Content-Type`; its attributes are the headers `Queue-Attr-*`, `traceparent` and `tracestate`.",
    )
    .json::<delivery::Messages>(serde_json::json!({ "messages": [delivery::example(true)] }))
    .leads_to("ackMessage", "receipt", receipt)
    .leads_to("extendLease", "receipt", receipt)
    .leads_to("releaseMessage", "receipt", receipt)
    .leads_to("getMessage", "id", "$response.body#/messages/0/id");
    Endpoint::v1(
        HttpMethod::Post,
        "/v1/queues/{queue}/receive",
        "receiveMessages",
        "Receive messages\nUp to `max` messages, leased to whoever asks: until the lease is over nobody else \
         gets them, and then somebody does. The first of them is waited for up to `wait`; a poll that waits \
         is woken by the send that serves it, in order of arrival.",
    )
    .tagged(tag::MESSAGES)
    .query("max", schema::count(&(1..=MOST)).default(Some(1.into())).build(), "How many at most.")
    .query(
        "wait",
        schema::span(&(Duration::ZERO..=LONGEST_WAIT)),
        "How long to wait for the first; else as `Prefer: wait` says, or the queue's `receive_wait`.",
    )
    .query(
        "lease",
        schema::span(&(Duration::ZERO..=MAX_LEASE)),
        "How long they are leased; else as the queue has it. 0 takes them for good, and nothing has to be \
         acknowledged.",
    )
    .header(
        "Prefer",
        schema::text(),
        "`wait=N`: as the parameter `wait`. A preference is no error, whatever it says.",
    )
    .answers(StatusCode::OK, delivery::raw_answer(received))
    .answers(
        StatusCode::NO_CONTENT,
        Answered::new("There was no message, and the request wants one as it was sent."),
    )
}
