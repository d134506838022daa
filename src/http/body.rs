//! Reading a request body, up to a limit, and no longer than it goes on.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_http::{Payload, RequestHead};
use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use actix_web::rt::time::{Instant, Sleep, sleep};
use actix_web::web::{Bytes, BytesMut};
use futures_core::Stream as _;

use super::refusal::Refusal;

/// Slower than that, in bytes a second, is as good as nothing.
pub(crate) const LEAST_RATE: usize = 1024;

/// A body on its way in. The usual one is a single chunk, which is handed on as it is.
pub(super) struct Body {
    payload: Payload,
    limit: usize,
    read: Read,
    /// Whether it was asked for before.
    awaited: bool,
    timeout: Duration,
    slow: Option<Box<Slow>>,
}

/// What there is of a body.
enum Read {
    /// One chunk, or nothing.
    One(Bytes),
    /// It and all that came after it.
    Several(BytesMut),
}

/// A body that is waited for.
struct Slow {
    until: Pin<Box<Sleep>>,
    /// How much there was when that began.
    before: usize,
}

impl Body {
    /// The body that a request's head announces; refused if that is too large already. It may take any
    /// number of times `timeout`, if enough comes in each.
    pub(super) fn announced(
        head: &RequestHead,
        payload: Payload,
        limit: usize,
        timeout: Duration,
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
        let read = Read::One(Bytes::new());
        Ok(Some(Self { payload, limit, read, awaited: false, timeout, slow: None }))
    }

    /// The whole body, once it is there; not to be called again after that.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, Refusal>> {
        // A connection asks first, then hands over what came with the head, then asks again. A waker
        // that it were given at first would have it look at everything once more for nothing; from
        // then on it is needed.
        let first = !mem::replace(&mut self.awaited, true);
        let noop = &mut Context::from_waker(Waker::noop());
        loop {
            let chunk = Pin::new(&mut self.payload).poll_next(if first {
                &mut *noop
            } else {
                &mut *context
            });
            let chunk = match chunk {
                Poll::Ready(Some(chunk)) => chunk.map_err(|_| Refusal::BodyIncomplete)?,
                Poll::Ready(None) => break,
                Poll::Pending if first => return Poll::Pending,
                Poll::Pending => return self.poll_too_slow(context).map(Err),
            };
            if chunk.len() > self.limit - self.len() {
                return Poll::Ready(Err(Refusal::BodyTooLarge { limit: self.limit }));
            }
            self.append(chunk);
        }
        Poll::Ready(Ok(match &mut self.read {
            Read::One(first) => mem::take(first),
            Read::Several(whole) => mem::take(whole).freeze(),
        }))
    }

    /// Done once too little came for too long.
    #[cold]
    fn poll_too_slow(&mut self, context: &mut Context<'_>) -> Poll<Refusal> {
        let (timeout, now) = (self.timeout, self.len());
        let slow = self
            .slow
            .get_or_insert_with(|| Box::new(Slow { until: Box::pin(sleep(timeout)), before: now }));
        while slow.until.as_mut().poll(context).is_ready() {
            let least = LEAST_RATE as f64 * timeout.as_secs_f64();
            if ((now - slow.before) as f64) < least {
                return Poll::Ready(Refusal::BodyTooSlow { limit: timeout });
            }
            slow.before = now;
            slow.until.as_mut().reset(Instant::now() + timeout);
        }
        Poll::Pending
    }

    fn len(&self) -> usize {
        match &self.read {
            Read::One(first) => first.len(),
            Read::Several(whole) => whole.len(),
        }
    }

    fn append(&mut self, chunk: Bytes) {
        match &mut self.read {
            Read::One(first) if first.is_empty() => *first = chunk,
            Read::One(first) => {
                let mut whole = BytesMut::with_capacity(first.len() + chunk.len());
                whole.extend_from_slice(first);
                whole.extend_from_slice(&chunk);
                self.read = Read::Several(whole);
            }
            Read::Several(whole) => whole.extend_from_slice(&chunk),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;

    use actix_http::h1;
    use actix_web::http::header::HeaderValue;
    use actix_web::rt::System;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);
    /// In each of these times.
    const LEAST: usize = LEAST_RATE * 10;

    /// What becomes of a body of which so many bytes come one time after the other, by a clock of the
    /// test's own.
    fn read(parts: &[usize]) -> Result<usize, Refusal> {
        System::new().block_on(async {
            tokio::time::pause();
            let (mut sender, payload) = h1::Payload::create(false);
            let mut head = RequestHead::default();
            head.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            let payload = Payload::H1 { payload };
            let body = Body::announced(&head, payload, 1 << 20, TIMEOUT)?;
            let mut body = body.expect("one is announced");
            let mut read = pin!(poll_fn(|context| body.poll(context)));
            // As a connection does: the first question is asked before anything came.
            let first = poll_fn(|context| Poll::Ready(read.as_mut().poll(context))).await;
            assert!(first.is_pending());
            for part in parts {
                sender.feed_data(vec![b'x'; *part].into());
                let step = sleep(TIMEOUT - Duration::from_millis(1));
                let mut step = pin!(step);
                let over = poll_fn(|context| match read.as_mut().poll(context) {
                    Poll::Ready(over) => Poll::Ready(Some(over)),
                    Poll::Pending => step.as_mut().poll(context).map(|()| None),
                });
                if let Some(over) = over.await {
                    return over.map(|body| body.len());
                }
            }
            sender.feed_eof();
            read.await.map(|body| body.len())
        })
    }

    #[test]
    fn a_body_may_take_long_as_long_as_it_goes_on() {
        assert_eq!(read(&[]).unwrap(), 0);
        assert_eq!(read(&[1]).unwrap(), 1);
        assert_eq!(read(&[LEAST; 20]).unwrap(), 20 * LEAST);
    }

    #[test]
    fn a_body_that_hardly_comes_is_refused() {
        for parts in [&[1, 1, 1][..], &[LEAST - 1; 3], &[LEAST, LEAST, LEAST, 1, 1, 1]] {
            let refused = read(parts);
            assert!(matches!(refused, Err(Refusal::BodyTooSlow { .. })), "{parts:?}");
        }
    }
}
