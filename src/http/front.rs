//! What a worker's connections call for every request.
//!
//! The classic routes are answered here, straight from the request that actix-http parsed: no
//! router, no extractors, no boxed futures. That is worth it because such a request costs hardly
//! more than its system calls; `benches/http` measures by how much. Every other path goes on to the
//! ordinary actix-web application.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_http::body::EitherBody;
use actix_http::{Request, Response};
use actix_web::Error;
use actix_web::dev::{AppConfig, Service, ServiceFactory, ServiceResponse};
use actix_web::web::Bytes;

use super::answer::Answer;
use super::body::Body;
use super::classic::{self, Route};
use super::json::read_event;
use super::refusal::Refusal;
use super::under_way::{UnderWay, WorkerCount};
use super::{ops, sqs, v1};
use crate::broker::{Broker, Named, YieldNow};
use crate::queue::{Message, SendRefusal, TryReceiveError, TrySendError};

type LocalBoxFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// Makes each worker's [`FrontService`].
pub(super) struct Front<A> {
    pub(super) broker: Arc<Broker>,
    /// The queue of the classic routes.
    pub(super) queue: Arc<Named>,
    pub(super) max_body_bytes: usize,
    pub(super) under_way: UnderWay,
    pub(super) sqs: Arc<sqs::Face>,
    /// The actix-web application that answers what is not a classic route.
    pub(super) app: A,
}

impl<A> ServiceFactory<Request> for Front<A>
where
    A: ServiceFactory<
            Request,
            Config = AppConfig,
            Response = ServiceResponse,
            Error = Error,
            InitError = (),
            Future: 'static,
            Service: Service<Request, Future: Unpin>,
        >,
{
    type Response = Answer;
    type Error = Error;
    type Config = AppConfig;
    type Service = FrontService<A::Service>;
    type InitError = ();
    type Future = LocalBoxFuture<Result<Self::Service, ()>>;

    fn new_service(&self, config: AppConfig) -> Self::Future {
        let (broker, queue) = (Arc::clone(&self.broker), Arc::clone(&self.queue));
        let (max_body_bytes, under_way) = (self.max_body_bytes, self.under_way.worker());
        let sqs = Arc::clone(&self.sqs);
        let worker = Rc::new(Worker { broker, queue, max_body_bytes, under_way, sqs });
        let app = self.app.new_service(config);
        Box::pin(async move { Ok(FrontService { worker, app: app.await? }) })
    }
}

/// The service of one worker thread.
pub(super) struct FrontService<A> {
    worker: Rc<Worker>,
    app: A,
}

/// What the requests of a worker share; the count of those who do is the worker's own, so that no
/// request touches the count that all workers share.
pub(super) struct Worker {
    pub(super) broker: Arc<Broker>,
    queue: Arc<Named>,
    pub(super) max_body_bytes: usize,
    under_way: WorkerCount,
    pub(super) sqs: Arc<sqs::Face>,
}

/// The worker of a request that is under way until this is dropped.
pub(super) struct Counted {
    worker: Rc<Worker>,
    /// Not where the server was about to stop already: whoever goes on asking does not keep it.
    counts: bool,
}

impl Counted {
    fn new(worker: &Rc<Worker>) -> Self {
        let counts = !worker.broker.is_draining();
        if counts {
            worker.under_way.add();
        }
        Self { worker: Rc::clone(worker), counts }
    }
}

impl std::ops::Deref for Counted {
    type Target = Worker;

    fn deref(&self) -> &Worker {
        &self.worker
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.counts {
            self.worker.under_way.remove();
        }
    }
}

impl<A> Service<Request> for FrontService<A>
where
    A: Service<Request, Response = ServiceResponse, Error = Error, Future: Unpin>,
{
    type Response = Answer;
    type Error = Error;
    type Future = Answering<A::Future>;

    actix_web::dev::forward_ready!(app);

    fn call(&self, mut request: Request) -> Self::Future {
        let Some(route) = Route::of(request.path()) else {
            return self.call_other(request);
        };
        let worker = &self.worker;
        let mut refusal = route.refusal(request.method());
        if refusal.is_none() && route == Route::Enqueue && worker.broker.is_draining() {
            // What has begun before is still carried out.
            refusal = Some(Refusal::Closed);
        }
        let payload = request.take_payload();
        match Body::announced(request.head(), payload, worker.max_body_bytes) {
            Ok(None) => worker.answer(route, refusal, Ok(Bytes::new())),
            Ok(Some(body)) => {
                Answering::Reading { body, route, refusal, worker: Counted::new(worker) }
            }
            Err(too_large) => worker.answer(route, refusal, Err(too_large)),
        }
    }
}

impl<A> FrontService<A>
where
    A: Service<Request, Response = ServiceResponse, Error = Error, Future: Unpin>,
{
    fn call_other(&self, request: Request) -> Answering<A::Future> {
        let path = request.path();
        if path.starts_with(v1::PREFIX) {
            let worker = Counted::new(&self.worker);
            return Answering::Later(Box::pin(
                async move { Ok(v1::answer(worker, request).await) },
            ));
        }
        if sqs::claims(&request) {
            let worker = Counted::new(&self.worker);
            return Answering::Later(Box::pin(
                async move { Ok(sqs::answer(worker, request).await) },
            ));
        }
        match ops::answer(&self.worker.broker, request.method(), path) {
            Some(answer) => Answering::now(answer),
            None => Answering::App(self.app.call(request)),
        }
    }
}

/// A request on its way to its answer.
pub(super) enum Answering<F> {
    /// The answer is there.
    Now(Option<Answer>),
    /// The body is on its way. Also that of a request that will not look at it: a connection whose
    /// last request was read to its end can be used again.
    Reading { body: Body, route: Route, refusal: Option<Refusal>, worker: Counted },
    /// A request of the v1 face; or another thread stands in the place in turn.
    Later(LocalBoxFuture<Result<Answer, Refusal>>),
    /// The application answers.
    App(F),
}

impl<F> Answering<F> {
    fn now(answer: Answer) -> Self {
        Self::Now(Some(answer))
    }
}

impl<F> Future for Answering<F>
where
    F: Future<Output = Result<ServiceResponse, Error>> + Unpin,
{
    type Output = Result<Answer, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            *self = match &mut *self {
                Self::Now(answer) => {
                    let answer = answer.take().expect("a future is not polled after its end");
                    return Poll::Ready(Ok(answer));
                }
                Self::Reading { body, route, refusal, worker } => {
                    let body = ready!(body.poll(context));
                    worker.worker.answer(*route, refusal.take(), body)
                }
                Self::Later(answer) => {
                    let answer = ready!(answer.as_mut().poll(context));
                    return Poll::Ready(Ok(answer.unwrap_or_else(|refusal| (&refusal).into())));
                }
                Self::App(answer) => {
                    let answer = Response::from(ready!(Pin::new(answer).poll(context))?);
                    return Poll::Ready(Ok(answer.map_body(|_, body| EitherBody::right(body))));
                }
            }
        }
    }
}

impl Worker {
    /// Carries a request out whose body is there, or refuses it.
    fn answer<F>(
        self: &Rc<Self>,
        route: Route,
        refusal: Option<Refusal>,
        body: Result<Bytes, Refusal>,
    ) -> Answering<F> {
        let answer = match (refusal, body) {
            // Also a body that nobody would have looked at: what is refused has touched nothing.
            (Some(refusal), _) | (None, Err(refusal)) => Err(refusal),
            (None, Ok(body)) => match route {
                Route::Enqueue => self.enqueue(&body),
                Route::Dequeue => self.dequeue(),
                Route::Look(look) => Ok(Answering::now(classic::look(look, &self.queue))),
            },
        };
        answer.unwrap_or_else(|refusal| Answering::now((&refusal).into()))
    }

    fn enqueue<F>(self: &Rc<Self>, body: &[u8]) -> Result<Answering<F>, Refusal> {
        let event = read_event(body)?;
        match self.broker.try_send(&self.queue, Message::text(&event)) {
            Ok(_) => Ok(Answering::now(classic::enqueued(&event))),
            Err(TrySendError { message, why: SendRefusal::Busy }) => {
                let (worker, answer) = (Counted::new(self), classic::enqueued(&event));
                Ok(Answering::Later(Box::pin(async move {
                    worker.enqueue_later(message).await?;
                    Ok(answer)
                })))
            }
            Err(refused) => Err(refused.why.into()),
        }
    }

    async fn enqueue_later(&self, mut message: Message) -> Result<(), Refusal> {
        loop {
            YieldNow::default().await;
            message = match self.broker.try_send(&self.queue, message) {
                Ok(_) => return Ok(()),
                Err(TrySendError { message, why: SendRefusal::Busy }) => message,
                Err(refused) => return Err(refused.why.into()),
            };
        }
    }

    fn dequeue<F>(self: &Rc<Self>) -> Result<Answering<F>, Refusal> {
        match self.broker.try_take(&self.queue) {
            Ok(message) => Ok(Answering::now(classic::dequeued(&message))),
            Err(TryReceiveError::Empty) => Err(Refusal::Empty),
            Err(TryReceiveError::Busy) => {
                let worker = Counted::new(self);
                Ok(Answering::Later(Box::pin(async move { worker.dequeue_later().await })))
            }
        }
    }

    async fn dequeue_later(&self) -> Result<Answer, Refusal> {
        loop {
            YieldNow::default().await;
            match self.broker.try_take(&self.queue) {
                Ok(message) => return Ok(classic::dequeued(&message)),
                Err(TryReceiveError::Empty) => return Err(Refusal::Empty),
                Err(TryReceiveError::Busy) => {}
            }
        }
    }
}
