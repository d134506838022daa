//! `/metrics`: what Prometheus and its kin ask for, in both of their text formats.
//!
//! What is told is read from the broker when it is asked for, by a thread that serves no requests; the
//! `ledger` decides which queues have series of their own. Scrapes at the same time share one reading, and
//! its text: who waits for it holds no thread, and nothing is kept where nobody waits.

mod exposition;
mod format;
mod ledger;
mod process;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use tokio::sync::Mutex;

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
    /// Requests that wait for a page, or write one.
    asking: AtomicUsize,
    latest: Arc<Mutex<Latest>>,
}

struct Latest {
    ledger: Ledger,
    /// The last reading, for those who waited while it was made.
    shared: Option<Shared>,
}

struct Shared {
    /// As which one the reading was begun.
    number: u64,
    readings: Arc<Readings>,
    /// What was written of it, by [`Format`].
    texts: [Option<Bytes>; 2],
}

/// A request that is counted while it asks.
struct Asking<'metrics>(&'metrics AtomicUsize);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Metrics {
    /// The figures of these requests and queues, of which the `most` busiest have series of their own.
    pub fn new(broker: Arc<Broker>, requests: Requests, most: usize) -> Self {
        let latest = Latest { ledger: Ledger::new(most), shared: None };
        let latest = Arc::new(Mutex::new(latest));
        Self { broker, requests, begun: AtomicU64::new(0), asking: AtomicUsize::new(0), latest }
    }

    /// The page: reads all queues, or waits for who is at it and takes what was read since this was called.
    /// `None` where it could not be written.
    async fn page(self: &Arc<Self>, format: Format) -> Option<Bytes> {
        // ORDERING: SeqCst, on both counts. It is the lock that makes others wait: a reading that is begun
        // later has a higher number and sees what happened before. Who may use a reading has asked before
        // that was begun.
        self.asking.fetch_add(1, Ordering::SeqCst);
        let _asking = Asking(&self.asking);
        let before = self.begun.load(Ordering::SeqCst);
        let mut latest = Arc::clone(&self.latest).lock_owned().await;
        let shared = latest.shared.as_ref().filter(|shared| shared.number > before);
        if let Some(text) = shared.and_then(|shared| shared.texts[format as usize].clone()) {
            if self.asking.load(Ordering::SeqCst) == 1 {
                latest.shared = None;
            }
            return Some(text);
        }
        let metrics = Arc::clone(self);
        web::block(move || metrics.write(&mut latest, before, format)).await.ok()?.ok()
    }

    /// Writes a reading that was begun after `before` others.
    ///
    /// # Errors
    /// As [`exposition::write`].
    fn write(&self, latest: &mut Latest, before: u64, format: Format) -> Result<Bytes, fmt::Error> {
        let mut shared = match latest.shared.take().filter(|shared| shared.number > before) {
            Some(shared) => shared,
            None => {
                let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
                let readings = Arc::new(latest.ledger.read(&self.broker, &self.requests));
                Shared { number, readings, texts: [None, None] }
            }
        };
        let text = Bytes::from(exposition::write(&shared.readings, format)?);
        shared.texts[format as usize] = Some(text.clone());
        latest.shared = (self.asking.load(Ordering::SeqCst) > 1).then_some(shared);
        Ok(text)
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
    match metrics.page(format).await {
        Some(text) => {
            HttpResponse::Ok().insert_header((CONTENT_TYPE, format.content_type())).body(text)
        }
        None => HttpResponse::InternalServerError().finish(),
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
