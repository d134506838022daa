//! `POST /v1/queues/{q}/messages`.

use std::ops::RangeInclusive;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION};

use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::Required;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use super::call::{Call, LONGEST_WAIT};
use super::headers::Headers;
use super::{attributes, delivery};
use crate::broker::{MAX_DELAY, Named, SendOptions, is_for_room};
use crate::http::answer::{Answer, JSON, Reply, typed};
use crate::http::observe;
use crate::http::openapi::{Answered, Endpoint, schema, tag};
use crate::http::problem::{Code, Problem};
use crate::queue::{ContentType, Message, MessageId, Options, SendRefusal, TrySendError};

/// How long a message may wait before it is ready.
pub(super) const DELAY: RangeInclusive<Duration> = Duration::ZERO..=MAX_DELAY;

/// How long after it was sent a message may expire.
pub(super) const TTL: RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_hours(24 * 3650);

const LONGEST_KEY: usize = 255;

/// Sends one message: the body, as it is.
pub(super) fn send(call: &Call<'_>) -> Result<Reply, Problem> {
    let [wait] = call.parameters(["wait"])?;
    call.refuse_sends_while_draining()?;
    let queue = call.queue()?;
    let headers = call.headers();
    let options = options(&headers)?;
    let key = idempotency_key(&headers)?;
    let wait = headers.wait(&wait, Duration::ZERO)?;
    let content_type = headers.content_type.text()?.map(ContentType::from).unwrap_or_default();
    let attributes = headers.attributes()?;
    // A copy of its own: the body is a part of what was read from the connection.
    let mut message = Message::new(&call.body()?, content_type, attributes);
    if key.is_none() {
        let (broker, now) = (call.broker(), call.broker().clock().now());
        message = match broker.try_send_at(queue, message, options, now) {
            Ok(accepted) => return Ok(sent(queue, accepted.id).into()),
            Err(TrySendError { message, why: SendRefusal::Busy }) => message,
            Err(TrySendError { message, why }) if wait.is_some() && is_for_room(why) => message,
            Err(refused) => return Err(broker.refusal(queue, &refused).into()),
        };
    }
    Ok(call.later(async move |broker, queue| {
        let options = SendOptions {
            message: options,
            idempotency_key: key.as_deref(),
            ..SendOptions::default()
        };
        let accepted = broker.send(queue, message, options, wait.map(observe::wait)).await?;
        Ok(sent(queue, accepted.id))
    }))
}

fn sent(queue: &Named, id: MessageId) -> Answer {
    let (id, name) = (queue.id(id), queue.name().as_str().as_bytes());
    let body = [b"{\"id\":\"", &id[..], b"\"}\n"].concat();
    let location = [b"/v1/queues/", name, b"/messages/", &id].concat();
    let location = HeaderValue::try_from(location).expect("names and ids may stand in a header");
    let mut answer = typed(StatusCode::CREATED, JSON, body);
    answer.headers_mut().append(LOCATION, location);
    answer
}

fn options(headers: &Headers<'_>) -> Result<Options, Problem> {
    let delay = headers.delay.duration(*DELAY.end())?;
    let ttl = headers.ttl.duration(*TTL.end())?;
    if ttl.is_some_and(|ttl| ttl.is_zero()) {
        return Err(headers.ttl.invalid("must be longer than nothing"));
    }
    Ok(Options { delay, ttl, ..Options::default() })
}

fn idempotency_key(headers: &Headers<'_>) -> Result<Option<String>, Problem> {
    let Some(key) = headers.idempotency_key.text()? else { return Ok(None) };
    if !(1..=LONGEST_KEY).contains(&key.len()) {
        let problem = format!("must have 1 to {LONGEST_KEY} characters");
        return Err(headers.idempotency_key.invalid(problem));
    }
    Ok(Some(key.to_owned()))
}

/// A message that was sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of what `sent` writes")]
#[schema(as = SentMessage)]
pub(super) struct Sent {
    #[schema(schema_with = schema::message_id)]
    id: String,
}

/// What the document says of this.
pub(super) fn endpoint() -> Endpoint {
    let bytes = || ContentBuilder::new().schema(Some(any_bytes()));
    let body = RequestBodyBuilder::new()
        .description(Some("The message, any bytes; its type is kept and given back."))
        .required(Some(Required::False))
        .content(
            "text/plain",
            ContentBuilder::new()
                .schema(Some(schema::text()))
                .example(Some(json!("order 1")))
                .build(),
        )
        .content("application/octet-stream", bytes().build())
        .content("*/*", bytes().build());
    let key = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(LONGEST_KEY))
        .pattern(Some("^[!-~]([ -~]*[!-~])?$"))
        .build();
    let location = Answered::new("It is queued.")
        .json::<Sent>(json!({ "id": delivery::ID_EXAMPLE }))
        .header("Location", schema::text(), "Where it can be looked at.", Required::True)
        .leads_to("getMessage", "id", "$response.body#/id");
    Endpoint::v1(
        HttpMethod::Post,
        "/v1/queues/{queue}/messages",
        "sendMessage",
        "Send a message\nThe body is the message, as it is. A full queue refuses it, unless the request waits \
         for room, or the queue drops the oldest.",
    )
    .tagged(tag::MESSAGES)
    .query(
        "wait",
        schema::span(&(Duration::ZERO..=LONGEST_WAIT)),
        "How long to wait for room, in order of arrival; else as `Prefer: wait` says, or not at all.",
    )
    .header("Prefer", schema::text(), "`wait=N`: as the parameter `wait`.")
    .header("Queue-Delay", schema::span(&DELAY),
        "How long it waits before it is ready; else as the queue has it.")
    .header("Queue-TTL", schema::span(&TTL),
        "How long after it was sent it expires; else as the queue has it.")
    .header(
        "Idempotency-Key",
        key,
        "The same key with the same message is stored once, and answered as the first time, for the queue's \
         `idempotency_window`.",
    )
    .header(
        "Queue-Attr-*",
        attributes::header_schema(),
        "Any header that begins so is an attribute of the message, by the rest of its name.",
    )
    .header("traceparent", attributes::header_schema(), "W3C trace context, kept as an attribute.")
    .header("tracestate", attributes::header_schema(), "The same.")
    .takes(body.build())
    .answers(StatusCode::CREATED, location)
    .refuses(&[
        Code::MessageTooLarge,
        Code::QueueFull,
        Code::OutOfMemory,
        Code::Draining,
        Code::IdempotencyKeyInProgress,
        Code::IdempotencyKeyReused,
    ])
}

/// The schema of a body that is no JSON at all: OpenAPI 3.1 has none for it.
fn any_bytes() -> Object {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).build()
}
