//! The v1 face's errors: one table from what went wrong to what the client is told (RFC 9457).

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONNECTION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::{Map, Value, json};

use super::answer::{Answer, PROBLEM_JSON, number, typed};
use crate::broker::{Error, MoveError};
use crate::duration;
use crate::queue::{LeaseError, SendRefusal};

/// Why a request was not carried out.
///
/// Its `code` is stable and never used for anything else; `type` is `urn:ringmq:problem:` and the
/// code. Further members name what was wrong and the limit.
#[derive(Debug)]
pub(super) struct Problem(Box<Facts>);

#[derive(Debug)]
struct Facts {
    status: StatusCode,
    code: &'static str,
    detail: String,
    members: Map<String, Value>,
    retry_after: Option<Duration>,
    allow: Option<&'static str>,
    /// How a client shows who it is.
    challenge: Option<&'static str>,
    close: bool,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Facts {
            status,
            code,
            detail: detail.into(),
            members: Map::new(),
            retry_after: None,
            allow: None,
            challenge: None,
            close: false,
        }))
    }

    /// With a further member.
    pub(super) fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(member.to_owned(), value.into());
        self
    }

    /// There is nothing at this path.
    pub(super) fn unknown_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown_path", "there is nothing at this path")
    }

    /// The path has no such method.
    pub(super) fn method(allowed: &'static str) -> Self {
        let detail = format!("this path has the methods {allowed}");
        let mut problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
        problem.0.allow = Some(allowed);
        problem
    }

    /// A header, a parameter or a field is not what it should be.
    pub(super) fn invalid(field: &str, problem: impl Into<String>) -> Self {
        let detail = format!("`{field}` {}", problem.into());
        Self::new(StatusCode::BAD_REQUEST, "invalid_parameter", detail).with("field", field)
    }

    /// A field of a body can be read and makes no sense.
    pub(super) fn senseless(field: &str, problem: impl Into<String>) -> Self {
        let detail = format!("`{field}` {}", problem.into());
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_setting", detail).with("field", field)
    }

    /// The body is not what it should be.
    pub(super) fn body(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_body", detail)
    }

    /// With the field that is to blame, which the detail may not name.
    pub(super) fn about(mut self, field: &str) -> Self {
        let named = format!("`{field}`");
        if !self.0.detail.contains(&named) {
            self.0.detail = format!("{named}: {}", self.0.detail);
        }
        self.with("field", field)
    }

    /// The body broke off.
    pub(super) fn body_incomplete() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "incomplete_body", "the body is incomplete")
    }

    /// The body is too large to be read.
    pub(super) fn body_too_large(limit: usize) -> Self {
        let detail = format!("the body is larger than the limit of {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail).with("limit", limit)
    }

    /// The body did not come in time.
    pub(super) fn body_too_slow(limit: Duration) -> Self {
        let detail = format!("the body did not come within {}", duration::write(limit));
        let mut problem = Self::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail);
        problem.0.close = true;
        problem
    }

    /// Nobody says who asks, or `given` who it is that is not known.
    pub(super) fn unauthorized(detail: &str, given: bool) -> Self {
        let mut problem = Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail);
        problem.0.challenge = Some(match given {
            true => "Bearer realm=\"ringmq\", error=\"invalid_token\"",
            false => "Bearer realm=\"ringmq\"",
        });
        problem
    }

    /// Who asks may not: a role is needed, on a queue or on all of them (`*`).
    pub(super) fn forbidden(role: &str, queue: &str) -> Self {
        let detail = format!("the token has no role `{role}` on the queue `{queue}`");
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
            .with("role", role)
            .with("queue", queue)
    }

    /// A page of another origin asks.
    pub(super) fn cross_origin() -> Self {
        let detail = "the request comes from a page of another origin";
        Self::new(StatusCode::FORBIDDEN, "cross_origin", detail)
    }

    /// No message has this id, or not any more.
    pub(super) fn unknown_message() -> Self {
        let detail = "there is no message with this id, or not any more";
        Self::new(StatusCode::NOT_FOUND, "message_not_found", detail)
    }

    /// As one result among several.
    pub(super) fn result(&self) -> Value {
        let mut members = self.0.members.clone();
        members.insert("status".into(), self.0.status.as_u16().into());
        members.insert("code".into(), self.0.code.into());
        members.insert("detail".into(), self.0.detail.as_str().into());
        if let Some(wait) = self.0.retry_after {
            members.insert("retry_after_s".into(), wait.as_secs().into());
        }
        Value::Object(members)
    }

    /// As the answer.
    pub(super) fn answer(&self) -> Answer {
        let mut document = Map::new();
        document.insert("type".into(), format!("urn:ringmq:problem:{}", self.0.code).into());
        document.insert(
            "title".into(),
            self.0.status.canonical_reason().unwrap_or("Error").to_owned().into(),
        );
        if let Value::Object(members) = self.result() {
            document.extend(members);
        }
        let body = format!("{}\n", Value::Object(document));
        let mut answer = typed(self.0.status, PROBLEM_JSON, body);
        let headers = answer.headers_mut();
        if let Some(wait) = self.0.retry_after {
            headers.insert(RETRY_AFTER, number(wait.as_secs()));
        }
        if let Some(allow) = self.0.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if let Some(challenge) = self.0.challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if self.0.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
            answer.head_mut().set_connection_type(actix_http::ConnectionType::Close);
        }
        answer
    }
}

/// At least one, as HTTP has it.
fn whole_seconds(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
        .max(Duration::from_secs(1))
}

impl From<Error> for Problem {
    #[cold]
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        let (status, code) = status_and_code(&error);
        let mut problem = Self::new(status, code, detail);
        match error {
            Error::NotFound(name) => problem = problem.with("queue", name.as_str()),
            Error::Full { refusal, retry_after } => {
                problem.0.retry_after = Some(whole_seconds(retry_after));
                problem = match refusal {
                    SendRefusal::Full { capacity } => {
                        problem.with("bound", "capacity").with("limit", capacity)
                    }
                    SendRefusal::FullBytes { max_bytes } => {
                        problem.with("bound", "max_bytes").with("limit", max_bytes)
                    }
                    SendRefusal::OutOfMemory { limit } => {
                        problem.with("bound", "max_memory_bytes").with("limit", limit)
                    }
                    SendRefusal::TooLarge { .. } | SendRefusal::Busy | SendRefusal::Closed => {
                        problem
                    }
                };
            }
            Error::TooLarge(SendRefusal::TooLarge { size, max_message_bytes }) => {
                problem = problem.with("size", size).with("limit", max_message_bytes);
            }
            Error::Setting { field, .. } => problem = problem.with("field", field),
            Error::InvalidName(_) => problem = problem.with("field", "queue"),
            Error::InUse { by, .. } => problem = problem.with("used_by", by.as_str()),
            Error::Draining => {
                problem.0.retry_after = Some(Duration::from_secs(1));
                problem.0.close = true;
            }
            Error::TooLarge(_)
            | Error::Lease(_)
            | Error::KeyConflict
            | Error::KeyInProgress
            | Error::Resize(_)
            | Error::Capacity(_)
            | Error::Move(_)
            | Error::Undeletable
            | Error::AlreadyExists { .. } => {}
        }
        if code == "idempotency_key_in_progress" {
            problem.0.retry_after = Some(Duration::from_secs(1));
        }
        problem
    }
}

/// The table.
fn status_and_code(error: &Error) -> (StatusCode, &'static str) {
    match error {
        Error::InvalidName(_) => (StatusCode::BAD_REQUEST, "invalid_queue_name"),
        Error::NotFound(_) => (StatusCode::NOT_FOUND, "queue_not_found"),
        Error::Full { refusal: SendRefusal::OutOfMemory { .. }, .. } => {
            (StatusCode::SERVICE_UNAVAILABLE, "out_of_memory")
        }
        Error::Full { .. } => (StatusCode::TOO_MANY_REQUESTS, "queue_full"),
        Error::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "message_too_large"),
        Error::Lease(LeaseError::Lost) => (StatusCode::CONFLICT, "lease_lost"),
        Error::Lease(LeaseError::Gone) => (StatusCode::GONE, "message_gone"),
        Error::Lease(LeaseError::Unknown) => (StatusCode::NOT_FOUND, "receipt_unknown"),
        Error::KeyConflict => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
        Error::KeyInProgress => (StatusCode::CONFLICT, "idempotency_key_in_progress"),
        Error::Resize(crate::queue::ResizeError::BelowDepth { .. }) => {
            (StatusCode::CONFLICT, "capacity_below_depth")
        }
        Error::Resize(_) | Error::Capacity(_) | Error::Setting { .. } => {
            (StatusCode::UNPROCESSABLE_ENTITY, "invalid_setting")
        }
        Error::Move(MoveError::Unknown) => (StatusCode::NOT_FOUND, "move_not_found"),
        Error::Move(MoveError::UnderWay) => (StatusCode::CONFLICT, "move_under_way"),
        Error::Move(MoveError::Over) => (StatusCode::CONFLICT, "move_over"),
        Error::Undeletable => (StatusCode::CONFLICT, "queue_undeletable"),
        Error::AlreadyExists { .. } => (StatusCode::CONFLICT, "queue_exists"),
        Error::InUse { .. } => (StatusCode::CONFLICT, "queue_in_use"),
        Error::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
    }
}

/// One result among several that went well.
pub(super) fn went_well(status: StatusCode) -> Value {
    json!({ "status": status.as_u16() })
}
