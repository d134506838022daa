//! The one table from what went wrong to what the client is told.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONNECTION, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use thiserror::Error;

use super::answer::{Answer, text, without_body};
use super::json::InvalidEvent;
use crate::duration;
use crate::queue::SendRefusal;

/// Why a request was not carried out; its text is the answer's one line.
#[derive(Debug, Error)]
pub(super) enum Refusal {
    #[error("404 page not found")]
    UnknownPath { head: bool },
    #[error("Method not allowed")]
    Method { allowed: &'static str, head: bool },
    #[error("request body is larger than the limit of {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("the event is larger than the queue's limit of {limit} bytes")]
    EventTooLarge { limit: u64 },
    #[error("the server has no room for more events")]
    OutOfMemory,
    #[error("request body is incomplete")]
    BodyIncomplete,
    #[error("request body did not come within {}", duration::write(*.limit))]
    BodyTooSlow { limit: Duration },
    #[error("invalid request body: {0}")]
    InvalidEvent(#[from] InvalidEvent),
    #[error("cannot enqueue to a full buffer")]
    Full,
    #[error("cannot dequeue from an empty buffer")]
    Empty,
    #[error("the server is stopping")]
    Closed,
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::UnknownPath { .. } => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge { .. } | Self::EventTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyIncomplete | Self::InvalidEvent(_) => StatusCode::BAD_REQUEST,
            Self::BodyTooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            // The original answers 500 to both, and its clients look for that.
            Self::Full | Self::Empty => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Closed | Self::OutOfMemory => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        Answer::from(self).map_into_boxed_body().into()
    }
}

impl From<&Refusal> for Answer {
    #[cold]
    fn from(refusal: &Refusal) -> Self {
        let mut answer = text(refusal.status_code(), format!("{refusal}\n"));
        if let Refusal::Method { allowed, .. } = refusal {
            answer.headers_mut().append(ALLOW, HeaderValue::from_static(allowed));
        }
        if let Refusal::BodyTooSlow { .. } = refusal {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            answer.head_mut().set_connection_type(actix_http::ConnectionType::Close);
        }
        match refusal {
            Refusal::UnknownPath { head: true } | Refusal::Method { head: true, .. } => {
                without_body(answer)
            }
            _ => answer,
        }
    }
}

impl From<SendRefusal> for Refusal {
    fn from(why: SendRefusal) -> Self {
        match why {
            SendRefusal::Closed => Self::Closed,
            SendRefusal::TooLarge { max_message_bytes, .. } => {
                Self::EventTooLarge { limit: max_message_bytes }
            }
            SendRefusal::OutOfMemory { .. } => Self::OutOfMemory,
            SendRefusal::Full { .. } | SendRefusal::FullBytes { .. } | SendRefusal::Busy => {
                Self::Full
            }
        }
    }
}
