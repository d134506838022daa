//! `/metrics`: what Prometheus and its kin ask for, in both of their text formats.
//!
//! What is told is read from the broker when it is asked for, by a thread that serves no requests; the
//! `ledger` decides which queues have series of their own. Scrapes at the same time share one reading.

mod exposition;
mod format;
mod ledger;
mod process;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use actix_web::http::StatusCode;
use utoipa::openapi::path::HttpMethod;

use self::format::Format;
use self::ledger::{Ledger, Readings};
use super::observe::Requests;
use super::openapi::{Answered, Endpoint, schema, tag};
use super::problem::Problem;
use crate::broker::Broker;

/// The path.
const PATH: &str = "/metrics";

/// The figures of a server, for all of its workers.
pub struct Metrics {
    broker: Arc<Broker>,
    requests: Requests,
    /// Readings that were begun.
    begun: AtomicU64,
    latest: Mutex<Latest>,
}

struct Latest {
    ledger: Ledger,
    /// The last reading, and as which one it was begun.
    readings: Option<(u64, Arc<Readings>)>,
}

impl Metrics {
    /// The figures of these requests and queues, of which the `most` busiest have series of their own.
    pub fn new(broker: Arc<Broker>, requests: Requests, most: usize) -> Self {
        let latest = Latest { ledger: Ledger::new(most), readings: None };
        Self { broker, requests, begun: AtomicU64::new(0), latest: Mutex::new(latest) }
    }

    /// Reads all queues, or waits for who is at it and takes what was read since this was called.
    fn read(&self) -> Arc<Readings> {
        // ORDERING: SeqCst, because it is the lock that makes others wait: a reading that is begun later
        // has a higher number and sees what happened before.
        let before = self.begun.load(Ordering::SeqCst);
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((number, readings)) = &latest.readings
            && *number > before
        {
            return Arc::clone(readings);
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let readings = Arc::new(latest.ledger.read(&self.broker, &self.requests));
        latest.readings = Some((number, Arc::clone(&readings)));
        readings
    }
}

/// Adds the route; nothing, where there are no figures.
pub(super) fn configure(metrics: Option<Arc<Metrics>>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        let Some(metrics) = metrics else { return };
        let scrape = move |request| scrape(request, Arc::clone(&metrics));
        let resource = web::resource(PATH)
            .route(web::get().to(scrape.clone()))
            .route(web::head().to(scrape))
            .default_service(web::to(other_method));
        config.service(resource);
    }
}

async fn scrape(request: HttpRequest, metrics: Arc<Metrics>) -> HttpResponse {
    let format = Format::wanted(request.headers());
    let written = web::block(move || exposition::write(&metrics.read(), format)).await;
    match written.map(Result::ok) {
        Ok(Some(text)) => {
            HttpResponse::Ok().insert_header((CONTENT_TYPE, format.content_type())).body(text)
        }
        _ => HttpResponse::InternalServerError().finish(),
    }
}

async fn other_method() -> HttpResponse {
    Problem::method("GET, HEAD").answer().map_into_boxed_body().into()
}

/// What the document says of this.
pub(super) fn endpoint() -> Endpoint {
    let figures = Answered::new("The figures: in OpenMetrics, where `Accept` asks for it.")
        .content("text/plain", Some(schema::text().into()))
        .content("application/openmetrics-text", Some(schema::text().into()));
    let line = |says: &str| Answered::new(says).content("text/plain", Some(schema::text().into()));
    Endpoint::text(HttpMethod::Get, PATH, "getMetrics", "Figures for Prometheus")
        .with_head()
        .tagged(tag::SERVER)
        .answers(StatusCode::OK, figures)
        .answers(StatusCode::NOT_FOUND, line("The server counts nothing."))
}
