//! The HTTP faces of the queue.
//!
//! [`front()`] makes what a worker serves: the classic routes straight from the parsed request, and
//! an ordinary actix-web application for every other path.

mod answer;
mod body;
mod classic;
pub mod dashboard;
mod front;
mod json;
mod metrics;
mod ops;
mod problem;
mod refusal;
pub mod sqs;
mod under_way;
mod v1;

use std::future::poll_fn;
use std::sync::Arc;

use actix_http::body::EitherBody;
use actix_http::{Request, Response};
use actix_service::IntoServiceFactory as _;
use actix_web::dev::{AppConfig, ServiceFactory};
use actix_web::http::Method;
use actix_web::web;
use actix_web::{App, Error, HttpRequest, HttpResponse};

pub use self::answer::AnswerBody;
use self::body::Body;
use self::front::Front;
pub use self::metrics::Metrics;
use self::refusal::Refusal;
pub use self::under_way::UnderWay;
use crate::broker::{Broker, Named};

/// Makes the service of each worker, for [`HttpServer`](actix_web::HttpServer). The classic routes work
/// on `queue`, which is one of the broker's; `sqs`, `metrics` and the dashboard's `hub` are shared by all
/// workers.
pub fn front(
    broker: Arc<Broker>,
    queue: Arc<Named>,
    max_body_bytes: usize,
    under_way: UnderWay,
    sqs: Arc<sqs::Face>,
    metrics: Option<Arc<Metrics>>,
    hub: Option<Arc<dashboard::Hub>>,
) -> impl ServiceFactory<
    Request,
    Config = AppConfig,
    Response = Response<EitherBody<AnswerBody>>,
    Error = Error,
    InitError = (),
> {
    let app = App::new()
        .configure(metrics::configure(metrics))
        .configure(dashboard::configure(hub))
        .default_service(web::to(move |request, body| unknown_path(request, body, max_body_bytes)));
    Front { broker, queue, max_body_bytes, under_way, sqs, app: app.into_factory() }
}

async fn unknown_path(
    request: HttpRequest,
    body: web::Payload,
    max_body_bytes: usize,
) -> Result<HttpResponse, Refusal> {
    // Read to its end where that is near, so that the connection can be used again.
    let body = Body::announced(request.head(), body.into_inner(), max_body_bytes);
    if let Ok(Some(mut body)) = body {
        let _ = poll_fn(|context| body.poll(context)).await;
    }
    Err(Refusal::UnknownPath { head: request.method() == Method::HEAD })
}
