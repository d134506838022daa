//! `POST /v1/queues/{q}/messages`.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION};

use super::call::Call;
use super::headers::Headers;
use crate::broker::{MAX_DELAY, Named, SendOptions, is_for_room};
use crate::http::answer::{Answer, JSON, Reply, typed};
use crate::http::observe;
use crate::http::problem::Problem;
use crate::queue::{ContentType, Message, MessageId, Options, SendRefusal, TrySendError};

pub(super) const LONGEST_TTL: Duration = Duration::from_hours(24 * 3650);

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
    let delay = headers.delay.duration(MAX_DELAY)?;
    let ttl = headers.ttl.duration(LONGEST_TTL)?;
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
