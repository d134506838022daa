//! Responses as the connection sends them: a status, a content type and one buffer.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_http::Response;
use actix_http::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::web::Bytes;

use crate::broker::Delivered;

/// A response whose body is one buffer, or whatever the actix-web application made.
pub(super) type Answer = Response<EitherBody<Bytes>>;

/// 200 with a JSON body.
pub(super) fn json(body: impl Into<Bytes>) -> Answer {
    answer(StatusCode::OK, "application/json", body.into())
}

/// 200 with a body of any type.
pub(super) fn ok(content_type: HeaderValue, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::with_body(StatusCode::OK, EitherBody::left(body.into()));
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    answer
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

/// 200 with this body, whose messages have reached their consumer once it was written.
pub(super) fn deliver(content_type: HeaderValue, bytes: Bytes, delivered: Delivered) -> Answer {
    let mut answer = if bytes.is_empty() {
        // The connection never asks for a body that it knows to be empty.
        delivered.passed_on();
        empty(StatusCode::OK)
    } else {
        let body = DeliveryBody { bytes, delivered: Some(delivered) };
        Response::with_body(StatusCode::OK, EitherBody::right(BoxBody::new(body)))
    };
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    answer
}

/// A body that gives its messages back if it is dropped before it was written.
struct DeliveryBody {
    bytes: Bytes,
    delivered: Option<Delivered>,
}

impl MessageBody for DeliveryBody {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.bytes.len() as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let Some(delivered) = self.delivered.take() else { return Poll::Ready(None) };
        delivered.passed_on();
        Poll::Ready(Some(Ok(mem::take(&mut self.bytes))))
    }
}
