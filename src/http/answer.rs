//! Responses as the connection sends them: a status, a content type and one buffer.

use std::convert::Infallible;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_http::Response;
use actix_http::body::{BodySize, EitherBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use actix_web::web::Bytes;

use crate::broker::Delivered;

/// A response whose body is one buffer, or whatever the actix-web application made.
pub(super) type Answer = Response<EitherBody<AnswerBody>>;

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

/// One buffer, and the messages in it: they go back if it is dropped before it was written.
pub struct AnswerBody {
    bytes: Bytes,
    delivered: Option<Delivered>,
    /// Whether it is an answer to a HEAD, which has no body.
    head: bool,
}

impl From<Bytes> for AnswerBody {
    fn from(bytes: Bytes) -> Self {
        Self { bytes, delivered: None, head: false }
    }
}

impl MessageBody for AnswerBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        match self.head {
            true => BodySize::Stream,
            false => BodySize::Sized(self.bytes.len() as u64),
        }
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        if let Some(delivered) = self.delivered.take() {
            delivered.passed_on();
        }
        Poll::Ready(Some(Ok(mem::take(&mut self.bytes))))
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        if self.head || self.delivered.is_some() { Err(self) } else { Ok(self.bytes) }
    }
}

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
pub(super) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
pub(super) const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// 200 with a JSON body.
pub(super) fn json(body: impl Into<Bytes>) -> Answer {
    typed(StatusCode::OK, JSON, body)
}

/// One line of plain text.
pub(super) fn text(status: StatusCode, line: String) -> Answer {
    typed(status, TEXT, line)
}

/// A body of any type.
pub(super) fn typed(
    status: StatusCode,
    content_type: HeaderValue,
    body: impl Into<Bytes>,
) -> Answer {
    answer(status, content_type, body.into().into())
}

/// No body at all.
pub(super) fn empty(status: StatusCode) -> Answer {
    Response::with_body(status, EitherBody::left(Bytes::new().into()))
}

/// The answer to a HEAD, of which this would be the one to a GET: its length is told all the same.
///
/// actix-http leaves out the body of an answer to a HEAD, but looks at the request that it parsed
/// last, which in a pipeline is another one. So this is a stream that ends at once, in no coding, and
/// the length a header like any other.
pub(super) fn without_body(answer: Answer) -> Answer {
    answer.map_body(|head, body| {
        if let BodySize::Sized(length) = body.size() {
            head.headers_mut().append(CONTENT_LENGTH, number(length));
        }
        head.no_chunking(true);
        EitherBody::left(AnswerBody { bytes: Bytes::new(), delivered: None, head: true })
    })
}

/// 200 with messages, which have reached their consumer once the body was written.
pub(super) fn deliver(content_type: HeaderValue, bytes: Bytes, delivered: Delivered) -> Answer {
    let delivered = if bytes.is_empty() {
        // The connection never asks for a body that it knows to be empty.
        delivered.passed_on();
        None
    } else {
        Some(delivered)
    };
    answer(StatusCode::OK, content_type, AnswerBody { bytes, delivered, head: false })
}

fn answer(status: StatusCode, content_type: HeaderValue, body: AnswerBody) -> Answer {
    let mut answer = Response::with_body(status, EitherBody::left(body));
    // Here and elsewhere appended, which costs less than to insert: there is none yet.
    answer.headers_mut().append(CONTENT_TYPE, content_type);
    answer
}

/// A number as the value of a header.
pub(super) fn number(number: u64) -> HeaderValue {
    // Most are small, and then take no memory.
    match usize::try_from(number).ok().and_then(|number| SMALL_NUMBERS.get(number)) {
        Some(digits) => {
            let zeros = 2 - usize::from(number > 9) - usize::from(number > 99);
            let digits = str::from_utf8(&digits[zeros..]).expect("digits are ASCII");
            HeaderValue::from_static(digits)
        }
        None => HeaderValue::from_bytes(itoa::Buffer::new().format(number).as_bytes())
            .expect("digits may stand in a header"),
    }
}

/// The numbers below 1000, with zeros before them.
static SMALL_NUMBERS: [[u8; 3]; 1000] = {
    let mut numbers = [[0; 3]; 1000];
    let mut number = 0;
    while number < 1000 {
        let digits = [number / 100, number / 10 % 10, number % 10];
        numbers[number] = [b'0' + digits[0] as u8, b'0' + digits[1] as u8, b'0' + digits[2] as u8];
        number += 1;
    }
    numbers
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_without_zeros_before_them() {
        for value in (0..1100).chain([123_456, u64::MAX]) {
            assert_eq!(number(value), value.to_string());
        }
    }
}
