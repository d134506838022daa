//! Messages as consumers get them: in JSON, or one as it is.

use actix_web::http::header::{HeaderName, HeaderValue, InvalidHeaderValue};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::broker::Delivered;
use crate::http::answer::{Answer, deliver};
use crate::http::json::write_escaped;
use crate::queue::{ContentType, Delivery, Millis};

/// Headers of a message that is answered as it is.
const ID: HeaderName = HeaderName::from_static("queue-message-id");
const RECEIPT: HeaderName = HeaderName::from_static("queue-receipt");
const RECEIVE_COUNT: HeaderName = HeaderName::from_static("queue-receive-count");
const AGE_MS: HeaderName = HeaderName::from_static("queue-age-ms");

/// Before the names of attributes that are headers; those of trace context stand by themselves.
pub(super) const ATTRIBUTE_PREFIX: &str = "queue-attr-";
/// W3C trace context, which travels with a message.
pub(super) const TRACE_HEADERS: [&str; 2] = ["traceparent", TRACE_STATE];
/// The one of them that may come in several headers.
pub(super) const TRACE_STATE: &str = "tracestate";

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
    delivered.write_id(out, delivery);
    if delivered.needs_receipts() {
        out.extend_from_slice(b"\",\"receipt\":\"");
        delivered.write_receipt(out, delivery);
    }
    out.extend_from_slice(b"\",\"receive_count\":");
    write_number(out, u64::from(delivery.receive_count));
    out.extend_from_slice(b",\"age_ms\":");
    write_number(out, now.0.saturating_sub(delivery.sent_at.0));
    out.extend_from_slice(b",\"content_type\":\"");
    write_escaped(out, message.content_type().as_str());
    match std::str::from_utf8(message.body()) {
        Ok(text) => {
            out.extend_from_slice(b"\",\"body\":\"");
            write_escaped(out, text);
        }
        Err(_) => {
            out.extend_from_slice(b"\",\"body_base64\":\"");
            out.extend_from_slice(BASE64_STANDARD.encode(message.body()).as_bytes());
        }
    }
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

fn write_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// The one message as it was sent, its facts in headers.
pub(super) fn raw(delivered: Delivered, now: Millis) -> Answer {
    let [delivery] = delivered.deliveries() else { unreachable!("who asks for this has one") };
    let message = delivery.message.clone();
    let id = delivered.id(delivery);
    let receipt = delivered.needs_receipts().then(|| delivered.receipt(delivery));
    let (receive_count, sent_at) = (delivery.receive_count, delivery.sent_at);

    let usual_type = HeaderValue::from_static(message.content_type().usual());
    let content_type = match message.content_type() {
        ContentType::Other(text) => HeaderValue::try_from(&**text).unwrap_or(usual_type),
        ContentType::Binary | ContentType::Text | ContentType::Json => usual_type,
    };
    let mut answer = deliver(content_type, message.clone().into_body(), delivered);
    let headers = answer.headers_mut();
    headers.insert(RECEIVE_COUNT, HeaderValue::from(receive_count));
    headers.insert(AGE_MS, HeaderValue::from(now.0.saturating_sub(sent_at.0)));
    let mut put = |name: HeaderName, value: Result<HeaderValue, InvalidHeaderValue>| {
        // What is not allowed in a header stays away: attributes may come from elsewhere.
        if let Ok(value) = value {
            headers.append(name, value);
        }
    };
    put(ID, HeaderValue::try_from(id));
    if let Some(receipt) = receipt {
        put(RECEIPT, HeaderValue::try_from(receipt));
    }
    for (name, value) in message.attributes().iter() {
        let name = match TRACE_HEADERS.contains(&name) {
            true => HeaderName::try_from(name),
            false => HeaderName::try_from(format!("{ATTRIBUTE_PREFIX}{name}")),
        };
        if let Ok(name) = name {
            put(name, HeaderValue::try_from(value));
        }
    }
    answer
}
