//! The two protocols around the actions: how a request is read, and its answer written.

use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::actions::Output;
use super::call::Call;
use super::errors::SqsError;
use super::{json, query, xml};
use crate::http::answer::{Answer, deliver, typed};

/// What a request says, in its protocol.
pub(super) enum Input {
    /// The document of the JSON protocol.
    Json(Bytes),
    /// The parameters of the query protocol, as such a document.
    Query(Value),
}

impl Input {
    pub(super) fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, SqsError> {
        match self {
            Self::Json(body) => json::read(body),
            Self::Query(document) => query::read(document),
        }
    }

    pub(super) fn write<T: Output>(
        &self,
        call: &Call,
        action: &str,
        answer: T,
    ) -> Result<Answer, SqsError> {
        let (content_type, body) = match self {
            Self::Json(_) => (json::TYPE, json::write(&answer)?),
            Self::Query(_) => (xml::TYPE, xml::write(action, &answer, &call.request_id)?),
        };
        Ok(match answer.into_delivered() {
            Some(delivered) => deliver(content_type, body.into(), delivered),
            None => typed(StatusCode::OK, content_type, body),
        })
    }
}

/// Which protocol a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Json,
    Query,
}

impl Protocol {
    #[cold]
    pub(super) fn error(self, error: &SqsError, request_id: &str) -> Answer {
        match self {
            Self::Json => json::error(error),
            Self::Query => xml::error(error, request_id),
        }
    }
}
