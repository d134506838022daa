//! `POST /v1/queues/{q}/receive`.

use std::time::Duration;

use actix_web::http::StatusCode;

use super::call::Call;
use super::delivery;
use crate::broker::{Delivered, MAX_LEASE, MIN_LEASE};
use crate::duration;
use crate::http::answer::{Answer, JSON, Reply, deliver, empty, json};
use crate::http::observe;
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
