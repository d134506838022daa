//! The AWS JSON 1.0 protocol: the request is a JSON document, and so is the answer.

use actix_web::http::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::errors::{Kind, SqsError};
use crate::http::answer::{Answer, typed};

pub(super) const TYPE: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");

/// The error's code of the query protocol, which SDKs that were made for that one look for.
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// Reads a request. No body is a request that says nothing.
pub(super) fn read<'body, T: Deserialize<'body>>(body: &'body [u8]) -> Result<T, SqsError> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    // The parser would also take an array of the fields' values.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(SqsError::new(Kind::Serialization, "The request must be a JSON object."));
    }
    serde_json::from_slice(body).map_err(|error| {
        SqsError::new(Kind::Serialization, format!("The request is no such JSON: {error}"))
    })
}

/// Writes what an action answers.
pub(super) fn write<T: Serialize>(answer: &T) -> Result<Vec<u8>, SqsError> {
    serde_json::to_vec(answer)
        .map_err(|error| SqsError::new(Kind::InternalFailure, error.to_string()))
}

/// Tells an error.
#[cold]
pub(super) fn error(error: &SqsError) -> Answer {
    let facts = error.kind.facts();
    let body = json!({ "__type": facts.shape, "message": error.message });
    let mut answer = typed(facts.status, TYPE, body.to_string());
    let query_error = format!("{};{}", facts.code, facts.side.as_str());
    if let Ok(query_error) = HeaderValue::try_from(query_error) {
        answer.headers_mut().insert(QUERY_ERROR, query_error);
    }
    answer
}

#[cfg(test)]
mod tests {
    use actix_http::body::MessageBody as _;
    use serde_json::Value;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Request {
        #[serde(rename = "Name")]
        name: Option<String>,
    }

    #[test]
    fn a_request_is_an_object_and_may_be_left_out() {
        assert_eq!(read::<Request>(b"").unwrap(), Request { name: None });
        assert_eq!(
            read::<Request>(br#" {"Name":"a"}"#).unwrap(),
            Request { name: Some("a".into()) }
        );
        for body in ["[\"a\"]", "\"a\"", "{", "{\"Name\":1}", "null"] {
            let error = read::<Request>(body.as_bytes()).expect_err(body);
            assert_eq!(error.kind, Kind::Serialization, "{body}");
        }
    }

    #[test]
    fn an_error_is_told_by_its_shape_and_by_its_code() {
        let answer = error(&SqsError::no_queue());
        assert_eq!(answer.status().as_u16(), 400);
        assert_eq!(
            answer.headers().get(QUERY_ERROR).unwrap(),
            "AWS.SimpleQueueService.NonExistentQueue;Sender"
        );
        let body = answer.into_body().try_into_bytes().ok().expect("it is there as a whole");
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["__type"], "com.amazonaws.sqs#QueueDoesNotExist");
        assert_eq!(body["message"], "The specified queue does not exist.");
    }
}
