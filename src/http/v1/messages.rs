//! `POST /v1/queues/{q}/messages` and `…/messages/batch`.

use std::borrow::Cow;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use serde_json::value::RawValue;

use super::call::Call;
use super::delivery::{ATTRIBUTE_PREFIX, TRACE_HEADERS, TRACE_STATE};
use super::item;
use crate::broker::{MAX_DELAY, SendOptions};
use crate::http::answer::{Answer, json, typed};
use crate::http::problem::Problem;
use crate::queue::{Attributes, ContentType, Message, Options};

/// The most messages of one request.
const MOST: usize = 1000;

pub(super) const LONGEST_TTL: Duration = Duration::from_hours(24 * 3650);

const DELAY: HeaderName = HeaderName::from_static("queue-delay");
const TTL: HeaderName = HeaderName::from_static("queue-ttl");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

const LONGEST_KEY: usize = 255;

/// Sends one message: the body, as it is.
pub(super) async fn send(call: &mut Call<'_>) -> Result<Answer, Problem> {
    call.know_parameters(&["wait"])?;
    call.refuse_while_draining()?;
    let queue = call.queue()?;
    let options = options(call)?;
    let key = idempotency_key(call)?;
    let until = call.wait()?.map(actix_web::rt::time::sleep);
    let (content_type, attributes) = (content_type(call)?, attributes(call)?);
    let body = call.body().await?;

    let message = Message::new(&body, content_type, attributes);
    let options =
        SendOptions { message: options, idempotency_key: key.as_deref(), ..SendOptions::default() };
    let sent = call.broker().send(&queue, message, options, until).await?;

    let id = queue.id(sent.id);
    let mut answer =
        typed(StatusCode::CREATED, "application/json", format!("{{\"id\":\"{id}\"}}\n"));
    let location = format!("/v1/queues/{}/messages/{id}", queue.name());
    if let Ok(location) = HeaderValue::try_from(location) {
        answer.headers_mut().insert(LOCATION, location);
    }
    Ok(call.mark(answer))
}

fn options(call: &Call<'_>) -> Result<Options, Problem> {
    let delay = call.duration_header(&DELAY, MAX_DELAY)?;
    let ttl = call.duration_header(&TTL, LONGEST_TTL)?;
    if ttl.is_some_and(|ttl| ttl.is_zero()) {
        return Err(Problem::invalid("queue-ttl", "must be longer than nothing"));
    }
    Ok(Options { delay, ttl })
}

fn idempotency_key(call: &Call<'_>) -> Result<Option<String>, Problem> {
    let name = IDEMPOTENCY_KEY;
    let Some(key) = call.header(&name)? else { return Ok(None) };
    if !(1..=LONGEST_KEY).contains(&key.len()) {
        return Err(Problem::invalid(
            name.as_str(),
            format!("must have 1 to {LONGEST_KEY} characters"),
        ));
    }
    Ok(Some(key.to_owned()))
}

fn content_type(call: &Call<'_>) -> Result<ContentType, Problem> {
    Ok(call.header(&CONTENT_TYPE)?.map_or_else(ContentType::default, ContentType::from))
}

/// `Queue-Attr-*` without that prefix, and the trace context.
fn attributes(call: &Call<'_>) -> Result<Attributes, Problem> {
    let mut attributes: Vec<(&str, Cow<'_, str>)> = Vec::new();
    for (header, value) in call.headers() {
        let header = header.as_str();
        let name = match header.strip_prefix(ATTRIBUTE_PREFIX) {
            Some("") => return Err(Problem::invalid(header, "has no name behind the prefix")),
            Some(name) => name,
            None if TRACE_HEADERS.contains(&header) => header,
            None => continue,
        };
        let value = std::str::from_utf8(value.as_bytes());
        let value = value.map_err(|_| Problem::invalid(header, "is not UTF-8"))?;
        match attributes.iter_mut().find(|(known, _)| *known == name) {
            None => attributes.push((name, Cow::Borrowed(value))),
            // A list, of which each header has a part.
            Some((_, list)) if name == TRACE_STATE => *list = format!("{list},{value}").into(),
            Some(_) => return Err(Problem::invalid(header, "is given twice")),
        }
    }
    // Headers come in no order of their own.
    attributes.sort_unstable();
    Ok(attributes.into_iter().collect())
}

/// Sends the messages of a JSON array, or of one JSON document a line; one result each.
pub(super) async fn send_batch(call: &mut Call<'_>) -> Result<Answer, Problem> {
    call.know_parameters(&[])?;
    call.refuse_while_draining()?;
    let queue = call.queue()?;
    let body = call.body().await?;
    let text = std::str::from_utf8(&body).map_err(|_| Problem::body("the body is not UTF-8"))?;
    let items = match text.trim_start().starts_with('[') {
        true => serde_json::from_str::<Vec<&RawValue>>(text)
            .map_err(|error| Problem::body(error.to_string()))?
            .into_iter()
            .map(RawValue::get)
            .collect(),
        false => text.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>(),
    };
    if items.is_empty() || items.len() > MOST {
        let problem = format!("a batch has 1 to {MOST} messages, and this one {}", items.len());
        return Err(Problem::body(problem).with("limit", MOST));
    }
    let (now, mut messages) = (call.broker().clock().now(), Vec::with_capacity(items.len()));
    let read: Vec<Result<(), Problem>> =
        items.into_iter().map(|item| item::read(item).map(|read| messages.push(read))).collect();
    let mut ids = Vec::with_capacity(messages.len());
    call.broker().try_send_batch(&queue, &mut messages, now, &mut ids);

    let (mut sent, mut others) = (ids.into_iter(), messages.into_iter());
    let mut out = Vec::with_capacity(16 + read.len() * 64);
    out.extend_from_slice(b"{\"results\":[");
    for (number, read) in read.into_iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        let result = match read.map(|()| sent.next()) {
            Err(problem) => Err(problem),
            Ok(Some(id)) => Ok(id),
            Ok(None) => {
                let (message, options) = others.next().expect("what was not sent is left");
                let sent = call.broker().send_at(&queue, message, options, now).await;
                sent.map_err(Problem::from)
            }
        };
        match result {
            Ok(id) => {
                out.extend_from_slice(b"{\"status\":201,\"id\":\"");
                queue.write_id(&mut out, id);
                out.extend_from_slice(b"\"}");
            }
            Err(problem) => out.extend_from_slice(problem.result().to_string().as_bytes()),
        }
    }
    out.extend_from_slice(b"]}\n");
    Ok(call.mark(json(out)))
}
