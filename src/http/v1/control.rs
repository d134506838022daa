//! What an operator does to a queue: purge, pause, resume, redrive.

use actix_web::rt::time;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::{Object, Required};

use super::call::Call;
use crate::broker;
use crate::http::answer::{Answer, Reply, json as json_answer};
use crate::http::openapi::{Endpoint, schema, tag};
use crate::http::problem::{Code, Failure, Problem, line};

fn answer(document: &impl Serialize) -> Answer {
    json_answer(line(document))
}

/// How many messages were removed.
#[derive(Serialize, ToSchema)]
struct Purged {
    purged: u64,
}

/// Whether a queue is paused.
#[derive(Serialize, ToSchema)]
struct Paused {
    /// As it is now.
    paused: bool,
    /// Whether it was otherwise before.
    changed: bool,
}

/// `POST /v1/queues/{q}/purge`: every message that was sent before is gone.
pub(super) fn purge(call: &Call<'_>) -> Result<Answer, Problem> {
    call.no_parameters()?;
    let queue = call.queue()?;
    let purged = call.broker().purge(queue);
    Ok(answer(&Purged { purged }))
}

/// `POST /v1/queues/{q}/pause`: receives find nothing.
pub(super) fn pause(call: &Call<'_>) -> Result<Answer, Problem> {
    call.no_parameters()?;
    let queue = call.queue()?;
    let changed = call.broker().pause(queue);
    Ok(answer(&Paused { paused: true, changed }))
}

/// `POST /v1/queues/{q}/resume`: receives go on.
pub(super) fn resume(call: &Call<'_>) -> Result<Answer, Problem> {
    call.no_parameters()?;
    let queue = call.queue()?;
    let changed = call.broker().resume(queue);
    Ok(answer(&Paused { paused: false, changed }))
}

/// What to move.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Redrive {
    /// The queue they go to; where each message came from, if it is not said.
    #[schema(schema_with = broker::QueueName::nullable_schema)]
    to: Option<String>,
    #[schema(schema_with = max_schema)]
    max: Option<broker::Count>,
    /// How many a second at most; as fast as it goes, if it is not said.
    #[schema(minimum = 0.001, maximum = 1_000_000)]
    rate: Option<f64>,
}

fn max_schema() -> Object {
    let mut schema = schema::count(&(0..=u64::MAX)).build();
    schema.schema_type = SchemaType::Array(vec![Type::Integer, Type::Null]);
    let text = "How many at most; as many as there are at the beginning, if it is not said.";
    schema.description = Some(text.to_owned());
    schema
}

/// What was moved.
#[derive(Serialize, ToSchema)]
struct Redriven {
    /// How many messages.
    moved: u64,
    /// Why it went no further; `null` if there was nothing more to move.
    stopped_by: Option<Failure>,
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
    let most = max.map_or_else(|| queue.ready(), |max| max.0);
    Ok(call.later(async move |broker, queue| {
        let what = broker::Redrive { to: to.as_deref(), most, rate };
        let (moved, stopped_by) = broker.redrive(queue, what, time::sleep, || {}, || true).await;
        // What was moved before is told, with why it went no further.
        let stopped_by = match stopped_by {
            Some(error) if moved == 0 => return Err(error.into()),
            stopped_by => stopped_by.map(|error| Problem::from(error).result().clone()),
        };
        Ok(answer(&Redriven { moved, stopped_by }))
    }))
}

/// What the document says of these.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let post = |path, id, says| Endpoint::v1(HttpMethod::Post, path, id, says).tagged(tag::CONTROL);
    vec![
        post(
            "/v1/queues/{queue}/purge",
            "purgeQueue",
            "Remove all messages\nEvery message that was sent before is gone, also those with \
             consumers.",
        )
        .answers_json::<Purged>("They are gone.", json!({ "purged": 3 })),
        post(
            "/v1/queues/{queue}/pause",
            "pauseQueue",
            "Pause a queue\nReceives find nothing until it is resumed; sends go on.",
        )
        .answers_json::<Paused>("It is paused.", json!({ "paused": true, "changed": true })),
        post("/v1/queues/{queue}/resume", "resumeQueue", "Resume a queue\nReceives go on.")
            .answers_json::<Paused>("It goes on.", json!({ "paused": false, "changed": true })),
        post(
            "/v1/queues/{queue}/redrive",
            "redriveQueue",
            "Move dead letters back\nEach in one step, to where it came from or to `to`. It ends with the \
             request; what was moved stays moved.",
        )
        .takes_json::<Redrive>(Required::False, json!({ "max": 100, "rate": 50.0 }))
        .answers_json::<Redriven>(
            "What was moved, and why it went no further.",
            json!({ "moved": 3, "stopped_by": null }),
        )
        .refuses(&[
            Code::InvalidBody,
            Code::InvalidSetting,
            Code::MessageTooLarge,
            Code::QueueFull,
            Code::OutOfMemory,
            Code::Draining,
        ]),
    ]
}
