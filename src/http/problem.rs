//! The v1 face's errors: one table from what went wrong to what the client is told (RFC 9457).

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONNECTION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::answer::{Answer, PROBLEM_JSON, number, typed};
use crate::broker::{Error, MoveError};
use crate::duration;
use crate::queue::{LeaseError, SendRefusal};

/// Whether the same request may go well later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// Not as it is.
    No,
    /// After the seconds of `Retry-After`.
    After,
}

macro_rules! codes {
    ($($name:ident = $code:literal, $status:ident, $retry:ident, $meaning:literal;)*) => {
        /// What went wrong, as clients tell it apart. A code is stable and never used for anything else.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Code {
            $(#[doc = $meaning] $name,)*
        }

        impl Code {
            /// All there are.
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];

            /// As it is written.
            pub(super) const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            pub(super) const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            pub(super) const fn retry(self) -> Retry {
                match self { $(Self::$name => Retry::$retry,)* }
            }

            /// One sentence for whoever meets it.
            pub(super) const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

// The table.
codes! {
    InvalidParameter = "invalid_parameter", BAD_REQUEST, No,
        "A parameter, a header or a field, named by `field`, is unknown, given twice or out of its \
         range.";
    InvalidBody = "invalid_body", BAD_REQUEST, No,
        "The body is not what this request takes.";
    IncompleteBody = "incomplete_body", BAD_REQUEST, No,
        "The body broke off before its end.";
    InvalidQueueName = "invalid_queue_name", BAD_REQUEST, No,
        "The path has no name that a queue can have.";
    Unauthorized = "unauthorized", UNAUTHORIZED, No,
        "The server asks for a token, and the request has none that it knows.";
    Forbidden = "forbidden", FORBIDDEN, No,
        "The token does not have the role that this needs, which is `role`, on this queue.";
    CrossOrigin = "cross_origin", FORBIDDEN, No,
        "A browser says that the request comes from a page of another origin.";
    UnknownPath = "unknown_path", NOT_FOUND, No,
        "There is nothing at this path.";
    QueueNotFound = "queue_not_found", NOT_FOUND, No,
        "There is no queue of this name, or not any more.";
    MessageNotFound = "message_not_found", NOT_FOUND, No,
        "No message of this queue has this id, or not any more.";
    ReceiptUnknown = "receipt_unknown", NOT_FOUND, No,
        "This queue never gave such a receipt, or not since the server was started.";
    MoveNotFound = "move_not_found", NOT_FOUND, No,
        "There is no such move of messages.";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, No,
        "The path has other methods, which `Allow` names.";
    BodyTimeout = "body_timeout", REQUEST_TIMEOUT, No,
        "The body did not come in time.";
    LeaseLost = "lease_lost", CONFLICT, No,
        "The lease is over and the message was delivered again, or waits for that: somebody else has \
         to do it.";
    IdempotencyKeyInProgress = "idempotency_key_in_progress", CONFLICT, After,
        "The first send with this idempotency key is under way.";
    CapacityBelowDepth = "capacity_below_depth", CONFLICT, No,
        "The queue holds more messages than the capacity it was to have.";
    QueueInUse = "queue_in_use", CONFLICT, No,
        "The queue takes the dead letters of another one, named by `used_by`.";
    QueueUndeletable = "queue_undeletable", CONFLICT, No,
        "The queue `default` belongs to the classic routes and stays.";
    QueueExists = "queue_exists", CONFLICT, No,
        "There is a queue of this name already.";
    MoveUnderWay = "move_under_way", CONFLICT, No,
        "Messages are being moved from this queue already.";
    MoveOver = "move_over", CONFLICT, No,
        "The move of messages has ended already.";
    MessageGone = "message_gone", GONE, No,
        "The message was acknowledged, has expired or was removed.";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, No,
        "The body has more bytes than the server reads, which is `limit`.";
    MessageTooLarge = "message_too_large", PAYLOAD_TOO_LARGE, No,
        "The message has more bytes than one of this queue may have, which is `limit`.";
    InvalidSetting = "invalid_setting", UNPROCESSABLE_ENTITY, No,
        "A setting, named by `field`, can be read and makes no sense here.";
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, No,
        "The idempotency key came with another message before.";
    QueueFull = "queue_full", TOO_MANY_REQUESTS, After,
        "The queue has no room; `bound` says which of its bounds it met.";
    OutOfMemory = "out_of_memory", SERVICE_UNAVAILABLE, After,
        "All queues together hold as many bytes as the server may.";
    TooManyConnections = "too_many_connections", SERVICE_UNAVAILABLE, After,
        "There are as many connections as there may be; told before any request is read.";
    Draining = "draining", SERVICE_UNAVAILABLE, After,
        "The server is stopping and takes no more messages.";
    TooManyWatchers = "too_many_watchers", SERVICE_UNAVAILABLE, After,
        "As many pages watch the queues as the server lets.";
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

/// Why something was not carried out: a request, or one part of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Failure {
    /// The parameter, header or field that is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<String>,
    /// The role that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    role: Option<&'static str>,
    /// The queue that is not there, or where the role is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    queue: Option<String>,
    /// The queue whose dead letters come here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    used_by: Option<String>,
    /// Which bound was met: `capacity` and `max_bytes` are the queue's, `max_memory_bytes` the server's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    bound: Option<&'static str>,
    /// How many bytes the message has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    size: Option<u64>,
    /// The most there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    limit: Option<u64>,
    /// The HTTP status of this.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    #[schema(schema_with = Code::schema)]
    code: Code,
    /// What went wrong, for people.
    detail: String,
    /// After how many seconds it may go well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 60)]
    retry_after_s: Option<u64>,
}

/// An error as RFC 9457 has it.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Document<'failure> {
    /// `urn:ringmq:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// What the status is called.
    title: &'static str,
    #[serde(flatten)]
    failure: &'failure Failure,
}

/// Why a request was not carried out.
#[derive(Debug)]
pub(super) struct Problem(Box<Facts>);

#[derive(Debug)]
struct Facts {
    code: Code,
    failure: Failure,
    allow: Option<&'static str>,
    /// How a client shows who it is.
    challenge: Option<&'static str>,
    close: bool,
}

impl Problem {
    pub(super) fn new(code: Code, detail: impl Into<String>) -> Self {
        let failure = Failure {
            field: None,
            role: None,
            queue: None,
            used_by: None,
            bound: None,
            size: None,
            limit: None,
            status: code.status().as_u16(),
            code,
            detail: detail.into(),
            retry_after_s: None,
        };
        Self(Box::new(Facts { code, failure, allow: None, challenge: None, close: false }))
    }

    /// With the parameter, header or field that is to blame.
    fn with_field(mut self, field: &str) -> Self {
        self.0.failure.field = Some(field.to_owned());
        self
    }

    /// With the most there may be.
    pub(super) fn with_limit(mut self, limit: u64) -> Self {
        self.0.failure.limit = Some(limit);
        self
    }

    /// With the bound that was met, and the most it allows.
    fn with_bound(mut self, bound: &'static str, limit: u64) -> Self {
        self.0.failure.bound = Some(bound);
        self.with_limit(limit)
    }

    fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.failure.retry_after_s = Some(whole_seconds(wait));
        self
    }

    /// There is nothing at this path.
    pub(super) fn unknown_path() -> Self {
        Self::new(Code::UnknownPath, "there is nothing at this path")
    }

    /// The path has no such method.
    pub(super) fn method(allowed: &'static str) -> Self {
        let detail = format!("this path has the methods {allowed}");
        let mut problem = Self::new(Code::MethodNotAllowed, detail);
        problem.0.allow = Some(allowed);
        problem
    }

    /// A header, a parameter or a field is not what it should be.
    pub(super) fn invalid(field: &str, problem: impl Into<String>) -> Self {
        let detail = format!("`{field}` {}", problem.into());
        Self::new(Code::InvalidParameter, detail).with_field(field)
    }

    /// A field of a body can be read and makes no sense.
    pub(super) fn senseless(field: &str, problem: impl Into<String>) -> Self {
        let detail = format!("`{field}` {}", problem.into());
        Self::new(Code::InvalidSetting, detail).with_field(field)
    }

    /// The body is not what it should be.
    pub(super) fn body(detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidBody, detail)
    }

    /// With the field that is to blame, which the detail may not name.
    pub(super) fn about(mut self, field: &str) -> Self {
        let named = format!("`{field}`");
        let detail = &mut self.0.failure.detail;
        if !detail.contains(&named) {
            *detail = format!("{named}: {detail}");
        }
        self.with_field(field)
    }

    /// The body broke off.
    pub(super) fn body_incomplete() -> Self {
        Self::new(Code::IncompleteBody, "the body is incomplete")
    }

    /// The body is too large to be read.
    pub(super) fn body_too_large(limit: usize) -> Self {
        let detail = format!("the body is larger than the limit of {limit} bytes");
        Self::new(Code::BodyTooLarge, detail).with_limit(limit as u64)
    }

    /// The body did not come in time.
    pub(super) fn body_too_slow(limit: Duration) -> Self {
        let detail = format!("the body did not come within {}", duration::write(limit));
        let mut problem = Self::new(Code::BodyTimeout, detail);
        problem.0.close = true;
        problem
    }

    /// Nobody says who asks, or `given` who it is that is not known.
    pub(super) fn unauthorized(detail: &str, given: bool) -> Self {
        let mut problem = Self::new(Code::Unauthorized, detail);
        problem.0.challenge = Some(match given {
            true => "Bearer realm=\"ringmq\", error=\"invalid_token\"",
            false => "Bearer realm=\"ringmq\"",
        });
        problem
    }

    /// Who asks may not: a role is needed, on a queue or on all of them (`*`).
    pub(super) fn forbidden(role: &'static str, queue: &str) -> Self {
        let detail = format!("the token has no role `{role}` on the queue `{queue}`");
        let mut problem = Self::new(Code::Forbidden, detail);
        problem.0.failure.role = Some(role);
        problem.0.failure.queue = Some(queue.to_owned());
        problem
    }

    /// A page of another origin asks.
    pub(super) fn cross_origin() -> Self {
        Self::new(Code::CrossOrigin, "the request comes from a page of another origin")
    }

    /// Nobody else can watch the queues now.
    pub(super) fn too_many_watchers(detail: impl Into<String>) -> Self {
        Self::new(Code::TooManyWatchers, detail).with_retry_after(Duration::from_secs(5))
    }

    /// No message has this id, or not any more.
    pub(super) fn unknown_message() -> Self {
        let detail = "there is no message with this id, or not any more";
        Self::new(Code::MessageNotFound, detail)
    }

    /// As one result among several.
    pub(super) fn result(&self) -> &Failure {
        &self.0.failure
    }

    /// There is no place for one more connection.
    fn too_many_connections() -> Self {
        Self::new(Code::TooManyConnections, "there are too many connections")
            .with_retry_after(Duration::from_secs(1))
    }

    fn document(&self) -> Vec<u8> {
        let Facts { code, failure, .. } = &*self.0;
        line(&Document {
            kind: format!("urn:ringmq:problem:{}", code.as_str()),
            title: code.status().canonical_reason().unwrap_or("Error"),
            failure,
        })
    }

    /// As the answer.
    pub(super) fn answer(&self) -> Answer {
        let Facts { code, failure, allow, challenge, close } = &*self.0;
        let mut answer = typed(code.status(), PROBLEM_JSON, self.document());
        let headers = answer.headers_mut();
        if let Some(wait) = failure.retry_after_s {
            headers.insert(RETRY_AFTER, number(wait));
        }
        if let Some(allow) = allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if let Some(challenge) = challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if *close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
            answer.head_mut().set_connection_type(actix_http::ConnectionType::Close);
        }
        answer
    }
}

/// What a client is told, byte by byte, for whose connection there is no place: nobody reads its request.
pub(crate) fn no_place() -> Vec<u8> {
    let problem = Problem::too_many_connections();
    let (status, body) = (problem.0.code.status(), problem.document());
    let wait = problem.0.failure.retry_after_s.unwrap_or(1);
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         retry-after: {wait}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

/// At least one, as HTTP has it.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

impl From<Error> for Problem {
    #[cold]
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        let code = Code::of(&error);
        let mut problem = Self::new(code, detail);
        match error {
            Error::NotFound(name) => problem.0.failure.queue = Some(name.to_string()),
            Error::Full { refusal, retry_after } => {
                problem = problem.with_retry_after(retry_after);
                problem = match refusal {
                    SendRefusal::Full { capacity } => problem.with_bound("capacity", capacity),
                    SendRefusal::FullBytes { max_bytes } => {
                        problem.with_bound("max_bytes", max_bytes)
                    }
                    SendRefusal::OutOfMemory { limit } => {
                        problem.with_bound("max_memory_bytes", limit)
                    }
                    SendRefusal::TooLarge { .. } | SendRefusal::Busy | SendRefusal::Closed => {
                        problem
                    }
                };
            }
            Error::TooLarge(SendRefusal::TooLarge { size, max_message_bytes }) => {
                problem.0.failure.size = Some(size);
                problem = problem.with_limit(max_message_bytes);
            }
            Error::Setting { field, .. } => problem = problem.with_field(field),
            Error::InvalidName(_) => problem = problem.with_field("queue"),
            Error::InUse { by, .. } => problem.0.failure.used_by = Some(by.to_string()),
            Error::Draining => {
                problem = problem.with_retry_after(Duration::from_secs(1));
                problem.0.close = true;
            }
            Error::KeyInProgress => problem = problem.with_retry_after(Duration::from_secs(1)),
            Error::TooLarge(_)
            | Error::Lease(_)
            | Error::KeyConflict
            | Error::Resize(_)
            | Error::Capacity(_)
            | Error::Move(_)
            | Error::Undeletable
            | Error::AlreadyExists { .. } => {}
        }
        problem
    }
}

impl Code {
    fn schema() -> ObjectBuilder {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("What went wrong, for programs."))
            .enum_values(Some(Self::ALL.iter().map(|code| code.as_str())))
    }

    /// What an error of the broker is called.
    fn of(error: &Error) -> Self {
        match error {
            Error::InvalidName(_) => Self::InvalidQueueName,
            Error::NotFound(_) => Self::QueueNotFound,
            Error::Full { refusal: SendRefusal::OutOfMemory { .. }, .. } => Self::OutOfMemory,
            Error::Full { .. } => Self::QueueFull,
            Error::TooLarge(_) => Self::MessageTooLarge,
            Error::Lease(LeaseError::Lost) => Self::LeaseLost,
            Error::Lease(LeaseError::Gone) => Self::MessageGone,
            Error::Lease(LeaseError::Unknown) => Self::ReceiptUnknown,
            Error::KeyConflict => Self::IdempotencyKeyReused,
            Error::KeyInProgress => Self::IdempotencyKeyInProgress,
            Error::Resize(crate::queue::ResizeError::BelowDepth { .. }) => Self::CapacityBelowDepth,
            Error::Resize(_) | Error::Capacity(_) | Error::Setting { .. } => Self::InvalidSetting,
            Error::Move(MoveError::Unknown) => Self::MoveNotFound,
            Error::Move(MoveError::UnderWay) => Self::MoveUnderWay,
            Error::Move(MoveError::Over) => Self::MoveOver,
            Error::Undeletable => Self::QueueUndeletable,
            Error::AlreadyExists { .. } => Self::QueueExists,
            Error::InUse { .. } => Self::QueueInUse,
            Error::Draining => Self::Draining,
        }
    }
}

/// A JSON document in a line.
pub(super) fn line(document: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(document).expect("no document has a key that is no string");
    line.push(b'\n');
    line
}
