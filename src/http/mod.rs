//! The HTTP faces of the queue.
//!
//! [`front()`] makes what a worker serves: the classic routes straight from the parsed request, and
//! an ordinary actix-web application for every other path.

mod answer;
pub mod auth;
mod body;
mod classic;
pub mod dashboard;
mod files;
mod front;
mod json;
mod metrics;
mod observe;
mod openapi;
mod ops;
mod problem;
mod refusal;
pub mod sqs;
mod under_way;
mod v1;

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use actix_http::body::EitherBody;
use actix_http::{Request, Response};
use actix_service::IntoServiceFactory as _;
use actix_web::dev::{AppConfig, Service, ServiceFactory};
use actix_web::http::Method;
use actix_web::web;
use actix_web::{App, Error, HttpRequest, HttpResponse};

pub use self::answer::AnswerBody;
use self::auth::Guard;
use self::body::Body;
pub(crate) use self::body::LEAST_RATE;
use self::front::Front;
pub use self::metrics::Metrics;
pub use self::observe::{Face, FaceRequests, Requests};
pub(crate) use self::problem::no_place;
use self::refusal::Refusal;
pub use self::under_way::UnderWay;
use crate::broker::{Broker, Named};

/// What all workers of a server serve.
#[derive(Clone)]
pub struct Served {
    /// The queues.
    pub broker: Arc<Broker>,
    /// The one of the classic routes.
    pub queue: Arc<Named>,
    /// The largest request body, in bytes, that is read.
    pub max_body_bytes: usize,
    /// The requests that are not answered yet.
    pub under_way: UnderWay,
    /// What is counted of requests.
    pub requests: Requests,
    /// The SQS face.
    pub sqs: Arc<sqs::Face>,
    /// What stands before every request.
    pub guard: Guard,
    /// What `/metrics` tells; there is no such path if `None`.
    pub metrics: Option<Arc<Metrics>>,
    /// Who looks at the queues for the dashboard; there is none if `None`.
    pub hub: Option<Arc<dashboard::Hub>>,
}

/// Makes the service of each worker.
pub fn front(
    served: Served,
) -> impl ServiceFactory<
    Request,
    Config = AppConfig,
    Response = Response<EitherBody<AnswerBody>>,
    Error = Error,
    InitError = (),
    Future: 'static,
    Service: Service<Request, Future: Unpin + Waits>,
> {
    let Served { broker, queue, max_body_bytes, under_way, requests, sqs, guard, metrics, hub } =
        served;
    let body_timeout = guard.body_timeout;
    let app = App::new()
        .configure(openapi::configure)
        .configure(metrics::configure(metrics))
        .configure(dashboard::configure(hub))
        .default_service(web::to(move |request, body| {
            unknown_path(request, body, max_body_bytes, body_timeout)
        }));
    let app = app.into_factory();
    Front { broker, queue, max_body_bytes, under_way, requests, sqs, guard, app }
}

/// A request on its way to its answer.
pub trait Waits {
    /// Whether it waits for something that others have to do, and not only for its own body.
    fn waits(&self) -> bool;
}

async fn unknown_path(
    request: HttpRequest,
    body: web::Payload,
    max_body_bytes: usize,
    body_timeout: Duration,
) -> Result<HttpResponse, Refusal> {
    // Read to its end where that is near, so that the connection can be used again.
    let body = Body::announced(request.head(), body.into_inner(), max_body_bytes, body_timeout);
    if let Ok(Some(mut body)) = body {
        let read = poll_fn(|context| body.poll(context)).await;
        if let Err(slow @ Refusal::BodyTooSlow { .. }) = read {
            return Err(slow);
        }
    }
    Err(Refusal::UnknownPath { head: request.method() == Method::HEAD })
}
