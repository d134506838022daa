//! What a worker's connections call for every request.
//!
//! The classic routes, the v1 face and the SQS face are answered here, straight from the request that
//! actix-http parsed: no router, no extractors, and a boxed future only where something has to be waited for.
//! That is worth it because such a request costs hardly more than its system calls; `benches/http`
//! measures by how much. Every other path goes on to the ordinary actix-web application.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use actix_http::body::EitherBody;
use actix_http::{Request, Response};
use actix_web::Error;
use actix_web::dev::{AppConfig, Service, ServiceFactory, ServiceResponse};
use actix_web::http::Method;
use actix_web::web::Bytes;

use super::answer::{Answer, LocalBoxFuture, Reply, without_body};
use super::auth::{Caller, Guard, REFUSED_BODY};
use super::body::Body;
use super::classic::{self, Route};
use super::json::read_event;
use super::observe::{Face, Observer, Requests, Seen};
use super::problem::Problem;
use super::refusal::Refusal;
use super::under_way::{UnderWay, WorkerCount};
use super::{Waits, ops, sqs, v1};
use crate::broker::{Broker, Named, Refused, YieldNow};
use crate::queue::{Message, Millis, SendRefusal, TryReceiveError, TrySendError};

/// Makes each worker's [`FrontService`].
pub(super) struct Front<A> {
    pub(super) broker: Arc<Broker>,
    /// The queue of the classic routes.
    pub(super) queue: Arc<Named>,
    pub(super) max_body_bytes: usize,
    pub(super) under_way: UnderWay,
    pub(super) requests: Requests,
    pub(super) sqs: Arc<sqs::Face>,
    pub(super) guard: Guard,
    /// The actix-web application that answers what no face does.
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
        let (sqs, observer) = (Arc::clone(&self.sqs), Observer::new(&self.requests));
        let guard = self.guard.clone();
        let worker = Worker { broker, queue, max_body_bytes, under_way, observer, sqs, guard };
        let worker = Rc::new(worker);
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
    observer: Observer,
    pub(super) sqs: Arc<sqs::Face>,
    pub(super) guard: Guard,
}

/// The worker of a request that is under way until this is dropped.
pub(super) struct Counted {
    worker: Rc<Worker>,
    /// Whether the server was about to stop already when the request came. Then it does not count:
    /// whoever goes on asking does not keep it.
    draining: bool,
}

impl Counted {
    pub(super) fn new(worker: &Rc<Worker>, draining: bool) -> Self {
        if !draining {
            worker.under_way.add();
        }
        Self { worker: Rc::clone(worker), draining }
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
        if !self.draining {
            self.worker.under_way.remove();
        }
    }
}

/// A request while its body is on its way; with it, the buffer that its headers lie in.
struct Asked {
    request: Request,
    what: What,
}

/// What is asked for.
enum What {
    /// A classic route, and why it is refused where it is.
    Classic(Route, Option<Refusal>),
    /// Something of the v1 face, and who asks.
    V1(Caller),
    /// Whether the server lives or is ready.
    Probe,
    /// Anything, by who may not.
    Refused(Problem),
}

impl<A> Service<Request> for FrontService<A>
where
    A: Service<Request, Response = ServiceResponse, Error = Error, Future: Unpin>,
{
    type Response = Answer;
    type Error = Error;
    type Future = Observed<A::Future>;

    actix_web::dev::forward_ready!(app);

    fn call(&self, request: Request) -> Self::Future {
        // Read once, for what is observed and for the queue.
        let came = Instant::now();
        let to = To::of(&request);
        let worker = Rc::clone(&self.worker);
        let mut seen = worker.observer.came(&request, to.face(), came);
        Observed { answering: self.answer(request, to, &mut seen), seen, worker }
    }
}

/// Who answers a request.
#[derive(Clone, Copy)]
enum To {
    Classic(Route),
    V1,
    Probe,
    Sqs,
    App(Face),
}

impl To {
    fn of(request: &Request) -> Self {
        let path = request.path();
        match Route::of(path) {
            Some(route) => Self::Classic(route),
            None if v1::has(path) => Self::V1,
            None if ops::has(path) => Self::Probe,
            None if sqs::claims(request) => Self::Sqs,
            None if is_ui(path) => Self::App(Face::Ui),
            None => Self::App(Face::Ops),
        }
    }

    fn face(self) -> Face {
        match self {
            Self::Classic(_) => Face::Classic,
            Self::V1 => Face::V1,
            Self::Probe => Face::Ops,
            Self::Sqs => Face::Sqs,
            Self::App(face) => face,
        }
    }
}

/// Whether a path that is nothing else's is the dashboard's.
fn is_ui(path: &str) -> bool {
    path == "/" || path == "/ui" || path.starts_with("/ui/")
}

impl<A> FrontService<A>
where
    A: Service<Request, Response = ServiceResponse, Error = Error, Future: Unpin>,
{
    fn answer(&self, mut request: Request, to: To, seen: &mut Seen) -> Answering<A::Future> {
        let worker = &self.worker;
        let draining = worker.broker.is_draining();
        let checked = worker.guard.check(&request, matches!(to, To::Sqs));
        let limit = match checked {
            Ok(_) => worker.max_body_bytes,
            Err(_) => worker.max_body_bytes.min(REFUSED_BODY),
        };
        let what = match (checked, to) {
            (Err(problem), _) => What::Refused(problem),
            (Ok(_), To::Classic(route)) => {
                What::Classic(route, route.refusal(request.method(), draining))
            }
            (Ok(caller), To::V1) => What::V1(caller),
            (Ok(_), To::Probe) => What::Probe,
            (Ok(_), To::Sqs) => {
                seen.keep(&request);
                let worker = Counted::new(worker, draining);
                return Answering::Later(Box::pin(sqs::answer(worker, request)));
            }
            (Ok(_), To::App(_)) => {
                seen.keep(&request);
                return Answering::App(self.app.call(request));
            }
        };
        let payload = request.take_payload();
        let body = Body::announced(request.head(), payload, limit, worker.guard.body_timeout);
        let mut asked = Asked { request, what };
        let body = match body {
            Ok(None) => Ok(Bytes::new()),
            Ok(Some(body)) => {
                let worker = Counted::new(worker, draining);
                return Answering::Reading { body, asked, worker };
            }
            Err(too_large) => Err(too_large),
        };
        let now = worker.broker.clock().at(seen.came());
        match worker.answer(&mut asked, body, draining, now, seen) {
            Reply::Now(answer) => Answering::Now(Some(answer)),
            Reply::Later(answer) => Answering::Later(answer),
        }
    }
}

/// A request on its way to its answer, which is where all of them end.
pub(super) struct Observed<F> {
    answering: Answering<F>,
    seen: Seen,
    worker: Rc<Worker>,
}

impl<F> Future for Observed<F>
where
    F: Future<Output = Result<ServiceResponse, Error>> + Unpin,
{
    type Output = Result<Answer, Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let polled = this.answering.poll(context, &mut this.seen);
        this.seen.note_wait();
        let mut answer = ready!(polled).unwrap_or_else(failed);
        this.worker.observer.answered(&this.seen, &mut answer);
        Poll::Ready(Ok(answer))
    }
}

impl<F> Waits for Observed<F> {
    fn waits(&self) -> bool {
        self.seen.waits()
    }
}

/// The answer that actix-http would make of an error of the application.
#[cold]
fn failed(error: Error) -> Answer {
    Response::from(error).map_body(|_, body| EitherBody::right(body))
}

/// How a request is answered.
enum Answering<F> {
    /// The answer is there.
    Now(Option<Answer>),
    /// The body is on its way. Also that of a request that will not look at it: a connection whose
    /// last request was read to its end can be used again.
    Reading { body: Body, asked: Asked, worker: Counted },
    /// Something has to happen first; or another thread stands in the place in turn.
    Later(LocalBoxFuture<Answer>),
    /// The application answers.
    App(F),
}

impl<F> Answering<F>
where
    F: Future<Output = Result<ServiceResponse, Error>> + Unpin,
{
    fn poll(&mut self, context: &mut Context<'_>, seen: &mut Seen) -> Poll<Result<Answer, Error>> {
        loop {
            match self {
                Self::Now(answer) => {
                    let answer = answer.take().expect("a future is not polled after its end");
                    return Poll::Ready(Ok(answer));
                }
                Self::Reading { body, asked, worker } => {
                    let body = ready!(body.poll(context));
                    let now = worker.broker.clock().now();
                    match worker.worker.answer(asked, body, worker.draining, now, seen) {
                        Reply::Now(answer) => {
                            // The body ends here: what of it was not read, nobody will read.
                            *self = Self::Now(None);
                            return Poll::Ready(Ok(answer));
                        }
                        Reply::Later(answer) => *self = Self::Later(answer),
                    }
                }
                Self::Later(answer) => return answer.as_mut().poll(context).map(Ok),
                Self::App(answer) => {
                    let answer = Response::from(ready!(Pin::new(answer).poll(context))?);
                    return Poll::Ready(Ok(answer.map_body(|_, body| EitherBody::right(body))));
                }
            }
        }
    }
}

impl Worker {
    /// Carries a request out whose body is there, or refuses it. `draining` says whether the server
    /// was about to stop when the request came, and it is `now`.
    fn answer(
        self: &Rc<Self>,
        asked: &mut Asked,
        body: Result<Bytes, Refusal>,
        draining: bool,
        now: Millis,
        seen: &mut Seen,
    ) -> Reply {
        let request = &asked.request;
        let reply = match &mut asked.what {
            What::Classic(route, refusal) => {
                self.answer_classic(*route, refusal.take(), body, draining, now)
            }
            What::V1(caller) => v1::answer(self, request, caller, body, draining),
            // It says the same whatever the body was.
            What::Probe => ops::answer(&self.broker, request.method(), request.path()).into(),
            What::Refused(problem) => match *request.method() {
                Method::HEAD => without_body(problem.answer()).into(),
                _ => problem.answer().into(),
            },
        };
        match &reply {
            Reply::Now(answer) => seen.keep_failed(request, answer),
            Reply::Later(_) => seen.keep(request),
        }
        reply
    }

    fn answer_classic(
        self: &Rc<Self>,
        route: Route,
        refusal: Option<Refusal>,
        body: Result<Bytes, Refusal>,
        draining: bool,
        now: Millis,
    ) -> Reply {
        if let (Route::Enqueue, Some(Refusal::Closed)) = (route, &refusal) {
            self.queue.count_refusal(Refused::Draining);
        }
        let reply = match (refusal, body) {
            // Also a body that nobody would have looked at: what is refused has touched nothing.
            (Some(refusal), _) | (None, Err(refusal)) => Err(refusal),
            (None, Ok(body)) => match route {
                Route::Enqueue => self.enqueue(&body, draining, now),
                Route::Dequeue => self.dequeue(draining, now),
                Route::Look(look) => Ok(classic::look(look, &self.queue).into()),
            },
        };
        reply.unwrap_or_else(|refusal| Reply::Now((&refusal).into()))
    }

    fn enqueue(
        self: &Rc<Self>,
        body: &[u8],
        draining: bool,
        now: Millis,
    ) -> Result<Reply, Refusal> {
        let event = read_event(body)?;
        match self.broker.try_send_one_at(&self.queue, Message::text(&event), now) {
            Ok(_) => Ok(classic::enqueued(&event).into()),
            Err(TrySendError { message, why: SendRefusal::Busy }) => {
                let answer = classic::enqueued(&event);
                Ok(self.later(draining, async move |worker| {
                    worker.enqueue_later(message).await?;
                    Ok(answer)
                }))
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

    fn dequeue(self: &Rc<Self>, draining: bool, now: Millis) -> Result<Reply, Refusal> {
        match self.broker.try_take_at(&self.queue, now) {
            Ok(message) => Ok(classic::dequeued(&message).into()),
            Err(TryReceiveError::Empty) => Err(Refusal::Empty),
            Err(TryReceiveError::Busy) => {
                Ok(self.later(draining, async |worker| worker.dequeue_later().await))
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

    fn later(
        self: &Rc<Self>,
        draining: bool,
        answer: impl AsyncFnOnce(&Self) -> Result<Answer, Refusal> + 'static,
    ) -> Reply {
        let worker = Counted::new(self, draining);
        Reply::Later(Box::pin(async move {
            answer(&worker).await.unwrap_or_else(|refusal| (&refusal).into())
        }))
    }
}
