//! Responses as the connection sends them: a status, a content type and one buffer.

use std::pin::Pin;

use actix_http::Response;
use actix_http::body::EitherBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::web::Bytes;

/// A response whose body is one buffer, or whatever the actix-web application made.
pub(super) type Answer = Response<EitherBody<Bytes>>;

pub(super) type LocalBoxFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// What becomes of a request.
pub(super) enum Reply {
    /// Its answer.
    Now(Answer),
    /// Its answer once something has happened. It owns nothing of the request.
    Later(LocalBoxFuture<Answer>),
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self::Now(answer)
    }
}

/// 200 with a JSON body.
pub(super) fn json(body: impl Into<Bytes>) -> Answer {
    answer(StatusCode::OK, "application/json", body.into())
}

/// One line of plain text.
pub(super) fn text(status: StatusCode, line: String) -> Answer {
    answer(status, "text/plain; charset=utf-8", line.into())
}

/// A body of another type.
pub(super) fn typed(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Answer {
    answer(status, content_type, body.into())
}

/// No body at all.
pub(super) fn empty(status: StatusCode) -> Answer {
    Response::with_body(status, EitherBody::left(Bytes::new()))
}

fn answer(status: StatusCode, content_type: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::with_body(status, EitherBody::left(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
