//! The service of a worker, which tells each connection how far its request is.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_http::{ConnectionType, Request, Response};
use actix_web::dev::{AppConfig, Service, ServiceFactory};
use actix_web::{Error, HttpResponse};

use super::connection::Progress;

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
            Service: Service<Request, Future: Unpin>,
        >,
{
    type Response = Response<B>;
    type Error = HttpResponse;
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
    S: Service<Request, Response = Response<B>, Error = Error, Future: Unpin>,
{
    type Response = Response<B>;
    type Error = HttpResponse;
    type Future = Answering<S::Future>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), HttpResponse>> {
        self.0.poll_ready(context).map_err(|error| error.error_response())
    }

    fn call(&self, request: Request) -> Self::Future {
        let progress = request.conn_data::<Rc<Progress>>().cloned();
        if let Some(progress) = &progress {
            progress.asked();
        }
        Answering { answer: self.0.call(request), progress }
    }
}

/// A request on its way to its answer.
pub(super) struct Answering<F> {
    answer: F,
    progress: Option<Rc<Progress>>,
}

impl<F, B> Future for Answering<F>
where
    F: Future<Output = Result<Response<B>, Error>> + Unpin,
{
    type Output = Result<Response<B>, HttpResponse>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.answer).poll(context));
        if let Some(progress) = &self.progress {
            let closes =
                |answer: &Response<B>| answer.head().connection_type() == ConnectionType::Close;
            progress.answered(answer.as_ref().is_ok_and(closes));
        }
        Poll::Ready(answer.map_err(|error| error.error_response()))
    }
}
