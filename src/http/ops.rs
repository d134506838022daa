//! Whether the server lives and is ready: for probes.

use actix_web::http::{Method, StatusCode};

use super::answer::{Answer, JSON, typed, without_body};
use super::problem::Problem;
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
        Method::GET | Method::HEAD => typed(status, JSON, format!("{{\"status\":\"{word}\"}}\n")),
        _ => Problem::method("GET, HEAD").answer(),
    };
    if *method == Method::HEAD { without_body(answer) } else { answer }
}
