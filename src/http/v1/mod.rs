//! The v1 face: named queues, leases, long polling. JSON, and `application/problem+json` for errors.
//!
//! A request goes, once its body is there, from its path and method to one function; each does the
//! same: read what the request says ([`Call`]), ask the broker, tell the answer. Where that has to
//! wait, the rest is a future that owns what it needs, and the request is gone.

mod accept;
mod attributes;
mod batch;
mod browse;
mod call;
mod control;
mod delivery;
mod headers;
mod item;
mod leases;
mod messages;
mod parameters;
mod queues;
mod receive;

use std::rc::Rc;

use actix_http::Request;
use actix_web::http::Method;
use actix_web::web::Bytes;

use self::call::Call;
pub(super) use self::call::decoded;
use super::answer::{Reply, without_body};
use super::auth::Caller;
use super::front::Worker;
use super::openapi::Endpoint;
use super::problem::Problem;
use super::refusal::Refusal;

/// Where the paths of this face begin.
const PREFIX: &str = "/v1/";

/// Whether a path is one of this face.
pub(super) fn has(path: &str) -> bool {
    path.starts_with(PREFIX) || path == "/v1"
}

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'path> {
    Queues,
    Queue,
    Messages,
    MessageBatch,
    Message(&'path str),
    Receive,
    Lease(&'path str),
    LeaseRelease(&'path str),
    Ack,
    Extend,
    Release,
    Purge,
    Pause,
    Resume,
    Redrive,
}

impl<'path> Route<'path> {
    /// The route of a whole path, and the queue it is about, as the path has it.
    pub(super) fn of_path(path: &'path str) -> Option<(Self, &'path str)> {
        Self::of(path.strip_prefix(PREFIX)?)
    }

    /// The route of a path behind [`PREFIX`], and the queue it is about.
    fn of(path: &'path str) -> Option<(Self, &'path str)> {
        let Some(path) = path.strip_prefix("queues/") else {
            return (path == "queues").then_some((Self::Queues, ""));
        };
        let Some(end) = path.bytes().position(|byte| byte == b'/') else {
            return Some((Self::Queue, path));
        };
        let (queue, path) = (&path[..end], &path[end + 1..]);
        let route = match path {
            "messages" => Self::Messages,
            "messages/batch" => Self::MessageBatch,
            "receive" => Self::Receive,
            "leases/ack" => Self::Ack,
            "leases/extend" => Self::Extend,
            "leases/release" => Self::Release,
            "purge" => Self::Purge,
            "pause" => Self::Pause,
            "resume" => Self::Resume,
            "redrive" => Self::Redrive,
            _ => Self::of_part(path)?,
        };
        Some((route, queue))
    }

    /// The route of a path that names a message or a lease.
    fn of_part(path: &'path str) -> Option<Self> {
        let one = |name: &str| !name.is_empty() && !name.bytes().any(|byte| byte == b'/');
        if let Some(receipt) = path.strip_prefix("leases/") {
            return match receipt.strip_suffix("/release") {
                Some(receipt) => one(receipt).then_some(Self::LeaseRelease(receipt)),
                None => one(receipt).then_some(Self::Lease(receipt)),
            };
        }
        let id = path.strip_prefix("messages/")?;
        one(id).then_some(Self::Message(id))
    }

    /// Whether its function looks at the body, so that it says when that is no good.
    fn looks_at_body(self, method: &Method) -> bool {
        match self {
            Self::Queue => *method == Method::PUT,
            Self::Lease(_) => *method == Method::PATCH,
            Self::Messages => *method == Method::POST,
            Self::MessageBatch
            | Self::Receive
            | Self::Ack
            | Self::Extend
            | Self::Release
            | Self::Redrive => true,
            Self::Queues
            | Self::Message(_)
            | Self::LeaseRelease(_)
            | Self::Purge
            | Self::Pause
            | Self::Resume => false,
        }
    }

    /// The methods it has, as `Allow` tells them.
    fn allowed(self) -> &'static str {
        match self {
            Self::Queues | Self::Message(_) => "GET, HEAD",
            Self::Queue => "GET, HEAD, PUT, DELETE",
            Self::Messages => "GET, HEAD, POST",
            Self::Lease(_) => "PATCH, DELETE",
            Self::MessageBatch
            | Self::Receive
            | Self::LeaseRelease(_)
            | Self::Ack
            | Self::Extend
            | Self::Release
            | Self::Purge
            | Self::Pause
            | Self::Resume
            | Self::Redrive => "POST",
        }
    }
}

/// What the document says of this face.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = vec![messages::endpoint(), batch::endpoint(), receive::endpoint()];
    endpoints.extend(browse::endpoints());
    endpoints.extend(leases::endpoints());
    endpoints.extend(queues::endpoints());
    endpoints.extend(control::endpoints());
    endpoints
}

/// Answers a request of this face whose body is there, or could not be read.
/// `draining` says whether the server was about to stop when the request came.
pub(super) fn answer(
    worker: &Rc<Worker>,
    request: &Request,
    caller: &Caller,
    body: Result<Bytes, Refusal>,
    draining: bool,
) -> Reply {
    match answer_with_body(worker, request, caller, body, draining) {
        Reply::Now(answer) if *request.method() == Method::HEAD => without_body(answer).into(),
        reply => reply,
    }
}

/// To a HEAD as to a GET.
fn answer_with_body(
    worker: &Rc<Worker>,
    request: &Request,
    caller: &Caller,
    body: Result<Bytes, Refusal>,
    draining: bool,
) -> Reply {
    let Some((route, name)) = Route::of_path(request.path()) else {
        return Problem::unknown_path().answer().into();
    };
    let call = Call::new(worker, request, name, caller, body, draining);
    let mut reply = carry_out(&call, route).unwrap_or_else(|problem| {
        call.look_up_for_mark();
        problem.answer().into()
    });
    if let Reply::Now(answer) = &mut reply {
        call.mark(answer);
    }
    reply
}

fn carry_out(call: &Call<'_>, route: Route<'_>) -> Result<Reply, Problem> {
    let (get, method) = (call.is_get(), call.method());
    if !route.looks_at_body(method) {
        // Nothing is done where the request is not there as a whole.
        call.body()?;
    }
    let answer = match (route, method) {
        (Route::Queues, _) if get => queues::list(call),
        (Route::Queue, _) if get => queues::get(call),
        (Route::Queue, &Method::PUT) => queues::put(call),
        (Route::Queue, &Method::DELETE) => queues::delete(call),
        (Route::Messages, &Method::POST) => return messages::send(call),
        (Route::Messages, _) if get => browse::list(call),
        (Route::Message(id), _) if get => browse::get(call, id),
        (Route::MessageBatch, &Method::POST) => return batch::send(call),
        (Route::Receive, &Method::POST) => return receive::receive(call),
        (Route::Lease(receipt), &Method::DELETE) => leases::ack(call, receipt),
        (Route::Lease(receipt), &Method::PATCH) => leases::extend(call, receipt),
        (Route::LeaseRelease(receipt), &Method::POST) => leases::release(call, receipt),
        (Route::Ack, &Method::POST) => leases::many(call, leases::Act::Ack),
        (Route::Extend, &Method::POST) => leases::many(call, leases::Act::Extend),
        (Route::Release, &Method::POST) => leases::many(call, leases::Act::Release),
        (Route::Purge, &Method::POST) => control::purge(call),
        (Route::Pause, &Method::POST) => control::pause(call),
        (Route::Resume, &Method::POST) => control::resume(call),
        (Route::Redrive, &Method::POST) => return control::redrive(call),
        (route, _) => Err(Problem::method(route.allowed())),
    };
    answer.map(Reply::Now)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All there are; the match fails to compile where one is missing.
    fn all_routes() -> Vec<Route<'static>> {
        use Route::*;
        let all = vec![
            Queues,
            Queue,
            Messages,
            MessageBatch,
            Message("{id}"),
            Receive,
            Lease("{receipt}"),
            LeaseRelease("{receipt}"),
            Ack,
            Extend,
            Release,
            Purge,
            Pause,
            Resume,
            Redrive,
        ];
        for route in &all {
            match route {
                Queues | Queue | Messages | MessageBatch | Message(_) | Receive | Lease(_)
                | LeaseRelease(_) | Ack | Extend | Release | Purge | Pause | Resume | Redrive => {}
            }
        }
        all
    }

    #[test]
    fn the_document_has_every_method_of_every_route_and_no_other() {
        use std::collections::BTreeSet;
        let document = crate::http::openapi::paths_and_methods();
        let mut documented = BTreeSet::new();
        for (path, method) in document.iter().filter(|(path, _)| has(path)) {
            let (route, _) = Route::of_path(path).unwrap_or_else(|| panic!("{path} is no route"));
            documented.insert((format!("{route:?}"), method.clone()));
        }
        let mut there = BTreeSet::new();
        for route in all_routes() {
            for method in route.allowed().split(", ") {
                there.insert((format!("{route:?}"), method.to_owned()));
            }
        }
        assert_eq!(documented, there);
    }

    #[test]
    fn a_path_is_a_route_only_as_a_whole() {
        assert_eq!(Route::of("queues"), Some((Route::Queues, "")));
        assert_eq!(Route::of("queues/q"), Some((Route::Queue, "q")));
        assert_eq!(Route::of("queues/q/messages/batch"), Some((Route::MessageBatch, "q")));
        assert_eq!(Route::of("queues/q/messages/1f"), Some((Route::Message("1f"), "q")));
        assert_eq!(Route::of("queues/q/leases/ack"), Some((Route::Ack, "q")));
        assert_eq!(Route::of("queues/q/leases/1f"), Some((Route::Lease("1f"), "q")));
        assert_eq!(Route::of("queues/q/leases/1f/release"), Some((Route::LeaseRelease("1f"), "q")));
        for path in [
            "",
            "queue",
            "queues/q/",
            "queues/q/message",
            "queues/q/messages/1f/2",
            "queues/q/leases",
            "queues/q/leases/1f/ack",
            "queues/q/leases/1f/release/",
            "queues/q/purge/",
            "queues//messages/",
        ] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }
}
