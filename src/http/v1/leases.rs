//! What a consumer says of its deliveries, one and many.

use std::borrow::Cow;
use std::time::Duration;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{RefOr, Required};
use utoipa::{PartialSchema, ToSchema};

use super::call::{Call, read_duration};
use crate::broker::{Broker, MAX_DELAY, MAX_LEASE, Named};
use crate::duration;
use crate::http::answer::{Answer, empty, json as json_answer};
use crate::http::openapi::{Answered, Endpoint, schema, tag};
use crate::http::problem::{Code, Failure, Problem, line};

/// The most receipts of one request.
const MOST: usize = 1000;

/// `DELETE /v1/queues/{q}/leases/{receipt}`: the message is gone.
pub(super) fn ack(call: &Call<'_>, receipt: &str) -> Result<Answer, Problem> {
    call.no_parameters()?;
    let queue = call.queue()?;
    call.broker().ack(queue, receipt)?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `PATCH /v1/queues/{q}/leases/{receipt}`: a new lease from now on, by the parameter `lease` or the
/// field of this name; the queue's, if neither is there.
pub(super) fn extend(call: &Call<'_>, receipt: &str) -> Result<Answer, Problem> {
    let [lease] = call.parameters(["lease"])?;
    let queue = call.queue()?;
    let parameter = lease.duration(Duration::ZERO, MAX_LEASE)?;
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
    let [delay] = call.parameters(["delay"])?;
    let queue = call.queue()?;
    let delay = delay.duration(Duration::ZERO, MAX_DELAY)?.unwrap_or_default();
    call.broker().release(queue, receipt, delay)?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// How long a lease is from now on.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Extension {
    #[schema(schema_with = lease_schema)]
    lease: Option<Span>,
}

fn lease_schema() -> RefOr<Schema> {
    let text =
        "How long from now on; the queue's `lease`, if it is not said. 0 gives the message back.";
    duration::schema(&(Duration::ZERO..=MAX_LEASE), text).into()
}

fn delay_schema() -> RefOr<Schema> {
    let text = "How long the messages wait before they are ready again.";
    duration::schema(&(Duration::ZERO..=MAX_DELAY), text).into()
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

/// What a request about many says, and which of it depends on what is done to them.
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
    call.no_parameters()?;
    let queue = call.queue()?;
    let document: Receipts = call.document()?;
    let count = document.receipts.len();
    if count == 0 || count > MOST {
        let problem = format!("must be 1 to {MOST} receipts, and there are {count}");
        return Err(Problem::invalid("receipts", problem).with_limit(MOST as u64));
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
    let results = document.receipts.iter();
    let results = results.map(|receipt| match act(call.broker(), queue, receipt) {
        Ok(()) => LeaseResult::Done(Done { status: StatusCode::NO_CONTENT.as_u16() }),
        Err(error) => LeaseResult::Refused(Problem::from(error).result().clone()),
    });
    Ok(json_answer(line(&LeaseResults { results: results.collect() })))
}

/// One result for each receipt, in their order.
#[derive(Serialize, ToSchema)]
struct LeaseResults {
    results: Vec<LeaseResult>,
}

/// What became of one receipt.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum LeaseResult {
    Done(Done),
    Refused(Failure),
}

/// It was carried out.
#[derive(Serialize, ToSchema)]
struct Done {
    /// Always 204.
    #[schema(minimum = 204, maximum = 204)]
    status: u16,
}

/// The body of [`many`], as it is for each [`Act`].
struct AckBody;
struct ExtendBody;
struct ReleaseBody;

fn receipts() -> ObjectBuilder {
    let receipts = ArrayBuilder::new()
        .items(schema::text())
        .min_items(Some(1))
        .max_items(Some(MOST))
        .description(Some("Those that the receives gave."));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("receipts", receipts)
        .required("receipts")
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
}

macro_rules! bodies {
    ($($name:ident: $schema:expr;)*) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

bodies! {
    AckBody: receipts();
    ExtendBody: receipts().property("lease", lease_schema());
    ReleaseBody: receipts().property("delay", delay_schema());
}

/// What the document says of these.
pub(super) fn endpoints() -> Vec<Endpoint> {
    const PATH: &str = "/v1/queues/{queue}/leases/{receipt}";
    const REFUSALS: &[Code] = &[Code::ReceiptUnknown, Code::LeaseLost, Code::MessageGone];
    let tagged = |endpoint: Endpoint| endpoint.tagged(tag::LEASES);
    let one = |method, path, id, says| {
        tagged(Endpoint::v1(method, path, id, says))
            .path_parameter("receipt", schema::receipt(), "That of the newest delivery.")
            .refuses(REFUSALS)
    };
    let done = |says| Answered::new(says);
    let many = |path, id, says| {
        tagged(Endpoint::v1(HttpMethod::Post, path, id, says))
            .answers_json::<LeaseResults>("A result for each receipt.", results_example())
            .refuses(&[Code::InvalidBody])
    };
    let example = json!([RECEIPT_EXAMPLE]);
    vec![
        one(
            HttpMethod::Delete,
            PATH,
            "ackMessage",
            "Acknowledge a message\nIt is done, and gone. A receipt is valid until its message is delivered \
             again, also a while after the lease ran out.",
        )
        .answers(StatusCode::NO_CONTENT, done("It is gone.")),
        one(
            HttpMethod::Patch,
            PATH,
            "extendLease",
            "Extend a lease\nA new one from now on, by the parameter or by the field of the body, which \
             comes first.",
        )
        .query(
            "lease",
            schema::span(&(Duration::ZERO..=MAX_LEASE)),
            "How long from now on; the queue's `lease`, if it is not said. 0 gives the message back.",
        )
        .takes_json::<Extension>(Required::False, json!({ "lease": "1m" }))
        .answers(StatusCode::NO_CONTENT, done("It has a new lease."))
        .refuses(&[Code::InvalidBody]),
        one(
            HttpMethod::Post,
            "/v1/queues/{queue}/leases/{receipt}/release",
            "releaseMessage",
            "Give a message back\nIt goes to the front of the line, at once or later.",
        )
        .query(
            "delay",
            schema::span(&(Duration::ZERO..=MAX_DELAY)),
            "How long it waits before it is ready again; not at all, if it is not said.",
        )
        .answers(StatusCode::NO_CONTENT, done("It is back.")),
        many(
            "/v1/queues/{queue}/leases/ack",
            "ackMessages",
            "Acknowledge many messages\nUp to 1000 at once, each for itself.",
        )
        .takes_json::<AckBody>(Required::True, json!({ "receipts": example })),
        many(
            "/v1/queues/{queue}/leases/extend",
            "extendLeases",
            "Extend many leases\nUp to 1000 at once, each for itself.",
        )
        .takes_json::<ExtendBody>(Required::True, json!({ "receipts": example, "lease": "1m" })),
        many(
            "/v1/queues/{queue}/leases/release",
            "releaseMessages",
            "Give many messages back\nUp to 1000 at once, each for itself.",
        )
        .takes_json::<ReleaseBody>(Required::True, json!({ "receipts": example, "delay": "5s" })),
    ]
}

/// As a receipt looks.
pub(super) const RECEIPT_EXAMPLE: &str = "000000000000000200015ba1b0a9c3d2e4f1";

fn results_example() -> Value {
    json!({ "results": [
        { "status": 204 },
        { "status": 409, "code": "lease_lost", "detail":
            "the lease is over, and the message is not this consumer's any more" },
    ] })
}
