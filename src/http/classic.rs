//! The classic face: the six routes of the original service and `/status`.
//!
//! It works on one queue. The routes that only look say what was true at one moment, so the fields
//! of one `/status` always agree with each other.

use actix_web::http::{Method, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::json as json_of;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{RefOr, Required};
use utoipa::{PartialSchema, ToSchema};

use super::answer::{Answer, json};
use super::json::write_escaped;
use super::openapi::{Answered, Endpoint, schema, tag};
use super::problem::Code;
use super::refusal::Refusal;
use crate::broker::Named;
use crate::queue::Message;

/// Where a classic request goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Route {
    Enqueue,
    Dequeue,
    Look(Look),
}

/// A question about the queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Look {
    Size,
    Capacity,
    IsEmpty,
    IsFull,
    Status,
}

impl Route {
    pub(super) fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/enqueue" => Self::Enqueue,
            "/dequeue" => Self::Dequeue,
            "/size" => Self::Look(Look::Size),
            "/capacity" => Self::Look(Look::Capacity),
            "/isEmpty" => Self::Look(Look::IsEmpty),
            "/isFull" => Self::Look(Look::IsFull),
            "/status" => Self::Look(Look::Status),
            _ => return None,
        })
    }

    /// Why a request is refused before anything is taken: its method is not the route's own, or the
    /// server was about to stop when it came, and it would put something in.
    pub(super) fn refusal(self, method: &Method, draining: bool) -> Option<Refusal> {
        let (own, allowed) = match self {
            Self::Enqueue => (Method::POST, "POST"),
            Self::Dequeue | Self::Look(_) => (Method::GET, "GET"),
        };
        if *method != own {
            return Some(Refusal::Method { allowed, head: *method == Method::HEAD });
        }
        (draining && self == Self::Enqueue).then_some(Refusal::Closed)
    }
}

/// The answer to an enqueue that queued `event`.
pub(super) fn enqueued(event: &str) -> Answer {
    answer_with_event("Successfully enqueued event", event, "\"}\n")
}

/// The answer to a dequeue that took `message`.
///
/// A message that another face sent may be no text: then the event is its bytes in base64, and a
/// field `encoding` says so.
pub(super) fn dequeued(message: &Message) -> Answer {
    let said = "Successfully dequeued event";
    match std::str::from_utf8(message.body()) {
        Ok(event) => answer_with_event(said, event, "\"}\n"),
        Err(_) => {
            let event = BASE64.encode(message.body());
            answer_with_event(said, &event, "\",\"encoding\":\"base64\"}\n")
        }
    }
}

fn answer_with_event(message: &str, event: &str, end: &str) -> Answer {
    const PARTS: [&str; 2] = ["{\"message\":\"", "\",\"event\":\""];
    let fixed: usize = PARTS.iter().map(|part| part.len()).sum();
    let mut body = Vec::with_capacity(fixed + message.len() + event.len() + end.len());
    body.extend_from_slice(PARTS[0].as_bytes());
    body.extend_from_slice(message.as_bytes());
    body.extend_from_slice(PARTS[1].as_bytes());
    write_escaped(&mut body, event);
    body.extend_from_slice(end.as_bytes());
    json(body)
}

/// The answer to a question: size and empty tell what a dequeue could return, full whether an
/// enqueue would be refused.
pub(super) fn look(look: Look, queue: &Named) -> Answer {
    let ready = queue.ready();
    let size = if queue.is_paused() { 0 } else { ready };
    json(match look {
        Look::Size => format!("{{\"size\":{size}}}\n"),
        Look::Capacity => format!("{{\"capacity\":{}}}\n", queue.capacity()),
        Look::IsEmpty => format!("{{\"isEmpty\":{}}}\n", size == 0),
        Look::IsFull => format!("{{\"isFull\":{}}}\n", queue.is_full(ready)),
        Look::Status => {
            let (capacity, empty, full) = (queue.capacity(), size == 0, queue.is_full(ready));
            format!(
                "{{\"status\":\"OK\",\"size\":{size},\"capacity\":{capacity},\
                 \"isEmpty\":{empty},\"isFull\":{full}}}\n"
            )
        }
    })
}

/// An event on its way in, as [`read_event`](super::json::read_event) takes it.
struct ClassicEvent;

impl PartialSchema for ClassicEvent {
    fn schema() -> RefOr<Schema> {
        let or_null = |kind| SchemaType::Array(vec![kind, Type::Null]);
        let event = ObjectBuilder::new().schema_type(or_null(Type::String));
        ObjectBuilder::new()
            .schema_type(or_null(Type::Object))
            .description(Some(
                "An event on its way in. Unknown fields are ignored, `event` is matched whatever its case, and \
                 where it is missing the event is the empty string.",
            ))
            .property("event", event)
            .into()
    }
}

impl ToSchema for ClassicEvent {}

/// What became of an event.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of what `answer_with_event` writes")]
struct ClassicAnswer {
    message: String,
    /// The event.
    event: String,
    /// `base64`, where another face sent bytes that are no text.
    #[schema(required = false)]
    encoding: String,
}

macro_rules! looks {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* })*) => {$(
        $(#[$doc])*
        #[derive(ToSchema)]
        #[serde(rename_all = "camelCase")]
        #[expect(dead_code, reason = "the shape of what `look` writes")]
        struct $name { $($field: $type),* }
    )*};
}

looks! {
    /// How many events wait.
    ClassicSize { size: u64 }
    /// How many may wait.
    ClassicCapacity { capacity: u64 }
    /// Whether a dequeue would find nothing.
    ClassicIsEmpty { is_empty: bool }
    /// Whether an enqueue would be refused.
    ClassicIsFull { is_full: bool }
    /// All of that at one moment.
    ClassicStatus { status: String, size: u64, capacity: u64, is_empty: bool, is_full: bool }
}

/// What the document says of this face.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let line = |says: &str| Answered::new(says).content("text/plain", Some(schema::text().into()));
    let endpoint = |method, path, id, says| {
        Endpoint::text(method, path, id, says)
            .tagged(tag::CLASSIC)
            .refuses(&[Code::Forbidden])
            .answers(StatusCode::PAYLOAD_TOO_LARGE, line("The body or the event is too large."))
            .answers(StatusCode::BAD_REQUEST, line("The body is incomplete, or holds no event."))
            .answers(StatusCode::REQUEST_TIMEOUT, line("The body did not come in time."))
    };
    let look = |path, id, says| endpoint(HttpMethod::Get, path, id, says);
    vec![
        endpoint(
            HttpMethod::Post,
            "/enqueue",
            "enqueue",
            "Put an event in\nOnly the first JSON value of the body counts.",
        )
        .takes_json::<ClassicEvent>(Required::True, json_of!({ "event": "hello" }))
        .answers_json::<ClassicAnswer>(
            "It is queued.",
            json_of!({ "message": "Successfully enqueued event", "event": "hello" }),
        )
        .answers(StatusCode::INTERNAL_SERVER_ERROR, line("`cannot enqueue to a full buffer`"))
        .answers(StatusCode::SERVICE_UNAVAILABLE, line("The server is stopping, or out of memory.")),
        endpoint(HttpMethod::Get, "/dequeue", "dequeue", "Take an event out\nFor good.")
            .answers_json::<ClassicAnswer>(
                "The event.",
                json_of!({ "message": "Successfully dequeued event", "event": "hello" }),
            )
            .answers(
                StatusCode::INTERNAL_SERVER_ERROR,
                line("`cannot dequeue from an empty buffer`"),
            ),
        look("/size", "size", "How many events wait")
            .answers_json::<ClassicSize>("So many.", json_of!({ "size": 0 })),
        look("/capacity", "capacity", "How many may wait")
            .answers_json::<ClassicCapacity>("So many.", json_of!({ "capacity": 1024 })),
        look("/isEmpty", "isEmpty", "Whether a dequeue would find nothing")
            .answers_json::<ClassicIsEmpty>("Whether.", json_of!({ "isEmpty": true })),
        look("/isFull", "isFull", "Whether an enqueue would be refused")
            .answers_json::<ClassicIsFull>("Whether.", json_of!({ "isFull": false })),
        look("/status", "status", "All of that at one moment").answers_json::<ClassicStatus>(
            "All of it.",
            json_of!({ "status": "OK", "size": 0, "capacity": 1024, "isEmpty": true, "isFull": false }),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use actix_http::body::MessageBody as _;
    use actix_web::http::StatusCode;

    use super::*;
    use crate::broker::{Broker, QueueName, QueueSettings, SettingsDocument};
    use crate::clock::Clock;

    fn body(answer: Answer) -> String {
        assert_eq!(answer.status(), StatusCode::OK);
        let Ok(bytes) = answer.into_body().try_into_bytes() else { panic!("no buffer") };
        String::from_utf8(bytes.to_vec()).expect("JSON")
    }

    #[test]
    fn a_path_is_a_route_only_as_a_whole() {
        assert_eq!(Route::of("/isEmpty"), Some(Route::Look(Look::IsEmpty)));
        for path in ["", "/", "/isempty", "/size/", "//size", "/enqueue/1", "/status%20"] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }

    #[test]
    fn answers_carry_the_event_escaped() {
        assert_eq!(
            body(enqueued("a \"b\"")),
            "{\"message\":\"Successfully enqueued event\",\"event\":\"a \\\"b\\\"\"}\n"
        );
        assert_eq!(
            body(dequeued(&Message::text(""))),
            "{\"message\":\"Successfully dequeued event\",\"event\":\"\"}\n"
        );
    }

    #[test]
    fn looking_tells_the_state_of_the_queue() {
        let settings = QueueSettings::with_capacity(1);
        let broker = Broker::new(Clock::start(), u64::MAX, settings);
        let name = QueueName::default_queue();
        broker.declare(&name, SettingsDocument::default()).expect("a small queue");
        let queue = broker.queue(QueueName::DEFAULT).expect("it was made");
        assert_eq!(body(look(Look::Size, &queue)), "{\"size\":0}\n");
        assert_eq!(body(look(Look::IsEmpty, &queue)), "{\"isEmpty\":true}\n");
        broker.try_send(&queue, Message::text("one")).expect("room for one");
        assert_eq!(body(look(Look::Capacity, &queue)), "{\"capacity\":1}\n");
        assert_eq!(body(look(Look::IsFull, &queue)), "{\"isFull\":true}\n");
        assert_eq!(
            body(look(Look::Status, &queue)),
            "{\"status\":\"OK\",\"size\":1,\"capacity\":1,\"isEmpty\":false,\"isFull\":true}\n"
        );
    }
}
