//! Queues: make, change, tell, delete.

use actix_web::http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::Required;
use utoipa::openapi::path::HttpMethod;

use super::call::Call;
use crate::broker::{Declared, Description, QueueName, QueueSettings, SettingsDocument};
use crate::http::answer::{Answer, JSON, typed};
use crate::http::openapi::{Answered, Endpoint, schema, tag};
use crate::http::problem::{Code, Problem, line};

/// `GET /v1/queues`: all of them, by name; `prefix` names those that begin with it.
pub(super) fn list(call: &Call<'_>) -> Result<Answer, Problem> {
    let [prefix] = call.parameters(["prefix"])?;
    let prefix = prefix.text().unwrap_or_default();
    let described = call.broker().describe_all(prefix);
    let caller = call.caller();
    let seen = described.iter().filter(|queue| caller.sees(queue.name.as_str()));
    Ok(answer(StatusCode::OK, &QueueList { queues: seen.map(QueueSummary::of).collect() }))
}

/// `GET /v1/queues/{q}`.
pub(super) fn get(call: &Call<'_>) -> Result<Answer, Problem> {
    call.no_parameters()?;
    let queue = call.queue()?;
    let description = call.broker().describe(queue);
    Ok(answer(StatusCode::OK, &Queue::of(&description)))
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
    Ok(answer(status, &Queue::of(&description)))
}

/// `DELETE /v1/queues/{q}`, with all that is in it.
pub(super) fn delete(call: &Call<'_>) -> Result<Answer, Problem> {
    call.no_parameters()?;
    call.queue()?;
    let counts = call.broker().delete(call.name(), false)?;
    let deleted = DeletedQueue { name: call.name(), deleted_messages: counts.depth };
    Ok(answer(StatusCode::OK, &deleted))
}

fn answer(status: StatusCode, document: &impl Serialize) -> Answer {
    typed(status, JSON, line(document))
}

/// All queues.
#[derive(Serialize, ToSchema)]
struct QueueList<'a> {
    queues: Vec<QueueSummary<'a>>,
}

/// A queue at a glance.
#[derive(Serialize, ToSchema)]
struct QueueSummary<'a> {
    name: &'a str,
    /// How many messages it may hold.
    capacity: u64,
    /// How many it holds.
    depth: u64,
    /// How many of them could be received.
    ready: u64,
    /// How many of them are with consumers.
    in_flight: u64,
    /// How many of them wait for their time.
    delayed: u64,
    /// How many bytes all of them have.
    bytes: u64,
    /// Whether receives find nothing.
    paused: bool,
}

impl<'a> QueueSummary<'a> {
    fn of(queue: &'a Description) -> Self {
        let counts = &queue.counts;
        Self {
            name: queue.name.as_str(),
            capacity: queue.settings.capacity,
            depth: counts.depth,
            ready: counts.ready,
            in_flight: counts.in_flight,
            delayed: counts.delayed,
            bytes: counts.bytes,
            paused: queue.paused,
        }
    }
}

/// A queue: its settings, and what is in it.
#[derive(Serialize, ToSchema)]
struct Queue<'a> {
    name: &'a str,
    settings: &'a QueueSettings,
    /// Whether receives find nothing.
    paused: bool,
    counts: QueueCounts,
    totals: QueueTotals,
    /// How long the first message in line has been there, in milliseconds; `null` if there is none.
    oldest_age_ms: Option<u64>,
    /// How many messages a second were gone lately.
    #[schema(minimum = 0)]
    drained_per_second: f64,
}

/// How many there are now.
#[derive(Serialize, ToSchema)]
struct QueueCounts {
    /// Messages that are not gone: `ready`, `in_flight`, `delayed` and `dying` together.
    depth: u64,
    /// Messages that could be received.
    ready: u64,
    /// Messages that are with consumers.
    in_flight: u64,
    /// Messages that wait for their time.
    delayed: u64,
    /// Messages on their way to the dead-letter queue.
    dying: u64,
    /// Bytes of all messages.
    bytes: u64,
    /// Receives that wait for a message.
    waiting_receives: u64,
    /// Sends that wait for room.
    waiting_sends: u64,
}

/// How many there were since the queue was made.
#[derive(Serialize, ToSchema)]
struct QueueTotals {
    /// Messages sent.
    sent: u64,
    /// Messages that are gone, for whichever reason.
    gone: u64,
    /// Deliveries to consumers.
    received: u64,
    /// Messages acknowledged.
    acked: u64,
    /// Messages given back.
    released: u64,
    /// Sends refused.
    refused: u64,
    /// Messages gone because their time was over.
    expired: u64,
    /// Messages dropped for newer ones.
    dropped: u64,
    /// Messages received too often: moved to the dead-letter queue, or lost for want of one.
    dead_letters: u64,
    /// Leases that ran out.
    leases_run_out: u64,
    /// Messages purged.
    purged: u64,
    /// Messages moved away by a redrive.
    redriven: u64,
}

impl<'a> Queue<'a> {
    fn of(queue: &'a Description) -> Self {
        let counts = &queue.counts;
        Self {
            name: queue.name.as_str(),
            settings: &queue.settings,
            paused: queue.paused,
            counts: QueueCounts {
                depth: counts.depth,
                ready: counts.ready,
                in_flight: counts.in_flight,
                delayed: counts.delayed,
                dying: counts.dying,
                bytes: counts.bytes,
                waiting_receives: counts.waiting_receivers,
                waiting_sends: counts.waiting_senders,
            },
            totals: QueueTotals {
                sent: counts.sent,
                gone: counts.gone,
                received: counts.received,
                acked: counts.acked,
                released: counts.released,
                refused: queue.refusals.iter().sum(),
                expired: counts.expired,
                dropped: counts.dropped,
                dead_letters: counts.dead_letters,
                leases_run_out: counts.lease_ends,
                purged: counts.purged,
                redriven: counts.redriven,
            },
            oldest_age_ms: queue.oldest_age.map(|age| age.as_millis() as u64),
            drained_per_second: queue.drain_rate,
        }
    }
}

/// A queue that was deleted.
#[derive(Serialize, ToSchema)]
struct DeletedQueue<'a> {
    name: &'a str,
    /// How many messages were in it.
    deleted_messages: u64,
}

/// What the document says of these.
pub(super) fn endpoints() -> Vec<Endpoint> {
    const PATH: &str = "/v1/queues/{queue}";
    let settings = json!({
        "capacity": 10_000, "max_bytes": null, "max_message_bytes": 1_048_576, "overflow": "reject",
        "lease": "30s", "max_receives": 5, "dead_letter": null, "retry_delay": "0s", "ttl": null,
        "delay": "0s", "max_in_flight": null, "idempotency_window": "300s", "receive_wait": "0s",
        "fifo": false, "labels": {},
    });
    let queue = json!({
        "name": "orders",
        "settings": settings,
        "paused": false,
        "counts": {
            "depth": 1, "ready": 1, "in_flight": 0, "delayed": 0, "dying": 0, "bytes": 7,
            "waiting_receives": 0, "waiting_sends": 0,
        },
        "totals": {
            "sent": 1, "gone": 0, "received": 0, "acked": 0, "released": 0, "refused": 0, "expired": 0,
            "dropped": 0, "dead_letters": 0, "leases_run_out": 0, "purged": 0, "redriven": 0,
        },
        "oldest_age_ms": 8512,
        "drained_per_second": 0.0,
    });
    let list = json!({ "queues": [{
        "name": "orders", "capacity": 10_000, "depth": 1, "ready": 1, "in_flight": 0, "delayed": 0,
        "bytes": 7, "paused": false,
    }] });
    vec![
        Endpoint::v1(HttpMethod::Get, "/v1/queues", "listQueues", "List queues\nBy name.")
            .tagged(tag::QUEUES)
            .query("prefix", schema::text(), "Only those whose names begin with it.")
            .answers_json::<QueueList<'_>>("The queues.", list),
        Endpoint::v1(
            HttpMethod::Get,
            PATH,
            "getQueue",
            "Describe a queue\nIts settings, what is in it now, and what was since it was made.",
        )
        .tagged(tag::QUEUES)
        .answers_json::<Queue<'_>>("The queue.", queue.clone()),
        Endpoint::v1(
            HttpMethod::Put,
            PATH,
            "putQueue",
            "Make or change a queue\nWhat is not said stays as it is, `null` is the default. All of it \
             happens, or nothing. The capacity can be changed at any time, also while messages come and go, \
             but not below the present depth.",
        )
        .tagged(tag::QUEUES)
        .takes_json::<SettingsDocument>(
            Required::False,
            json!({ "capacity": 10_000, "lease": "30s", "max_receives": 5 }),
        )
        .answers_json::<Queue<'_>>("It was there, and is like this now.", queue.clone())
        .answers(
            StatusCode::CREATED,
            Answered::new("It is new.").json::<Queue<'_>>(queue),
        )
        .refuses(&[
            Code::InvalidBody,
            Code::InvalidSetting,
            Code::CapacityBelowDepth,
            Code::Draining,
        ]),
        Endpoint::v1(
            HttpMethod::Delete,
            PATH,
            "deleteQueue",
            "Delete a queue\nWith all messages in it. Who waits for it is told that it is not there \
             any more.",
        )
        .tagged(tag::QUEUES)
        .answers_json::<DeletedQueue<'_>>(
            "It is deleted.",
            json!({ "name": "orders", "deleted_messages": 1 }),
        )
        .refuses(&[Code::QueueInUse, Code::QueueUndeletable]),
    ]
}
