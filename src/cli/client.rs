//! The HTTP client of the commands: one server, asked one thing at a time.

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ringmq::duration;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;
use ureq::http::{self, HeaderMap, Method, Uri, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, AsSendBody, Body};

use super::exit::{Exit, Failure};

/// Which server, and how it is asked.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Server")]
pub(super) struct Connection {
    /// URL of the server [default: http://127.0.0.1:$PORT, and PORT is 8080 where it is not set]
    #[arg(long, env = "RINGMQ_URL", value_name = "URL")]
    pub(super) url: Option<String>,

    /// Bearer token; better given in the variable, which other users cannot see
    #[arg(long, env = "RINGMQ_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(super) token: Option<Secret>,

    /// PEM file with the certificates to trust; without it, those that the system trusts
    #[arg(long, env = "RINGMQ_CA", value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,

    /// How long to wait for an answer, and where a command tries again, how long in all
    #[arg(long, env = "RINGMQ_TIMEOUT", default_value = "30s", value_name = "TIME", value_parser = timeout)]
    pub(super) timeout: Duration,
}

/// What is not shown.
#[derive(Clone)]
pub(super) struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Judged later: clap would show what it refuses.
        Ok(Self(text.trim().to_owned()))
    }
}

/// A duration as the server reads it.
pub(super) fn span(value: &str) -> Result<Duration, String> {
    duration::read(value).ok_or_else(|| {
        "must be a duration such as 30s, 250ms or 10m, or a number of seconds".into()
    })
}

fn timeout(value: &str) -> Result<Duration, String> {
    match span(value)? {
        Duration::ZERO => Err("must be longer than nothing".into()),
        timeout => Ok(timeout),
    }
}

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
        Self { retry_after, ..Self::because(exit, error.to_string()) }
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
}

impl<'a> Request<'a> {
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: None, wait: Duration::ZERO }
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
    authorization: Option<String>,
    timeout: Option<Duration>,
}

/// How a client that is made differs from the usual one.
#[derive(Default)]
pub(super) struct Special {
    /// Any certificate will do.
    pub(super) insecure: bool,
}

impl Client {
    /// A client of the server that the options name.
    pub(super) fn new(options: &Connection) -> Result<Self, CallError> {
        Self::special(options, &Special::default())
    }

    pub(super) fn special(options: &Connection, special: &Special) -> Result<Self, CallError> {
        let base = base(options)?;
        let config = config(&base, options, special)?;
        Ok(Self {
            agent: config.new_agent(),
            base,
            authorization: authorization(options)?,
            timeout: Some(options.timeout),
        })
    }

    /// The same over connections of its own, whose name is looked up once: for many requests.
    pub(super) fn of_its_own(options: &Connection) -> Result<Self, CallError> {
        let client = Self::new(options)?;
        let resolver = super::resolver::Remembered::default();
        let connector = ureq::unversioned::transport::DefaultConnector::default();
        let agent = Agent::with_parts(client.agent.config().clone(), connector, resolver);
        Ok(Self { agent, ..client })
    }

    /// The same without a limit of time, for what takes as long as it takes.
    pub(super) fn patient(self) -> Self {
        Self { timeout: None, ..self }
    }

    /// The server, as it was named.
    pub(super) fn url(&self) -> &str {
        &self.base
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
        let timeout = self.timeout.map(|timeout| timeout + request.wait);
        let answer = match request.body {
            Some(body) => self.run(head.body(body), timeout),
            None => self.run(head.body(()), timeout),
        }?;
        let (head, mut body) = answer.into_parts();
        let body = body.with_config().limit(u64::MAX).read_to_vec();
        let body = body.map_err(|error| self.unanswered(error, timeout))?;
        if head.status.is_success() {
            return Ok(Answer { status: head.status.as_u16(), body, url: self.base.clone() });
        }
        Err(self.refused(head.status.as_u16(), &head.headers, &body))
    }

    fn run<B: AsSendBody>(
        &self,
        request: http::Result<http::Request<B>>,
        timeout: Option<Duration>,
    ) -> Result<http::Response<Body>, CallError> {
        let request = request.map_err(|error| CallError::Unusable(error.to_string()))?;
        let request = self.agent.configure_request(request).timeout_global(timeout).build();
        self.agent.run(request).map_err(|error| self.unanswered(error, timeout))
    }

    /// Asks, and reads the answer.
    pub(super) fn ask<T: DeserializeOwned>(&self, request: &Request<'_>) -> Result<T, CallError> {
        self.call(request)?.read()
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
            return CallError::Strange { url: self.base.clone(), why };
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
        let url = self.base.clone();
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

fn base(options: &Connection) -> Result<String, CallError> {
    let url = match &options.url {
        Some(url) => url.trim().trim_end_matches('/').to_owned(),
        None => {
            let port = std::env::var("PORT").unwrap_or_else(|_| "8080".into());
            format!("http://127.0.0.1:{port}")
        }
    };
    let wrong = |why: &str| CallError::Unusable(format!("the URL `{url}` {why}"));
    let uri: Uri = url.parse().map_err(|_| wrong("cannot be read"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err(wrong("must begin with http:// or https:// and a host"));
    }
    if uri.query().is_some() {
        return Err(wrong("must not have parameters"));
    }
    Ok(url)
}

fn authorization(options: &Connection) -> Result<Option<String>, CallError> {
    let Some(Secret(token)) = &options.token else { return Ok(None) };
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let why = "the token (--token or RINGMQ_TOKEN) must be visible characters without spaces";
        return Err(CallError::Unusable(why.into()));
    }
    Ok(Some(format!("Bearer {token}")))
}

fn config(
    base: &str,
    options: &Connection,
    special: &Special,
) -> Result<ureq::config::Config, CallError> {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        // What a server of ours never answers; the token must not follow one either.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("ringmq/", env!("CARGO_PKG_VERSION")))
        // A second at most that a server which says nothing holds a body back.
        .timeout_await_100(Some(Duration::from_secs(1)));
    if is_loopback(base) {
        // No proxy has the way to this machine's own addresses.
        config = config.proxy(None);
    }
    if base.starts_with("https:") {
        config = config.tls_config(tls(options, special)?);
    }
    Ok(config.build())
}

/// Whether a URL is one of this machine's own addresses.
pub(super) fn is_loopback(url: &str) -> bool {
    let Some(host) = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)) else {
        return false;
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn tls(options: &Connection, special: &Special) -> Result<TlsConfig, CallError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider);
    if special.insecure {
        return Ok(tls.disable_verification(true).build());
    }
    let trusted = match &options.ca {
        Some(path) => {
            let wrong = |why: String| {
                let path = path.display();
                CallError::Unusable(format!("--ca or RINGMQ_CA, `{path}`: {why}"))
            };
            let pem = fs::read(path).map_err(|error| wrong(error.to_string()))?;
            let items: Result<Vec<_>, _> = parse_pem(&pem).collect();
            let items = items.map_err(|error| wrong(error.to_string()))?;
            let certificates = items.into_iter().filter_map(|item| match item {
                PemItem::Certificate(certificate) => Some(certificate),
                _ => None,
            });
            let certificates: Vec<_> = certificates.collect();
            if certificates.is_empty() {
                return Err(wrong("there is no certificate in it".into()));
            }
            certificates
        }
        None => {
            let found = rustls_native_certs::load_native_certs().certs;
            if found.is_empty() {
                let why =
                    "the system has no certificates to trust: name some with --ca or RINGMQ_CA";
                return Err(CallError::Unusable(why.into()));
            }
            found.iter().map(|found| Certificate::from_der(found).to_owned()).collect()
        }
    };
    Ok(tls.root_certs(RootCerts::from(trusted)).build())
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

    #[test]
    fn loopback_is_told_from_elsewhere() {
        for url in ["http://127.0.0.1:1", "https://[::1]:2", "http://localhost", "http://127.9.9.9"]
        {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["http://10.0.0.1", "https://example.com", "http://localhost.example.com"] {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn a_token_is_not_shown() {
        let token: Secret = "hush".parse().expect("whatever it is");
        assert!(!format!("{token:?}").contains("hush"));
    }
}
