//! What an operator does to a queue: purge, pause, resume, redrive.

use actix_web::rt::time;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use crate::broker;
use crate::http::answer::{Answer, Reply, json as json_answer};
use crate::http::problem::Problem;

fn answer(document: &Value) -> Answer {
    json_answer(format!("{document}\n"))
}

/// `POST /v1/queues/{q}/purge`: every message that was sent before is gone.
pub(super) fn purge(call: &Call<'_>) -> Result<Answer, Problem> {
    call.no_parameters()?;
    let queue = call.queue()?;
    let purged = call.broker().purge(queue);
    Ok(answer(&json!({ "purged": purged })))
}

/// `POST /v1/queues/{q}/pause`: receives find nothing.
pub(super) fn pause(call: &Call<'_>) -> Result<Answer, Problem> {
    call.no_parameters()?;
    let queue = call.queue()?;
    let changed = call.broker().pause(queue);
    Ok(answer(&json!({ "paused": true, "changed": changed })))
}

/// `POST /v1/queues/{q}/resume`: receives go on.
pub(super) fn resume(call: &Call<'_>) -> Result<Answer, Problem> {
    call.no_parameters()?;
    let queue = call.queue()?;
    let changed = call.broker().resume(queue);
    Ok(answer(&json!({ "paused": false, "changed": changed })))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Redrive {
    /// Where to; where each message came from, if it is not said.
    to: Option<String>,
    /// How many at most; as many as there are at the beginning, if it is not said.
    max: Option<u64>,
    /// How many a second at most.
    rate: Option<f64>,
}

/// `POST /v1/queues/{q}/redrive`: moves dead letters back, each in one step. It ends with the
/// request; what was moved stays moved.
pub(super) fn redrive(call: &Call<'_>) -> Result<Reply, Problem> {
    call.no_parameters()?;
    let queue = call.queue()?;
    let Redrive { to, max, rate } = call.document()?;
    if rate.is_some_and(|rate| !(0.001..=1e6).contains(&rate)) {
        return Err(Problem::senseless("rate", "must be from 0.001 to 1000000 a second"));
    }
    if let Some(to) = &to {
        call.check_target(to)?;
        call.broker().queue(to)?;
    }
    let most = max.unwrap_or_else(|| queue.ready());
    Ok(call.later(async move |broker, queue| {
        let what = broker::Redrive { to: to.as_deref(), most, rate };
        let (moved, stopped_by) = broker.redrive(queue, what, time::sleep, || {}, || true).await;
        // What was moved before is told, with why it went no further.
        let stopped_by = match stopped_by {
            Some(error) if moved == 0 => return Err(error.into()),
            stopped_by => stopped_by.map(|error| Problem::from(error).result()),
        };
        Ok(answer(&json!({ "moved": moved, "stopped_by": stopped_by })))
    }))
}
