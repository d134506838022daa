//! Whether the server lives and is ready: for probes.

use actix_web::http::{Method, StatusCode};

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::path::HttpMethod;

use super::answer::{Answer, JSON, typed, without_body};
use super::openapi::{Answered, Endpoint, tag};
use super::problem::{Problem, line};
use crate::broker::Broker;

const LIVE: &str = "/livez";
const READY: &str = "/readyz";

/// Whether a path is one of these.
pub(super) fn has(path: &str) -> bool {
    matches!(path, LIVE | READY)
}

/// The answer to a request for one of them.
pub(super) fn answer(broker: &Broker, method: &Method, path: &str) -> Answer {
    let memory = broker.memory();
    let (status, word) = match path {
        READY if broker.is_draining() => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        READY if memory.is_out() => (StatusCode::SERVICE_UNAVAILABLE, "out of memory"),
        READY => (StatusCode::OK, "ready"),
        _ => (StatusCode::OK, "ok"),
    };
    let answer = match *method {
        Method::GET | Method::HEAD => typed(status, JSON, line(&Probe { status: word })),
        _ => Problem::method("GET, HEAD").answer(),
    };
    if *method == Method::HEAD { without_body(answer) } else { answer }
}

/// How the server is.
#[derive(Serialize, ToSchema)]
struct Probe {
    /// `ok`, `ready`, `draining` or `out of memory`.
    status: &'static str,
}

/// What the document says of these.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let probe = |path, id, says| {
        Endpoint::text(HttpMethod::Get, path, id, says).with_head().tagged(tag::SERVER)
    };
    vec![
        probe(LIVE, "livez", "Whether the server lives")
            .answers_json::<Probe>("It does.", json!({ "status": "ok" })),
        probe(READY, "readyz", "Whether the server takes messages")
            .answers_json::<Probe>("It does.", json!({ "status": "ready" }))
            .answers(
                StatusCode::SERVICE_UNAVAILABLE,
                Answered::new("It is stopping, or out of memory.")
                    .json::<Probe>(json!({ "status": "draining" })),
            ),
    ]
}
