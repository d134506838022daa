//! The HTTP client of the commands: one server, asked one thing at a time.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use ringmq::duration;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;
use ureq::http::{self, HeaderMap, Method, header};
use ureq::{Agent, AsSendBody, Body};

use super::connection::{Connection, authorization, base, config, shown};
use super::exit::{Exit, Failure};
use super::output::one_line;

/// Why there is no answer, or none that was wanted.
#[derive(Debug, Error)]
pub(super) enum CallError {
    /// The server says no.
    #[error("{detail} ({status} {code})")]
    Refused { status: u16, code: String, detail: String, retry_after: Option<Duration> },
    /// Nobody is there, or takes too long.
    #[error("cannot reach {url}: {why}")]
    Unreachable { url: String, why: String },
    /// Somebody else is there.
    #[error("{url} does not answer as ringmq does: {why}; is the URL right?")]
    Strange { url: String, why: String },
    /// The URL, the token or the certificate cannot be used.
    #[error("{0}")]
    Unusable(String),
}

/// The one table from what a server answers to what the process ends with.
impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let exit = match &error {
            CallError::Unreachable { .. } => Exit::Unreachable,
            CallError::Strange { .. } => Exit::Failed,
            CallError::Unusable(_) => Exit::Usage,
            CallError::Refused { status, code, .. } => exit_of(*status, code),
        };
        let retry_after = match &error {
            CallError::Refused { retry_after, .. } => *retry_after,
            _ => None,
        };
        Self { retry_after, ..Self::because(exit, one_line(&error.to_string())) }
    }
}

/// By the status, and where that is not enough, the code.
pub(super) fn exit_of(status: u16, code: &str) -> Exit {
    match (status, code) {
        (503, "out_of_memory") | (429, _) => Exit::Full,
        (503, _) => Exit::Unreachable,
        (401 | 403, _) => Exit::NotAllowed,
        (404 | 410, _) => Exit::Nothing,
        (409, _) => Exit::Conflict,
        (400..500, _) => Exit::Usage,
        _ => Exit::Failed,
    }
}

/// What the server answered, where it was a success.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    url: String,
}

impl Answer {
    /// Its body, read.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| CallError::Strange { url: self.url.clone(), why: error.to_string() })
    }
}

/// A request: what, where, and what is beside it.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: Vec<(Cow<'static, str>, String)>,
    pub(super) body: Option<&'a [u8]>,
    /// How long the server is asked to wait before it answers.
    pub(super) wait: Duration,
    /// When it is too late for an answer, where that is before the time for one is over.
    pub(super) until: Option<Instant>,
}

impl<'a> Request<'a> {
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            body: None,
            wait: Duration::ZERO,
            until: None,
        }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn post(path: impl Into<String>, body: &'a [u8]) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, path) }
    }
}

/// A client of one server. A clone shares its connections.
#[derive(Clone)]
pub(super) struct Client {
    agent: Agent,
    base: String,
    /// The same without what is secret in it.
    shown: String,
    authorization: Option<String>,
    timeout: Option<Duration>,
}

impl Client {
    /// A client of the server that the options name.
    pub(super) fn new(options: &Connection) -> Result<Self, CallError> {
        Self::checking(options, true)
    }

    /// The same, which takes any certificate if it is not to check them.
    pub(super) fn checking(options: &Connection, checks: bool) -> Result<Self, CallError> {
        let base = base(options)?;
        let config = config(&base, options, !checks)?;
        Ok(Self {
            agent: config.new_agent(),
            shown: shown(&base),
            base,
            authorization: authorization(options)?,
            timeout: Some(options.timeout),
        })
    }

    /// The same over connections of its own, whose name is looked up once: for many requests.
    pub(super) fn of_its_own(&self) -> Self {
        let client = self.clone();
        let resolver = super::resolver::Remembered::default();
        let connector = ureq::unversioned::transport::DefaultConnector::default();
        let agent = Agent::with_parts(client.agent.config().clone(), connector, resolver);
        Self { agent, ..client }
    }

    /// The same without a limit of time, for what takes as long as it takes.
    pub(super) fn patient(self) -> Self {
        Self { timeout: None, ..self }
    }

    /// The server, as it was named, but for what is secret.
    pub(super) fn url(&self) -> &str {
        &self.shown
    }

    /// Asks, and waits for the answer.
    pub(super) fn call(&self, request: &Request<'_>) -> Result<Answer, CallError> {
        let url = format!("{}{}", self.base, request.path);
        let mut head = http::Request::builder().method(&request.method).uri(&url);
        if let Some(authorization) = &self.authorization {
            head = head.header(header::AUTHORIZATION, authorization);
        }
        for (name, value) in &request.headers {
            head = head.header(&**name, value);
        }
        let whole = self.timeout.map(|timeout| timeout + request.wait);
        // Nothing would be no limit.
        let left = request.until.map(|until| until.saturating_duration_since(Instant::now()));
        let left = left.map(|left| left.max(Duration::from_millis(1)));
        let timeout = left.into_iter().chain(whole).min();
        let answer = match request.body {
            Some(body) => self.run(head.body(body), timeout, whole),
            None => self.run(head.body(()), timeout, whole),
        }?;
        let (head, mut body) = answer.into_parts();
        let body = body.with_config().limit(u64::MAX).read_to_vec();
        let body = body.map_err(|error| self.unanswered(error, whole))?;
        if head.status.is_success() {
            return Ok(Answer { status: head.status.as_u16(), body, url: self.shown.clone() });
        }
        Err(self.refused(head.status.as_u16(), &head.headers, &body))
    }

    fn run<B: AsSendBody>(
        &self,
        request: http::Result<http::Request<B>>,
        timeout: Option<Duration>,
        whole: Option<Duration>,
    ) -> Result<http::Response<Body>, CallError> {
        let request = request.map_err(|error| CallError::Unusable(error.to_string()))?;
        let request = self.agent.configure_request(request).timeout_global(timeout).build();
        self.agent.run(request).map_err(|error| self.unanswered(error, whole))
    }

    /// Asks, and reads the answer.
    pub(super) fn ask<T: DeserializeOwned>(&self, request: &Request<'_>) -> Result<T, CallError> {
        self.call(request)?.read()
    }

    /// What an answer tells of each of so many; less is no answer.
    pub(super) fn results(&self, mut answer: Value, of: usize) -> Result<Vec<Value>, CallError> {
        match answer["results"].take() {
            Value::Array(results) if results.len() == of => Ok(results),
            _ => {
                let why = "it does not tell a result for each that was asked".into();
                Err(CallError::Strange { url: self.shown.clone(), why })
            }
        }
    }

    fn refused(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> CallError {
        let is_problem = headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
        let problem = serde_json::from_slice::<Value>(body).ok().filter(|_| is_problem);
        let word =
            || serde_json::from_slice::<Value>(body).ok()?["status"].as_str().map(str::to_owned);
        let Some(problem) = problem else {
            if let (503, Some(word)) = (status, word()) {
                // A probe's answer.
                let detail = format!("the server is not ready: {word}");
                return CallError::Refused {
                    status,
                    code: "not_ready".into(),
                    detail,
                    retry_after: None,
                };
            }
            let why = format!("status {status} without a reason");
            return CallError::Strange { url: self.shown.clone(), why };
        };
        let seconds = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        CallError::Refused {
            status,
            code: problem["code"].as_str().unwrap_or("no code").to_owned(),
            detail: detail_of(&problem),
            retry_after: seconds.and_then(|text| text.parse().ok()).map(Duration::from_secs),
        }
    }

    fn unanswered(&self, error: ureq::Error, timeout: Option<Duration>) -> CallError {
        let url = self.shown.clone();
        match error {
            ureq::Error::Timeout(_) => {
                let within = timeout.map(duration::write).unwrap_or_default();
                CallError::Unreachable { url, why: format!("no answer within {within}") }
            }
            ureq::Error::BadUri(why) => {
                CallError::Unusable(format!("the URL {url} is wrong: {why}"))
            }
            ureq::Error::Http(error) => CallError::Unusable(format!("the URL {url}: {error}")),
            ureq::Error::Protocol(error) => CallError::Strange { url, why: error.to_string() },
            ureq::Error::Io(error) => CallError::Unreachable { url, why: root(&error) },
            error => CallError::Unreachable { url, why: error.to_string() },
        }
    }
}

/// What a problem says, with the field it names.
pub(super) fn detail_of(problem: &Value) -> String {
    let detail = problem["detail"].as_str().unwrap_or("refused");
    match problem["field"].as_str() {
        Some(field) if !detail.contains(field) => format!("`{field}`: {detail}"),
        _ => detail.to_owned(),
    }
}

/// The words of the innermost error.
fn root(error: &(dyn std::error::Error + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_an_exit_code() {
        for (status, code, exit) in [
            (400, "invalid_parameter", Exit::Usage),
            (401, "unauthorized", Exit::NotAllowed),
            (403, "forbidden", Exit::NotAllowed),
            (404, "queue_not_found", Exit::Nothing),
            (409, "lease_lost", Exit::Conflict),
            (410, "message_gone", Exit::Nothing),
            (413, "body_too_large", Exit::Usage),
            (422, "invalid_setting", Exit::Usage),
            (429, "queue_full", Exit::Full),
            (500, "?", Exit::Failed),
            (503, "out_of_memory", Exit::Full),
            (503, "draining", Exit::Unreachable),
        ] {
            assert_eq!(exit_of(status, code), exit, "{status} {code}");
        }
    }

    #[test]
    fn a_field_is_named_once() {
        let named = serde_json::json!({"detail": "`max` must be less", "field": "max"});
        assert_eq!(detail_of(&named), "`max` must be less");
        let unnamed = serde_json::json!({"detail": "must be less", "field": "max"});
        assert_eq!(detail_of(&unnamed), "`max`: must be less");
    }
}
