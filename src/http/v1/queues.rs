//! Queues: make, change, tell, delete.

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use super::call::Call;
use crate::broker::{Declared, Description, QueueName, SettingsDocument};
use crate::http::answer::{Answer, JSON, typed};
use crate::http::problem::Problem;

/// `GET /v1/queues`: all of them, by name; `prefix` names those that begin with it.
pub(super) fn list(call: &Call<'_>) -> Result<Answer, Problem> {
    let [prefix] = call.parameters(["prefix"])?;
    let prefix = prefix.text().unwrap_or_default();
    let queues = call.broker().describe_all(prefix);
    let caller = call.caller();
    let seen = queues.iter().filter(|queue| caller.sees(queue.name.as_str()));
    let queues: Vec<Value> = seen.map(summary).collect();
    Ok(answer(StatusCode::OK, &json!({ "queues": queues })))
}

/// `GET /v1/queues/{q}`.
pub(super) fn get(call: &Call<'_>) -> Result<Answer, Problem> {
    call.no_parameters()?;
    let queue = call.queue()?;
    let description = call.broker().describe(queue);
    Ok(answer(StatusCode::OK, &whole(&description)))
}

/// `PUT /v1/queues/{q}` with settings: 201 where it is new, 200 where it was there.
pub(super) fn put(call: &Call<'_>) -> Result<Answer, Problem> {
    call.no_parameters()?;
    call.refuse_while_draining()?;
    let name: QueueName = call.name().parse().map_err(crate::broker::Error::from)?;
    let settings: SettingsDocument = call.document()?;
    if let Some(target) = settings.dead_letter() {
        call.check_target(target.as_str())?;
    }
    let status = match call.broker().declare(&name, settings)? {
        Declared::Created => StatusCode::CREATED,
        Declared::Updated => StatusCode::OK,
    };
    let queue = call.queue()?;
    let description = call.broker().describe(queue);
    Ok(answer(status, &whole(&description)))
}

/// `DELETE /v1/queues/{q}`, with all that is in it.
pub(super) fn delete(call: &Call<'_>) -> Result<Answer, Problem> {
    call.no_parameters()?;
    call.queue()?;
    let counts = call.broker().delete(call.name(), false)?;
    let deleted = json!({ "name": call.name(), "deleted_messages": counts.depth });
    Ok(answer(StatusCode::OK, &deleted))
}

fn answer(status: StatusCode, document: &Value) -> Answer {
    typed(status, JSON, format!("{document}\n"))
}

fn summary(queue: &Description) -> Value {
    let counts = &queue.counts;
    json!({
        "name": queue.name.as_str(),
        "capacity": queue.settings.capacity,
        "depth": counts.depth,
        "ready": counts.ready,
        "in_flight": counts.in_flight,
        "delayed": counts.delayed,
        "bytes": counts.bytes,
        "paused": queue.paused,
    })
}

fn whole(queue: &Description) -> Value {
    let counts = &queue.counts;
    json!({
        "name": queue.name.as_str(),
        "settings": queue.settings,
        "paused": queue.paused,
        "counts": {
            "depth": counts.depth,
            "ready": counts.ready,
            "in_flight": counts.in_flight,
            "delayed": counts.delayed,
            "dying": counts.dying,
            "bytes": counts.bytes,
            "waiting_receives": counts.waiting_receivers,
            "waiting_sends": counts.waiting_senders,
        },
        "totals": {
            "sent": counts.sent,
            "gone": counts.gone,
            "received": counts.received,
            "acked": counts.acked,
            "released": counts.released,
            "refused": queue.refusals.iter().sum::<u64>(),
            "expired": counts.expired,
            "dropped": counts.dropped,
            "dead_letters": counts.dead_letters,
            "leases_run_out": counts.lease_ends,
            "purged": counts.purged,
            "redriven": counts.redriven,
        },
        "oldest_age_ms": queue.oldest_age.map(|age| age.as_millis() as u64),
        "drained_per_second": queue.drain_rate,
    })
}
