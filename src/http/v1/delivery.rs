//! Messages as consumers get them: in JSON, or one as it is.

use std::collections::BTreeMap;

use actix_web::http::header::{HeaderName, HeaderValue};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{RefOr, Required};

use super::attributes;
use super::leases::RECEIPT_EXAMPLE;
use crate::broker::Delivered;
use crate::http::answer::{Answer, BYTES, JSON, TEXT, deliver, number};
use crate::http::json::{is_plain, write_escaped};
use crate::http::openapi::{Answered, schema};
use crate::queue::{ContentType, Delivery, Millis};

/// Headers of a message that is answered as it is.
const ID: HeaderName = HeaderName::from_static("queue-message-id");
const RECEIPT: HeaderName = HeaderName::from_static("queue-receipt");
const RECEIVE_COUNT: HeaderName = HeaderName::from_static("queue-receive-count");
const AGE_MS: HeaderName = HeaderName::from_static("queue-age-ms");

/// Messages, in line.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of what `list` writes")]
#[schema(as = MessageList)]
pub(super) struct Messages {
    messages: Vec<MessageInList>,
}

/// A message: either `body` or `body_base64`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of what `write` writes")]
#[schema(as = Message)]
pub(super) struct MessageInList {
    #[schema(schema_with = id_schema)]
    id: String,
    /// What acknowledges it; not where there is nothing to acknowledge.
    #[schema(schema_with = receipt_schema, required = false)]
    receipt: String,
    /// How often it was received, this time among them.
    receive_count: u32,
    /// How long ago it was sent, in milliseconds.
    age_ms: u64,
    /// What the body is.
    content_type: String,
    /// The body, where it is text.
    #[schema(required = false)]
    body: String,
    /// The body in base64, where it is no text.
    #[schema(required = false)]
    body_base64: String,
    #[schema(schema_with = attributes::schema, required = false)]
    attributes: BTreeMap<String, String>,
}

fn id_schema() -> RefOr<Schema> {
    schema::message_id().into()
}

fn receipt_schema() -> RefOr<Schema> {
    schema::receipt().into()
}

/// As messages look.
pub(super) fn example(with_receipt: bool) -> Value {
    let mut message = json!({
        "id": ID_EXAMPLE, "receipt": RECEIPT_EXAMPLE, "receive_count": 1, "age_ms": 8512,
        "content_type": "text/plain", "body": "order 1", "attributes": { "tenant": "a" },
    });
    if !with_receipt && let Some(message) = message.as_object_mut() {
        message.shift_remove("receipt");
        message.insert("receive_count".to_owned(), json!(0));
    }
    message
}

/// As an id looks.
pub(super) const ID_EXAMPLE: &str = "0000000000000000d1a2c4e5f6071829";

/// An answer that is one message as it was sent.
pub(super) fn raw_answer(answered: Answered) -> Answered {
    answered
        .content("*/*", None)
        .header(
            "Queue-Message-Id",
            schema::message_id(),
            "The id; of a message as it is.",
            Required::False,
        )
        .header("Queue-Receipt", schema::receipt(), "What acknowledges it.", Required::False)
        .header(
            "Queue-Receive-Count",
            schema::any_count(),
            "How often it was received.",
            Required::False,
        )
        .header("Queue-Age-Ms", schema::any_count(), "How long ago it was sent.", Required::False)
}

/// `{"messages":[…]}`; receipts only of messages that have to be acknowledged.
pub(super) fn list(delivered: &Delivered, now: Millis) -> Vec<u8> {
    const AROUND_A_MESSAGE: usize = 256;
    let deliveries = delivered.deliveries();
    let bodies: usize = deliveries.iter().map(|delivery| delivery.message.body().len()).sum();
    let mut out = Vec::with_capacity(32 + deliveries.len() * AROUND_A_MESSAGE + bodies);
    out.extend_from_slice(b"{\"messages\":[");
    for (number, delivery) in deliveries.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        write(&mut out, delivered, delivery, now);
    }
    out.extend_from_slice(b"]}\n");
    out
}

/// One message as a JSON object.
pub(super) fn write(out: &mut Vec<u8>, delivered: &Delivered, delivery: &Delivery, now: Millis) {
    let message = &delivery.message;
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(&delivered.id(delivery));
    if delivered.needs_receipts() {
        out.extend_from_slice(b"\",\"receipt\":\"");
        out.extend_from_slice(&delivered.receipt(delivery));
    }
    out.extend_from_slice(b"\",\"receive_count\":");
    write_number(out, u64::from(delivery.receive_count));
    out.extend_from_slice(b",\"age_ms\":");
    write_number(out, age_ms(delivery, now));
    out.extend_from_slice(b",\"content_type\":\"");
    match message.content_type() {
        ContentType::Other(text) => write_escaped(out, text),
        usual => out.extend_from_slice(usual.usual().as_bytes()),
    }
    write_body(out, message.body());
    out.push(b'"');
    if !message.attributes().is_empty() {
        out.extend_from_slice(b",\"attributes\":{");
        for (number, (name, value)) in message.attributes().iter().enumerate() {
            out.extend_from_slice(if number > 0 { b",\"" } else { b"\"" });
            write_escaped(out, name);
            out.extend_from_slice(b"\":\"");
            write_escaped(out, value);
            out.push(b'"');
        }
        out.push(b'}');
    }
    out.push(b'}');
}

fn write_body(out: &mut Vec<u8>, body: &[u8]) {
    const TEXT: &[u8] = b"\",\"body\":\"";
    if is_plain(body) {
        out.extend_from_slice(TEXT);
        out.extend_from_slice(body);
    } else if let Ok(text) = std::str::from_utf8(body) {
        out.extend_from_slice(TEXT);
        write_escaped(out, text);
    } else {
        out.extend_from_slice(b"\",\"body_base64\":\"");
        out.extend_from_slice(BASE64_STANDARD.encode(body).as_bytes());
    }
}

fn write_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn age_ms(delivery: &Delivery, now: Millis) -> u64 {
    now.0.saturating_sub(delivery.sent_at.0)
}

/// The one message as it was sent, its facts in headers.
pub(super) fn raw(delivered: Delivered, now: Millis) -> Answer {
    let [delivery] = delivered.deliveries() else { unreachable!("who asks for this has one") };
    let message = delivery.message.clone();
    let id = digits(&delivered.id(delivery));
    let receipt = delivered.needs_receipts().then(|| digits(&delivered.receipt(delivery)));
    let (receive_count, age_ms) = (delivery.receive_count.into(), age_ms(delivery, now));
    let content_type = match message.content_type() {
        ContentType::Text => TEXT,
        ContentType::Json => JSON,
        ContentType::Binary => BYTES,
        ContentType::Other(text) => HeaderValue::try_from(&**text).unwrap_or(BYTES),
    };

    let mut answer = deliver(content_type, message.clone().into_body(), delivered);
    let headers = answer.headers_mut();
    headers.append(ID, id);
    if let Some(receipt) = receipt {
        headers.append(RECEIPT, receipt);
    }
    headers.append(RECEIVE_COUNT, number(receive_count));
    headers.append(AGE_MS, number(age_ms));
    attributes::write(message.attributes(), headers);
    answer
}

fn digits(digits: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(digits).expect("digits may stand in a header")
}
