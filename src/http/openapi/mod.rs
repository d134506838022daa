//! `/openapi.json`, which describes this server for programs, and `/docs`, which shows it to people.
//!
//! Nothing of it is written by hand beside the code: the files that carry an operation out say so in a
//! function of their own, with the very bounds they check, and schemas are derived from the types that
//! are read and written. The document is made when somebody asks for it first.

mod endpoint;
mod files;
pub(super) mod schema;

use std::sync::OnceLock;

use serde_json::{Value, json};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::info::{InfoBuilder, LicenseBuilder};
use utoipa::openapi::path::PathsBuilder;
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{OpenApi, OpenApiBuilder, PathItem};
use utoipa::{PartialSchema as _, ToSchema as _};

pub(super) use self::endpoint::{Answered, Endpoint, reference};
pub use self::files::configure;
use super::problem::{Code, Document, Failure, Retry};
use super::{classic, metrics, ops, v1};

/// What the operations are grouped by.
pub(super) mod tag {
    pub(in crate::http) const MESSAGES: &str = "Messages";
    pub(in crate::http) const LEASES: &str = "Leases";
    pub(in crate::http) const QUEUES: &str = "Queues";
    pub(in crate::http) const CONTROL: &str = "Control";
    pub(in crate::http) const CLASSIC: &str = "Classic";
    pub(in crate::http) const SERVER: &str = "Server";
}

fn tags() -> Vec<Tag> {
    [
        (tag::MESSAGES, "Sending, receiving and looking at messages."),
        (tag::LEASES, "What a consumer says of the messages it has: done, not yet, not me."),
        (tag::QUEUES, "Making, changing, describing and deleting queues."),
        (tag::CONTROL, "What an operator does to a queue."),
        (
            tag::CLASSIC,
            "Six routes of a well-known small service, and `/status`, on the queue `default`. Their \
             errors are a line of text.",
        ),
        (tag::SERVER, "The server itself: probes, figures, this document."),
    ]
    .map(|(name, says)| TagBuilder::new().name(name).description(Some(says)).build())
    .into()
}

const ABOUT: &str = "An HTTP event queue. Producers send messages to named queues; consumers receive them \
under a lease and acknowledge. A consumer that waits is woken by the send that serves it, and a full queue \
says so.

Durations are a number of seconds, or one with a unit: `250ms`, `30s`, `10m`, `12h`, `7d`; anything above \
nothing is at least a millisecond. Errors are `application/problem+json` (RFC 9457) with a stable `code`. \
The same queues also speak the protocol of Amazon SQS on `POST /`, which its own SDKs describe.";

/// All operations, in the order they are shown.
fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = v1::endpoints();
    endpoints.extend(classic::endpoints());
    endpoints.extend(ops::endpoints());
    endpoints.push(metrics::endpoint());
    endpoints.extend(files::endpoints());
    endpoints
}

/// The document.
fn document() -> OpenApi {
    let mut components = ComponentsBuilder::new();
    let mut paths = PathsBuilder::new();
    let mut items: Vec<(&str, PathItem)> = Vec::new();
    let mut schemas = vec![
        (Document::name().into_owned(), Document::schema()),
        (Failure::name().into_owned(), Failure::schema()),
    ];
    let mut shared = endpoint::Shared::new();
    for endpoint in endpoints() {
        for (method, operation) in endpoint.build(&mut shared) {
            let item = PathItem::new(method, operation);
            match items.iter_mut().find(|(path, _)| *path == endpoint.path) {
                Some((_, known)) => known.merge_operations(item),
                None => items.push((endpoint.path, item)),
            }
        }
        schemas.extend(endpoint.schemas);
    }
    for (path, item) in items {
        paths = paths.path(path, item);
    }
    for (name, response) in shared {
        components = components.response(name, response);
    }
    for (name, schema) in schemas {
        components = components.schema(name, schema);
    }
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "A token of the server. What it may do, and with which queues, its roles say: `send`, `receive`, \
         `monitor`, or `admin`, which may do everything. A server without tokens asks for none.",
    ));
    let components =
        components.security_scheme(endpoint::TOKEN, SecurityScheme::Http(token.build()));
    let license = LicenseBuilder::new()
        .name("MIT OR Apache-2.0")
        .identifier(Some("MIT OR Apache-2.0"))
        .build();
    let info = InfoBuilder::new()
        .title("ringmq")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license))
        .build();
    let mut document = OpenApiBuilder::new()
        .info(info)
        .paths(paths.build())
        .components(Some(components.build()))
        .tags(Some(tags()))
        .build();
    document.extensions = Some(Extensions::from_iter([("x-problems", problems())]));
    document
}

/// The table of errors.
fn problems() -> Value {
    let row = |code: &Code| {
        json!({
            "code": code.as_str(),
            "status": code.status().as_u16(),
            "meaning": code.meaning(),
            "retry": code.retry() == Retry::After,
        })
    };
    Code::ALL.iter().map(row).collect()
}

/// The document as it is served.
fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let text = serde_json::to_string(&document()).expect("a document has text for keys");
        format!("{text}\n")
    })
}

/// What the document has: paths, each with a method.
#[cfg(test)]
pub(super) fn paths_and_methods() -> Vec<(String, String)> {
    let document = serde_json::to_value(document()).expect("it can be written");
    let paths = document["paths"].as_object().expect("it has paths");
    let methods = |(path, item): (&String, &Value)| -> Vec<_> {
        let methods = item.as_object().expect("a path has methods").keys();
        methods.map(|method| (path.clone(), method.to_uppercase())).collect()
    };
    paths.iter().flat_map(methods).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_an_answer_to_some_operation() {
        let text = text();
        for code in Code::ALL {
            let seldom = [
                Code::UnknownPath,      // is about no operation
                Code::MethodNotAllowed, // nor is this
                Code::MoveNotFound,     // moves of messages are of the SQS face
                Code::MoveUnderWay,
                Code::MoveOver,
                Code::QueueExists,        // this face changes a queue that is there
                Code::TooManyWatchers,    // the stream of the dashboard is no part of the API
                Code::TooManyConnections, // answers a connection, before it has asked anything
            ];
            let told = text.contains(&format!("- `{}`: ", code.as_str()));
            assert_eq!(told, !seldom.contains(code), "{}", code.as_str());
        }
    }

    #[test]
    fn classic_routes_and_probes_are_there() {
        let there = paths_and_methods();
        for (path, _) in &there {
            let known = v1::has(path)
                || ops::has(path)
                || classic::Route::of(path).is_some()
                || ["/metrics", "/openapi.json", "/docs"].contains(&&**path);
            assert!(known, "{path}");
        }
        for path in ["/livez", "/readyz", "/metrics", "/openapi.json", "/docs"] {
            for method in ["GET", "HEAD"] {
                assert!(there.contains(&(path.to_owned(), method.to_owned())), "{method} {path}");
            }
        }
        for (method, path) in [
            ("POST", "/enqueue"),
            ("GET", "/dequeue"),
            ("GET", "/size"),
            ("GET", "/capacity"),
            ("GET", "/isEmpty"),
            ("GET", "/isFull"),
            ("GET", "/status"),
        ] {
            assert!(there.contains(&(path.to_owned(), method.to_owned())), "{method} {path}");
            assert!(!there.contains(&(path.to_owned(), "HEAD".to_owned())), "HEAD {path}");
        }
    }
}
