//! `POST /v1/queues/{q}/messages/batch`.

use std::iter::Peekable;
use std::vec;

use serde_json::json as json_of;
use utoipa::ToSchema;
use utoipa::openapi::Required;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::ArrayBuilder;

use super::call::Call;
use super::item::{self, BatchItem, Items};
use crate::broker::{Broker, ID_LENGTH, Named, YieldNow};
use crate::http::answer::{Answer, Reply, json};
use crate::http::openapi::{Endpoint, reference, schema, tag};
use crate::http::problem::{Code, Failure, Problem};
use crate::queue::{Message, MessageId, Millis, Options, SendRefusal, TrySendError};

/// Sends the messages of a JSON array, or of one JSON document a line; one result each.
pub(super) fn send(call: &Call<'_>) -> Result<Reply, Problem> {
    call.no_parameters()?;
    call.refuse_sends_while_draining()?;
    let queue = call.queue()?;
    let items = item::read_all(&call.body()?)?;

    let mut batch = Batch::begin(items, call.broker(), queue);
    match batch.go_on(call.broker(), queue) {
        Ok(()) => Ok(batch.answer().into()),
        Err(Busy) => Ok(call.later(async move |broker, queue| {
            while let Err(Busy) = batch.go_on(broker, queue) {
                YieldNow::default().await;
            }
            Ok(batch.answer())
        })),
    }
}

/// Another thread is just at the place in turn.
struct Busy;

/// Messages on their way into a queue, and the answer as far as they are.
struct Batch {
    /// How many items there are, and of how many the result is told.
    items: usize,
    told: usize,
    /// Items that are no messages, by their place.
    problems: Peekable<vec::IntoIter<(usize, Problem)>>,
    /// The first of the messages, which are sent.
    sent: vec::IntoIter<MessageId>,
    /// The others, the last of them first: they are sent one by one, each with what becomes of it.
    others: Vec<(Message, Options)>,
    out: Vec<u8>,
    /// When the request came.
    now: Millis,
}

const RESULTS: &[u8] = b"{\"results\":[";
const SENT: [&[u8]; 2] = [b"{\"status\":201,\"id\":\"", b"\"},"];
const END: &[u8] = b"]}\n";

impl Batch {
    /// Sends what can be sent at once.
    fn begin(items: Items, broker: &Broker, queue: &Named) -> Self {
        let now = broker.clock().now();
        let count = items.len();
        let Items { mut messages, problems } = items;
        let mut sent = Vec::new();
        broker.try_send_batch(queue, &mut messages, now, &mut sent);
        messages.reverse();
        let a_result = SENT[0].len() + ID_LENGTH + SENT[1].len();
        let mut out = Vec::with_capacity(RESULTS.len() + count * a_result + END.len());
        out.extend_from_slice(RESULTS);
        Self {
            items: count,
            told: 0,
            problems: problems.into_iter().peekable(),
            sent: sent.into_iter(),
            others: messages,
            out,
            now,
        }
    }

    /// Tells what became of each item, and sends the messages that are left, in order.
    fn go_on(&mut self, broker: &Broker, queue: &Named) -> Result<(), Busy> {
        while self.told < self.items {
            let result = if let Some((_, problem)) =
                self.problems.next_if(|(place, _)| *place == self.told)
            {
                Err(problem)
            } else if let Some(id) = self.sent.next() {
                Ok(id)
            } else {
                self.send_next(broker, queue)?
            };
            self.told += 1;
            match result {
                Ok(id) => {
                    self.out.extend_from_slice(SENT[0]);
                    self.out.extend_from_slice(&queue.id(id));
                    self.out.extend_from_slice(SENT[1]);
                }
                Err(problem) => {
                    serde_json::to_writer(&mut self.out, problem.result())
                        .expect("a vector takes what is written");
                    self.out.push(b',');
                }
            }
        }
        Ok(())
    }

    fn send_next(
        &mut self,
        broker: &Broker,
        queue: &Named,
    ) -> Result<Result<MessageId, Problem>, Busy> {
        let (message, options) = self.others.pop().expect("what was not sent is left");
        match broker.try_send_at(queue, message, options, self.now) {
            Err(TrySendError { message, why: SendRefusal::Busy }) => {
                self.others.push((message, options));
                Err(Busy)
            }
            Ok(accepted) => Ok(Ok(accepted.id)),
            Err(refused) => Ok(Err(broker.refusal(queue, &refused).into())),
        }
    }

    fn answer(mut self) -> Answer {
        self.out.pop_if(|last| *last == b',');
        self.out.extend_from_slice(END);
        json(self.out)
    }
}

/// One result for each message, in their order.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of what `answer` writes")]
struct BatchResults {
    results: Vec<BatchResult>,
}

/// What became of one message.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the shape of what `go_on` writes")]
enum BatchResult {
    Sent(BatchSent),
    Refused(Failure),
}

/// It was sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of what `go_on` writes")]
struct BatchSent {
    /// Always 201.
    #[schema(minimum = 201, maximum = 201)]
    status: u16,
    #[schema(schema_with = schema::message_id)]
    id: String,
}

/// What the document says of this.
pub(super) fn endpoint() -> Endpoint {
    let items = ArrayBuilder::new()
        .items(reference::<BatchItem>())
        .min_items(Some(1))
        .max_items(Some(item::MOST));
    let example = json_of!([
        "order 1",
        { "body": "{}", "content_type": "application/json", "delay": "5s", "attributes": { "tenant": "a" } },
        { "body_base64": "AP8=" },
    ]);
    let array = ContentBuilder::new().schema(Some(items)).example(Some(example)).build();
    let lines = ContentBuilder::new()
        .schema(Some(schema::text()))
        .example(Some(json_of!("\"order 1\"\n{\"body\":\"order 2\",\"ttl\":\"1h\"}\n")))
        .build();
    let body = RequestBodyBuilder::new()
        .description(Some(
            "A JSON array of 1 to 1000 messages, or one JSON document a line. Which of the two it is its first \
             character says, whatever the `Content-Type`.",
        ))
        .required(Some(Required::True))
        .content("application/json", array)
        .content("application/x-ndjson", lines)
        .build();
    let mut endpoint = Endpoint::v1(
        HttpMethod::Post,
        "/v1/queues/{queue}/messages/batch",
        "sendMessages",
        "Send many messages\nEach for itself, in order: what does not fit or is no message is told in its \
         result, and the others are sent.",
    );
    endpoint.know::<BatchItem>();
    endpoint
        .tagged(tag::MESSAGES)
        .takes(body)
        .answers_json::<BatchResults>(
            "A result for each message.",
            json_of!({ "results": [
                { "status": 201, "id": super::delivery::ID_EXAMPLE },
                { "bound": "capacity", "limit": 10_000, "status": 429, "code": "queue_full",
                  "detail": "the queue holds 10000 messages, which is all it may", "retry_after_s": 1 },
            ] }),
        )
        .refuses(&[Code::InvalidBody, Code::Draining])
}
