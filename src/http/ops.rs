//! Whether the server lives and is ready: for probes.

use actix_web::http::{Method, StatusCode};

use super::answer::{Answer, JSON, typed};
use super::problem::Problem;
use crate::broker::Broker;

/// The answer to a request for one of these paths, or `None`.
pub(super) fn answer(broker: &Broker, method: &Method, path: &str) -> Option<Answer> {
    let head = *method == Method::HEAD;
    let (status, word) = match path {
        "/livez" => (StatusCode::OK, "ok"),
        "/readyz" if broker.is_draining() => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        "/readyz" if broker.memory().used() >= broker.memory().limit() => {
            (StatusCode::SERVICE_UNAVAILABLE, "out of memory")
        }
        "/readyz" => (StatusCode::OK, "ready"),
        _ => return None,
    };
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Some(Problem::method("GET, HEAD").answer(head));
    }
    let body = if head { String::new() } else { format!("{{\"status\":\"{word}\"}}\n") };
    Some(typed(status, JSON, body))
}
