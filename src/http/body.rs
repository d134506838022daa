//! Reading a request body, up to a limit.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use actix_http::{Payload, RequestHead};
use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use actix_web::web::{Bytes, BytesMut};
use futures_core::Stream as _;

use super::refusal::Refusal;

/// A body on its way in. The usual one is a single chunk, which is handed on as it is.
pub(super) struct Body {
    payload: Payload,
    limit: usize,
    first: Bytes,
    /// `first` and all that came after it, once anything did.
    whole: BytesMut,
    /// Whether it was asked for before.
    awaited: bool,
}

impl Body {
    /// The body that a request's head announces; refused if that is too large already.
    pub(super) fn announced(
        head: &RequestHead,
        payload: Payload,
        limit: usize,
    ) -> Result<Option<Self>, Refusal> {
        if matches!(payload, Payload::None) {
            return Ok(None);
        }
        if let Some(length) = head.headers.get(CONTENT_LENGTH) {
            let length = length.to_str().ok().and_then(|length| length.trim().parse().ok());
            if length.is_none_or(|length: u64| length > limit as u64) {
                return Err(Refusal::BodyTooLarge { limit });
            }
        } else if !head.headers.contains_key(TRANSFER_ENCODING) {
            // What follows is no body but another protocol, which the client asks to change to.
            return Ok(None);
        }
        let (first, whole) = (Bytes::new(), BytesMut::new());
        Ok(Some(Self { payload, limit, first, whole, awaited: false }))
    }

    /// The whole body, once it is there; not to be called again after that.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, Refusal>> {
        // A connection asks first, then hands over what came with the head, then asks again. A waker
        // that it were given at first would have it look at everything once more for nothing; from
        // then on it is needed.
        let context = match mem::replace(&mut self.awaited, true) {
            true => context,
            false => &mut Context::from_waker(Waker::noop()),
        };
        while let Some(chunk) = ready!(Pin::new(&mut self.payload).poll_next(context)) {
            let chunk = chunk.map_err(|_| Refusal::BodyIncomplete)?;
            if chunk.len() > self.limit - self.len() {
                return Poll::Ready(Err(Refusal::BodyTooLarge { limit: self.limit }));
            }
            self.append(chunk);
        }
        Poll::Ready(Ok(if self.whole.is_empty() {
            mem::take(&mut self.first)
        } else {
            mem::take(&mut self.whole).freeze()
        }))
    }

    fn len(&self) -> usize {
        self.first.len().max(self.whole.len())
    }

    fn append(&mut self, chunk: Bytes) {
        if self.first.is_empty() {
            self.first = chunk;
            return;
        }
        if self.whole.is_empty() {
            self.whole.reserve(self.first.len() + chunk.len());
            self.whole.extend_from_slice(&self.first);
        }
        self.whole.extend_from_slice(&chunk);
    }
}
