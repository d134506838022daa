//! `POST /v1/queues/{q}/receive`.

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, HeaderValue};

use super::call::Call;
use super::delivery;
use crate::broker::{MAX_LEASE, MIN_LEASE};
use crate::http::answer::{Answer, deliver, empty, json};
use crate::http::problem::Problem;
use crate::queue::Request;

/// The most messages of one answer.
const MOST: u64 = 1000;

/// Receives up to `max` messages, waits for the first of them up to `wait`, and leases them for
/// `lease`. A lease of 0 takes them for good.
pub(super) async fn receive(call: &mut Call<'_>) -> Result<Answer, Problem> {
    call.know_parameters(&["max", "wait", "lease"])?;
    let queue = call.queue()?;
    let max = call.number("max", 1, MOST)?.unwrap_or(1);
    let lease = match call.parameter("lease") {
        // Zero is allowed, and nothing between it and the shortest.
        Some(text) if crate::duration::read(&text).is_some_and(|lease| lease.is_zero()) => {
            Some(std::time::Duration::ZERO)
        }
        _ => call.duration("lease", MIN_LEASE, MAX_LEASE)?,
    };
    let until = call.wait_or(queue.receive_wait())?.map(actix_web::rt::time::sleep);
    call.body().await?;

    let request = Request { max: max as usize, lease };
    let delivered = call.broker().receive(&queue, request, until).await?;
    let now = call.broker().clock().now();
    let raw = max == 1 && wants_raw(call);
    Ok(call.mark(match (raw, delivered.deliveries().is_empty()) {
        (true, true) => empty(StatusCode::NO_CONTENT),
        (true, false) => delivery::raw(delivered, now),
        (false, true) => json("{\"messages\":[]}\n"),
        (false, false) => {
            let body = delivery::list(&delivered, now);
            deliver(HeaderValue::from_static("application/json"), body.into(), delivered)
        }
    }))
}

fn wants_raw(call: &Call<'_>) -> bool {
    let accepted = call.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    accepted
        .flat_map(|types| types.split(','))
        .filter_map(|one| one.split(';').next())
        .any(|one| one.trim().eq_ignore_ascii_case("application/octet-stream"))
}
