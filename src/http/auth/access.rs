//! What a request needs: the one table from method and path to role and queue.

use std::borrow::Cow;

use actix_web::http::Method;

use super::Role;
use crate::broker::QueueName;
use crate::http::classic;
use crate::http::ops;
use crate::http::v1::{self, Route};

/// What who asks must have.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Need<'path> {
    /// No token at all.
    Nothing,
    /// Any token.
    Token,
    /// This role on this queue.
    Role(Role, Cow<'path, str>),
    /// Any role on this queue.
    Sight(Cow<'path, str>),
    /// This role on all queues: what is told tells of all of them.
    Everywhere(Role),
}

/// What a request needs. The SQS face has a table of its own, beside its actions.
pub(super) fn need<'path>(method: &Method, path: &'path str) -> Need<'path> {
    if let Some(route) = classic::Route::of(path) {
        let queue = Cow::Borrowed(QueueName::DEFAULT);
        return match route {
            classic::Route::Enqueue => Need::Role(Role::Send, queue),
            classic::Route::Dequeue => Need::Role(Role::Receive, queue),
            classic::Route::Look(_) => Need::Sight(queue),
        };
    }
    if v1::has(path) {
        return of_v1(method, path);
    }
    if ops::has(path) {
        return Need::Nothing;
    }
    of_page(path)
}

/// For who describes what there is: `None` where no token is needed, otherwise the role; none of these
/// means that any will do.
pub(in crate::http) fn role(method: &Method, path: &str) -> Option<Option<Role>> {
    match need(method, path) {
        Need::Nothing => None,
        Need::Token | Need::Sight(_) => Some(None),
        Need::Role(role, _) | Need::Everywhere(role) => Some(Some(role)),
    }
}

fn of_v1<'path>(method: &Method, path: &'path str) -> Need<'path> {
    let Some((route, queue)) = Route::of_path(path) else { return Need::Token };
    let role = match (route, method) {
        // It tells of those queues only that the token is good for.
        (Route::Queues, _) => return Need::Token,
        (Route::Queue, &Method::GET | &Method::HEAD) => return Need::Sight(v1::decoded(queue)),
        (Route::Messages, &Method::POST) | (Route::MessageBatch, _) => Role::Send,
        (
            Route::Messages
            | Route::Message(_)
            | Route::Receive
            | Route::Lease(_)
            | Route::LeaseRelease(_)
            | Route::Ack
            | Route::Extend
            | Route::Release,
            _,
        ) => Role::Receive,
        (Route::Queue | Route::Purge | Route::Pause | Route::Resume | Route::Redrive, _) => {
            Role::Admin
        }
    };
    Need::Role(role, v1::decoded(queue))
}

/// Of what the actix-web application answers.
fn of_page(path: &str) -> Need<'static> {
    // The application unescapes paths before it looks for a route, and no page has a name that needs it.
    if path.contains('%') {
        return Need::Everywhere(Role::Monitor);
    }
    let below = |root: &str| {
        path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if path == "/metrics" || below("/ui/events") {
        return Need::Everywhere(Role::Monitor);
    }
    // Nothing but what is in the binary for everybody to read.
    if path == "/"
        || path == "/openapi.json"
        || path == "/favicon.ico"
        || below("/ui")
        || below("/docs")
    {
        return Need::Nothing;
    }
    Need::Token
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(role: Role, queue: &str) -> Need<'_> {
        Need::Role(role, queue.into())
    }

    #[test]
    fn every_route_needs_what_it_does() {
        use Role::{Admin, Monitor, Receive, Send};
        let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
        let (patch, delete) = (Method::PATCH, Method::DELETE);
        for (method, path, needed) in [
            (&post, "/enqueue", on(Send, "default")),
            (&get, "/dequeue", on(Receive, "default")),
            (&get, "/size", Need::Sight("default".into())),
            (&get, "/status", Need::Sight("default".into())),
            (&get, "/v1/queues", Need::Token),
            (&get, "/v1/queues/q", Need::Sight("q".into())),
            (&put, "/v1/queues/q", on(Admin, "q")),
            (&delete, "/v1/queues/q", on(Admin, "q")),
            (&post, "/v1/queues/q", on(Admin, "q")),
            (&post, "/v1/queues/q/messages", on(Send, "q")),
            (&get, "/v1/queues/q/messages", on(Receive, "q")),
            (&post, "/v1/queues/q/messages/batch", on(Send, "q")),
            (&get, "/v1/queues/q/messages/1", on(Receive, "q")),
            (&post, "/v1/queues/q/receive", on(Receive, "q")),
            (&delete, "/v1/queues/q/leases/1", on(Receive, "q")),
            (&patch, "/v1/queues/q/leases/1", on(Receive, "q")),
            (&post, "/v1/queues/q/leases/1/release", on(Receive, "q")),
            (&post, "/v1/queues/q/leases/ack", on(Receive, "q")),
            (&post, "/v1/queues/q/leases/extend", on(Receive, "q")),
            (&post, "/v1/queues/q/leases/release", on(Receive, "q")),
            (&post, "/v1/queues/q/purge", on(Admin, "q")),
            (&post, "/v1/queues/q/pause", on(Admin, "q")),
            (&post, "/v1/queues/q/resume", on(Admin, "q")),
            (&post, "/v1/queues/q/redrive", on(Admin, "q")),
            (&post, "/v1/queues/%71/purge", on(Admin, "q")),
            (&get, "/v1", Need::Token),
            (&get, "/v1/nowhere", Need::Token),
            (&get, "/livez", Need::Nothing),
            (&get, "/readyz", Need::Nothing),
            (&get, "/", Need::Nothing),
            (&get, "/ui", Need::Nothing),
            (&get, "/ui/app.js", Need::Nothing),
            (&get, "/docs", Need::Nothing),
            (&get, "/openapi.json", Need::Nothing),
            (&get, "/ui/events", Need::Everywhere(Monitor)),
            (&get, "/ui/events/q", Need::Everywhere(Monitor)),
            (&get, "/ui/%65vents", Need::Everywhere(Monitor)),
            (&get, "/metrics", Need::Everywhere(Monitor)),
            (&get, "/%6detrics", Need::Everywhere(Monitor)),
            (&get, "/uix", Need::Token),
            (&get, "/nowhere", Need::Token),
        ] {
            assert_eq!(need(method, path), needed, "{method} {path}");
        }
    }
}
