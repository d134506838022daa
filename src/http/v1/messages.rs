//! `POST /v1/queues/{q}/messages` and `…/messages/batch`.

use std::time::Duration;
use std::vec;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION};
use actix_web::rt::task::yield_now;
use actix_web::rt::time::sleep;
use serde_json::value::RawValue;

use super::call::Call;
use super::headers::Headers;
use super::item;
use crate::broker::{Broker, MAX_DELAY, Named, SendOptions, is_for_room};
use crate::http::answer::{Answer, JSON, Reply, json, typed};
use crate::http::problem::Problem;
use crate::queue::{ContentType, Message, MessageId, Millis, Options, SendRefusal, TrySendError};

/// The most messages of one request.
const MOST: usize = 1000;

pub(super) const LONGEST_TTL: Duration = Duration::from_hours(24 * 3650);

const LONGEST_KEY: usize = 255;

/// Sends one message: the body, as it is.
pub(super) fn send(call: &Call<'_>) -> Result<Reply, Problem> {
    let [wait] = call.parameters(["wait"])?;
    call.refuse_while_draining()?;
    let queue = call.queue()?;
    let headers = call.headers();
    let options = options(&headers)?;
    let key = idempotency_key(&headers)?;
    let wait = headers.wait(&wait)?;
    let content_type = headers.content_type.text()?.map(ContentType::from).unwrap_or_default();
    let attributes = headers.attributes()?;
    // A copy of its own: the body is a part of what was read from the connection.
    let mut message = Message::new(&call.body()?, content_type, attributes);
    if key.is_none() {
        let (broker, now) = (call.broker(), call.broker().clock().now());
        message = match broker.try_send_at(queue, message, options, now) {
            Ok(id) => return Ok(sent(queue, id).into()),
            Err(TrySendError { message, why: SendRefusal::Busy }) => message,
            Err(TrySendError { message, why }) if wait.is_some() && is_for_room(why) => message,
            Err(refused) => return Err(broker.refusal(queue, &refused).into()),
        };
    }
    Ok(call.later(async move |broker, queue| {
        let options = SendOptions { message: options, idempotency_key: key.as_deref() };
        let id = broker.send(queue, message, options, wait.map(sleep)).await?;
        Ok(sent(queue, id))
    }))
}

fn sent(queue: &Named, id: MessageId) -> Answer {
    let name = queue.name().as_str().as_bytes();
    let [before_name, before_id] = [&b"/v1/queues/"[..], b"/messages/"];
    let length = before_name.len() + name.len() + before_id.len() + Named::ID_LENGTH;
    let mut location = Vec::with_capacity(length);
    location.extend_from_slice(before_name);
    location.extend_from_slice(name);
    location.extend_from_slice(before_id);
    queue.write_id(&mut location, id);

    let [before_id, after_id] = [&b"{\"id\":\""[..], b"\"}\n"];
    let mut body = Vec::with_capacity(before_id.len() + Named::ID_LENGTH + after_id.len());
    body.extend_from_slice(before_id);
    body.extend_from_slice(&location[length - Named::ID_LENGTH..]);
    body.extend_from_slice(after_id);

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
    Ok(Options { delay, ttl })
}

fn idempotency_key(headers: &Headers<'_>) -> Result<Option<String>, Problem> {
    let Some(key) = headers.idempotency_key.text()? else { return Ok(None) };
    if !(1..=LONGEST_KEY).contains(&key.len()) {
        let problem = format!("must have 1 to {LONGEST_KEY} characters");
        return Err(headers.idempotency_key.invalid(problem));
    }
    Ok(Some(key.to_owned()))
}

/// Sends the messages of a JSON array, or of one JSON document a line; one result each.
pub(super) fn send_batch(call: &Call<'_>) -> Result<Reply, Problem> {
    call.no_parameters()?;
    call.refuse_while_draining()?;
    let queue = call.queue()?;
    let body = call.body()?;
    let items = read_items(&body)?;
    if items.is_empty() || items.len() > MOST {
        let problem = format!("a batch has 1 to {MOST} messages, and this one {}", items.len());
        return Err(Problem::body(problem).with("limit", MOST));
    }
    let mut batch = Batch::begin(items, call.broker(), queue);
    match batch.send(call.broker(), queue) {
        Ok(()) => Ok(batch.answer().into()),
        Err(Busy) => Ok(call.later(async move |broker, queue| {
            while let Err(Busy) = batch.send(broker, queue) {
                yield_now().await;
            }
            Ok(batch.answer())
        })),
    }
}

/// One message of a batch, or why it is none.
type Item = Result<(Message, Options), Problem>;

fn read_items(body: &[u8]) -> Result<Vec<Item>, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| Problem::body("the body is not UTF-8"))?;
    if !text.trim_start().starts_with('[') {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        return Ok(lines.map(item::read).collect());
    }
    let items: Vec<&RawValue> =
        serde_json::from_str(text).map_err(|error| Problem::body(error.to_string()))?;
    Ok(items.into_iter().map(|item| item::read(item.get())).collect())
}

/// Another thread is just at the place in turn.
struct Busy;

/// Messages on their way into a queue, and the answer as far as they are.
struct Batch {
    /// Of each item, whether it is a message.
    read: vec::IntoIter<Result<(), Problem>>,
    /// The first of the messages, which are sent.
    sent: vec::IntoIter<MessageId>,
    /// The others, which are sent one by one, each with what becomes of it.
    others: vec::IntoIter<(Message, Options)>,
    /// One of them that did not get through to the queue.
    again: Option<(Message, Options)>,
    out: Vec<u8>,
    /// When the request came.
    now: Millis,
}

impl Batch {
    /// Sends what can be sent at once.
    fn begin(items: Vec<Item>, broker: &Broker, queue: &Named) -> Self {
        let now = broker.clock().now();
        let mut out = Vec::with_capacity(16 + items.len() * 64);
        out.extend_from_slice(b"{\"results\":[");
        let mut messages = Vec::with_capacity(items.len());
        let read: Vec<_> =
            items.into_iter().map(|item| item.map(|read| messages.push(read))).collect();
        let mut sent = Vec::with_capacity(messages.len());
        broker.try_send_batch(queue, &mut messages, now, &mut sent);
        let (read, sent, others) = (read.into_iter(), sent.into_iter(), messages.into_iter());
        Self { read, sent, others, again: None, out, now }
    }

    /// Hands the messages that are left to the queue, in order.
    fn send(&mut self, broker: &Broker, queue: &Named) -> Result<(), Busy> {
        if let Some((message, options)) = self.again.take() {
            self.send_one(broker, queue, message, options)?;
        }
        while let Some(read) = self.read.next() {
            match read.map(|()| self.sent.next()) {
                Ok(Some(id)) => self.write_result(queue, Ok(id)),
                Ok(None) => {
                    let other = self.others.next();
                    let (message, options) = other.expect("what was not sent is left");
                    self.send_one(broker, queue, message, options)?;
                }
                Err(problem) => self.write_result(queue, Err(problem)),
            }
        }
        Ok(())
    }

    fn send_one(
        &mut self,
        broker: &Broker,
        queue: &Named,
        message: Message,
        options: Options,
    ) -> Result<(), Busy> {
        let result = match broker.try_send_at(queue, message, options, self.now) {
            Err(TrySendError { message, why: SendRefusal::Busy }) => {
                self.again = Some((message, options));
                return Err(Busy);
            }
            sent => sent.map_err(|refused| broker.refusal(queue, &refused).into()),
        };
        self.write_result(queue, result);
        Ok(())
    }

    fn write_result(&mut self, queue: &Named, result: Result<MessageId, Problem>) {
        let out = &mut self.out;
        match result {
            Ok(id) => {
                out.extend_from_slice(b"{\"status\":201,\"id\":\"");
                queue.write_id(out, id);
                out.extend_from_slice(b"\"},");
            }
            Err(problem) => {
                out.extend_from_slice(problem.result().to_string().as_bytes());
                out.push(b',');
            }
        }
    }

    fn answer(mut self) -> Answer {
        self.out.pop_if(|last| *last == b',');
        self.out.extend_from_slice(b"]}\n");
        json(self.out)
    }
}
