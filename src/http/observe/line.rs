//! What the log says of a request: a line for each at level `debug`, and now and then one at `warn` for
//! answers that say the server could not.
//!
//! Nothing that may hold a message or a secret is in it: no query, no header but the two that name a
//! request, no body, and of a path no receipt, because who has that may acknowledge.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;

use actix_http::body::{BodySize, MessageBody as _};
use actix_http::{HttpMessage as _, Request};
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use log::kv::Value;
use log::{Level, Record};

use super::{Face, Seen};
use crate::http::answer::Answer;
use crate::http::v1::Route;

const TARGET: &str = "ringmq::http";

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The most of a path that is shown, in bytes.
const LONGEST_PATH: usize = 256;

const LEASES: &str = "/leases/";
const RELEASE: &str = "/release";

/// What the log says of a request, as far as its answer does not.
pub(super) struct Line {
    method: Method,
    path: String,
    peer: Option<SocketAddr>,
    bytes_in: Option<u64>,
    traceparent: Option<String>,
}

impl Line {
    /// Of each request, if there is to be a line of each.
    #[inline]
    pub(super) fn of(request: &Request) -> Option<Self> {
        // The level is asked first: at most others that is one load, and nothing more.
        log::log_enabled!(target: TARGET, Level::Debug).then(|| Self::new(request))
    }

    #[cold]
    fn new(request: &Request) -> Self {
        let header =
            |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
        let traceparent = header(TRACEPARENT);
        Self {
            method: request.method().clone(),
            path: shown(request.path()).into_owned(),
            peer: request.head().peer_addr,
            bytes_in: header(CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            traceparent: traceparent.filter(|text| trace_id(text).is_some()).map(str::to_owned),
        }
    }

    pub(super) fn write(&self, seen: &Seen, answer: &Answer, id: &str, took: Duration) {
        let status = answer.status().as_u16();
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let peer = self.peer.map(|peer| peer.to_string());
        let mut fields = vec![
            ("method", Value::from(self.method.as_str())),
            ("path", self.path.as_str().into()),
            ("status", status.into()),
            ("face", seen.face.name().into()),
            ("duration_us", micros.into()),
            ("waited", seen.waited.into()),
        ];
        if let Some(bytes) = self.bytes_in {
            fields.push(("bytes_in", bytes.into()));
        }
        if let BodySize::Sized(bytes) = answer.body().size() {
            fields.push(("bytes_out", bytes.into()));
        }
        if let Some(peer) = &peer {
            fields.push(("peer", peer.as_str().into()));
        }
        fields.push(("request_id", id.into()));
        if let Some(traceparent) = &self.traceparent {
            fields.push(("traceparent", traceparent.as_str().into()));
            fields.extend(trace_id(traceparent).map(|id| ("trace_id", id.into())));
        }
        write(Level::Debug, "answered", &fields);
    }
}

/// As much of a request as says which it was.
pub(super) struct Gist {
    method: Method,
    /// The path, or its beginning.
    path: [u8; Self::PATH],
    length: usize,
    traceparent: Option<HeaderValue>,
}

impl Gist {
    const PATH: usize = 96;

    /// A copy: what of the request were kept as it is would keep all that its connection reads.
    #[inline]
    pub(super) fn of(request: &Request) -> Self {
        let (whole, mut path) = (request.path().as_bytes(), [0; Self::PATH]);
        let length = whole.len().min(Self::PATH);
        path[..length].copy_from_slice(&whole[..length]);
        let traceparent = request.headers().get(&TRACEPARENT);
        let traceparent =
            traceparent.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok());
        Self { method: request.method().clone(), path, length, traceparent }
    }

    fn path(&self) -> String {
        let path = String::from_utf8_lossy(&self.path[..self.length]);
        let more = if self.length == Self::PATH { "…" } else { "" };
        format!("{}{more}", shown(&path))
    }
}

/// Whether an answer says that the server could not do what it should: not so the classic face's 500, which
/// is what it says of a full queue and of an empty one.
pub(super) fn is_failure(face: Face, answer: &Answer) -> bool {
    let status = answer.status();
    status.is_server_error() && !(face == Face::Classic && status.as_u16() == 500)
}

/// Writes that an answer was such, and how many more were of which nothing was written.
pub(super) fn write_failure(
    face: Face,
    gist: Option<&Gist>,
    answer: &Answer,
    id: &str,
    unlogged: u64,
) {
    let path = gist.map(Gist::path);
    let mut fields = vec![
        ("status", Value::from(answer.status().as_u16())),
        ("face", face.name().into()),
        ("request_id", id.into()),
        ("unlogged", unlogged.into()),
    ];
    if let Some((gist, path)) = gist.zip(path.as_ref()) {
        fields.extend([("method", gist.method.as_str().into()), ("path", path.as_str().into())]);
    }
    let traceparent = gist.and_then(|gist| gist.traceparent.as_ref()?.to_str().ok());
    if let Some((text, trace)) = traceparent.and_then(|text| Some((text, trace_id(text)?))) {
        fields.extend([("traceparent", text.into()), ("trace_id", trace.into())]);
    }
    write(Level::Warn, "answered with a server error", &fields);
}

/// Whether [`write_failure`] would write anything.
pub(super) fn failures_are_written() -> bool {
    log::log_enabled!(target: TARGET, Level::Warn)
}

fn write(level: Level, message: &str, fields: &[(&str, Value<'_>)]) {
    let mut record = Record::builder();
    record.level(level).target(TARGET).module_path(Some(TARGET)).key_values(&fields);
    log::logger().log(&record.args(format_args!("{message}")).build());
}

/// A path without the receipt it may have, and not longer than makes sense.
fn shown(path: &str) -> Cow<'_, str> {
    let short = &path[..path.floor_char_boundary(LONGEST_PATH)];
    let more = if short.len() < path.len() { "…" } else { "" };
    // The route says where there is one, for a queue may have any name; what is no route may have one as well.
    let place = match Route::of_path(path) {
        Some((Route::Lease(receipt), _)) => Some((path.len() - receipt.len(), "")),
        Some((Route::LeaseRelease(receipt), _)) => {
            Some((path.len() - RELEASE.len() - receipt.len(), RELEASE))
        }
        Some(_) => None,
        None => path.find(LEASES).map(|place| (place + LEASES.len(), "")),
    };
    let Some((before, after)) = place else {
        return if more.is_empty() { short.into() } else { format!("{short}{more}").into() };
    };
    let before = &path[..path.floor_char_boundary(before.min(LONGEST_PATH))];
    format!("{before}{{receipt}}{after}").into()
}

/// The trace that a `traceparent` belongs to, if it is one: version, trace, parent and flags in hexadecimal
/// digits, as W3C's Trace Context has it. A later version may have more behind that.
fn trace_id(traceparent: &str) -> Option<&str> {
    let mut parts = traceparent.splitn(5, '-');
    let mut part = |length: usize| {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        parts.next().filter(|part| part.len() == length && part.bytes().all(digit))
    };
    let (version, trace, parent, _flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    let zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    let more = parts.next();
    let allowed = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic()) && text.len() < 200;
    let well_formed = version != "ff" && !zero(trace) && !zero(parent);
    (well_formed && more.is_none_or(|more| version != "00" && allowed(more))).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_shows_no_receipt() {
        for (path, expected) in [
            ("/v1/queues/q/leases/1f", "/v1/queues/q/leases/{receipt}"),
            ("/v1/queues/q/leases/1f/release", "/v1/queues/q/leases/{receipt}/release"),
            ("/v1/queues/q/leases/ack", "/v1/queues/q/leases/ack"),
            ("/v1/queues/q/messages", "/v1/queues/q/messages"),
            ("/v1/queues/leases/leases/1f", "/v1/queues/leases/leases/{receipt}"),
            ("/v1/queues/leases/leases/1f/release", "/v1/queues/leases/leases/{receipt}/release"),
            ("/v1/queues/leases/messages", "/v1/queues/leases/messages"),
            ("/v1/queues/leases/leases/ack", "/v1/queues/leases/leases/ack"),
            // No route, but meant as one.
            ("/v1/queues/q/leases/1f/", "/v1/queues/q/leases/{receipt}"),
            ("/v2/queues/q/leases/1f/release", "/v2/queues/q/leases/{receipt}"),
        ] {
            assert_eq!(shown(path), expected);
        }
    }

    #[test]
    fn a_long_path_is_cut() {
        let path = format!("/{}é{}", "a".repeat(LONGEST_PATH - 2), "b".repeat(1000));
        assert_eq!(shown(&path), format!("/{}…", "a".repeat(LONGEST_PATH - 2)));
        let path = format!("/v1/queues/q/leases/{}", "f".repeat(1000));
        assert_eq!(shown(&path), "/v1/queues/q/leases/{receipt}");
    }

    #[test]
    fn a_traceparent_is_one_only_as_the_standard_has_it() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let parent = "b7ad6b7169203331";
        let of = |text: String| trace_id(&text).map(str::to_owned);
        assert_eq!(of(format!("00-{trace}-{parent}-01")).as_deref(), Some(trace));
        assert_eq!(of(format!("01-{trace}-{parent}-01-more")).as_deref(), Some(trace));
        for wrong in [
            String::new(),
            format!("00-{trace}-{parent}"),
            format!("00-{trace}-{parent}-01-more"),
            format!("01-{trace}-{parent}-01-a\tb"),
            format!("ff-{trace}-{parent}-01"),
            format!("00-{}-{parent}-01", trace.to_uppercase()),
            format!("00-{}-{parent}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{trace}0-{parent}-01"),
        ] {
            assert_eq!(trace_id(&wrong), None, "{wrong}");
        }
    }
}
