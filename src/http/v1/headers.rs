//! The headers that this face knows.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderValue};

use super::accept::Accept;
use super::attributes;
use super::call::{LONGEST_WAIT, read_duration};
use super::parameters::Parameter;
use crate::duration;
use crate::http::problem::Problem;
use crate::queue::Attributes;

/// What the headers of a request say, found in one pass over them.
pub(super) struct Headers<'request> {
    pub(super) content_type: Header<'request>,
    pub(super) delay: Header<'request>,
    pub(super) ttl: Header<'request>,
    pub(super) idempotency_key: Header<'request>,
    pub(super) accept: Accept,
    /// How long to wait, as the client prefers it.
    prefer_wait: Option<&'request str>,
    all: &'request HeaderMap,
    has_attributes: bool,
}

/// A header that may stand once.
pub(super) struct Header<'request> {
    name: &'static str,
    value: Option<&'request HeaderValue>,
    twice: bool,
}

impl<'request> Headers<'request> {
    pub(super) fn of(all: &'request HeaderMap) -> Self {
        let mut headers = Self {
            content_type: Header::named("content-type"),
            delay: Header::named("queue-delay"),
            ttl: Header::named("queue-ttl"),
            idempotency_key: Header::named("idempotency-key"),
            accept: Accept::default(),
            prefer_wait: None,
            all,
            has_attributes: false,
        };
        for (name, value) in all {
            match name.as_str() {
                "content-type" => headers.content_type.found(value),
                "queue-delay" => headers.delay.found(value),
                "queue-ttl" => headers.ttl.found(value),
                "idempotency-key" => headers.idempotency_key.found(value),
                "accept" => headers.accept.add(value),
                "prefer" => headers.prefer_wait = headers.prefer_wait.or_else(|| wait_of(value)),
                name => headers.has_attributes |= attributes::is_one(name),
            }
        }
        headers
    }

    /// How long the client wants to wait, by the parameter `wait` or the header `Prefer: wait=N`, or
    /// `unsaid`. A preference is no error, whatever it says.
    pub(super) fn wait(
        &self,
        parameter: &Parameter<'_>,
        unsaid: Duration,
    ) -> Result<Option<Duration>, Problem> {
        let wait = match parameter.duration(Duration::ZERO, LONGEST_WAIT)? {
            Some(wait) => wait,
            None => {
                let preferred = self.prefer_wait.and_then(duration::read);
                preferred.map_or(unsaid, |wait| wait.min(LONGEST_WAIT))
            }
        };
        Ok(Some(wait).filter(|wait| !wait.is_zero()))
    }

    /// `Queue-Attr-*` without that prefix, and the trace context.
    pub(super) fn attributes(&self) -> Result<Attributes, Problem> {
        match self.has_attributes {
            true => attributes::of_headers(self.all),
            false => Ok(Attributes::default()),
        }
    }
}

/// The value of `wait` among preferences (RFC 7240).
fn wait_of(preferences: &HeaderValue) -> Option<&str> {
    let preferences = preferences.to_str().ok()?.split([',', ';']);
    let mut pairs = preferences.filter_map(|preference| preference.split_once('='));
    let (_, wait) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))?;
    Some(wait.trim().trim_matches('"'))
}

impl<'request> Header<'request> {
    fn named(name: &'static str) -> Self {
        Self { name, value: None, twice: false }
    }

    fn found(&mut self, value: &'request HeaderValue) {
        self.twice |= self.value.replace(value).is_some();
    }

    pub(super) fn text(&self) -> Result<Option<&'request str>, Problem> {
        let Some(value) = self.value else { return Ok(None) };
        if self.twice {
            return Err(self.invalid("is given twice"));
        }
        match value.to_str() {
            Ok(text) => Ok(Some(text.trim())),
            Err(_) => Err(self.invalid("has other characters than visible ASCII")),
        }
    }

    /// A duration of at most `most`.
    pub(super) fn duration(&self, most: Duration) -> Result<Option<Duration>, Problem> {
        let Some(text) = self.text()? else { return Ok(None) };
        read_duration(self.name, text, Duration::ZERO, most).map(Some)
    }

    pub(super) fn invalid(&self, problem: impl Into<String>) -> Problem {
        Problem::invalid(self.name, problem)
    }
}
