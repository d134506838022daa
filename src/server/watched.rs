//! The service of a worker, which tells each connection how far its request is.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_http::body::{BodySize, MessageBody};
use actix_http::error::PayloadError;
use actix_http::{ConnectionType, HttpMessage as _, Payload, Request, Response};
use actix_web::Error;
use actix_web::dev::{AppConfig, Service, ServiceFactory};
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::Bytes;
use futures_core::Stream;

use super::connection::{Announced, Progress};
use crate::http::Waits;

type LocalBoxFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// Makes each worker's [`WatchedService`].
pub(super) struct Watched<F>(pub(super) F);

impl<F, B> ServiceFactory<Request> for Watched<F>
where
    F: ServiceFactory<
            Request,
            Config = AppConfig,
            Response = Response<B>,
            Error = Error,
            InitError = (),
            Future: 'static,
            Service: Service<Request, Future: Unpin + Waits>,
        >,
    B: MessageBody,
{
    type Response = Response<B>;
    type Error = Error;
    type Config = ();
    type Service = WatchedService<F::Service>;
    type InitError = ();
    type Future = LocalBoxFuture<Result<Self::Service, ()>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let service = self.0.new_service(AppConfig::default());
        Box::pin(async move { Ok(WatchedService(service.await?)) })
    }
}

/// The service of one worker thread.
pub(super) struct WatchedService<S>(S);

impl<S, B> Service<Request> for WatchedService<S>
where
    S: Service<Request, Response = Response<B>, Error = Error, Future: Unpin + Waits>,
    B: MessageBody,
{
    type Response = Response<B>;
    type Error = Error;
    type Future = Answering<S::Future>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_ready(context)
    }

    fn call(&self, mut request: Request) -> Self::Future {
        let progress = request.conn_data::<Rc<Progress>>().cloned();
        if let Some(progress) = &progress {
            let body = announced(&mut request);
            progress.asked(body);
            if body == Announced::Chunks {
                let (payload, progress) = (request.take_payload(), Rc::clone(progress));
                *request.payload() =
                    Payload::Stream { payload: Box::pin(Chunks { payload, progress }) };
            }
        }
        Answering { answer: self.0.call(request), progress }
    }
}

/// What comes behind a request's head.
fn announced(request: &mut Request) -> Announced {
    if matches!(request.payload(), Payload::None) {
        return Announced::Bytes(0);
    }
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.and_then(|length| length.trim().parse().ok()).map_or(Announced::Chunks, Announced::Bytes)
}

/// A body whose end the connection has to be told.
struct Chunks {
    payload: Payload,
    progress: Rc<Progress>,
}

impl Stream for Chunks {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = ready!(Pin::new(&mut self.payload).poll_next(context));
        if chunk.is_none() {
            self.progress.body_ended();
        }
        Poll::Ready(chunk)
    }
}

/// A request on its way to its answer.
pub(super) struct Answering<F> {
    answer: F,
    progress: Option<Rc<Progress>>,
}

impl<F, B> Future for Answering<F>
where
    F: Future<Output = Result<Response<B>, Error>> + Unpin + Waits,
    B: MessageBody,
{
    type Output = Result<Response<B>, Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.answer).poll(context);
        if let Some(progress) = &this.progress {
            match &polled {
                Poll::Pending if this.answer.waits() => progress.waits(),
                Poll::Pending => {}
                Poll::Ready(Ok(answer)) => {
                    let closes = answer.head().connection_type() == ConnectionType::Close;
                    let streams = answer.body().size() == BodySize::Stream;
                    progress.answered(closes, streams, context);
                }
                Poll::Ready(Err(_)) => progress.answered(false, false, context),
            }
        }
        polled
    }
}
