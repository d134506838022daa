//! Which server the commands ask, and how they get there: URL, token, certificates.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ringmq::config::Secret;
use ringmq::duration;
use ureq::Agent;
use ureq::http::Uri;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::client::CallError;

/// Which server, and how it is asked.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Server")]
pub(super) struct Connection {
    /// URL of the server [default: http://127.0.0.1:$PORT, and PORT is 8080 where it is not set]
    #[arg(long, env = "RINGMQ_URL", hide_env_values = true, value_name = "URL")]
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

/// The longest duration that is a wait of this program.
const LONGEST: Duration = Duration::from_hours(24);

/// A duration as the server reads it, short enough to be added to any moment.
pub(super) fn span(value: &str) -> Result<Duration, String> {
    duration::read(value).filter(|span| *span <= LONGEST).ok_or_else(|| {
        "must be a duration up to 24h such as 30s, 250ms or 10m, or a number of seconds".into()
    })
}

fn timeout(value: &str) -> Result<Duration, String> {
    match span(value)? {
        Duration::ZERO => Err("must be longer than nothing".into()),
        timeout => Ok(timeout),
    }
}

/// The URL as requests begin with it.
pub(super) fn base(options: &Connection) -> Result<String, CallError> {
    let url = match &options.url {
        Some(url) => url.trim().trim_end_matches('/').to_owned(),
        None => {
            let port = std::env::var("PORT").unwrap_or_else(|_| "8080".into());
            format!("http://127.0.0.1:{port}")
        }
    };
    let wrong = |why: &str| CallError::Unusable(format!("the URL `{}` {why}", shown(&url)));
    let uri: Uri = url.parse().map_err(|_| wrong("cannot be read"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err(wrong("must begin with http:// or https:// and a host"));
    }
    if uri.query().is_some() {
        return Err(wrong("must not have parameters"));
    }
    Ok(url)
}

/// A URL without the name and password that may be in it. What stands before the last `@` is hidden, however
/// the rest is to be read: a password may have any character.
pub(super) fn shown(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('@') => (format!("{scheme}://"), rest),
        _ => (String::new(), url),
    };
    match rest.rsplit_once('@') {
        Some((_, rest)) => format!("{scheme}***@{rest}"),
        None => url.to_owned(),
    }
}

/// What stands in the header.
pub(super) fn authorization(options: &Connection) -> Result<Option<String>, CallError> {
    let Some(token) = options.token.as_ref().map(Secret::reveal) else { return Ok(None) };
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let why = "the token (--token or RINGMQ_TOKEN) must be visible characters without spaces";
        return Err(CallError::Unusable(why.into()));
    }
    Ok(Some(format!("Bearer {token}")))
}

/// How that server is reached; `insecure` takes any certificate.
pub(super) fn config(
    base: &str,
    options: &Connection,
    insecure: bool,
) -> Result<ureq::config::Config, CallError> {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(options.timeout))
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
        config = config.tls_config(tls(options, insecure)?);
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

fn tls(options: &Connection, insecure: bool) -> Result<TlsConfig, CallError> {
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider);
    if insecure {
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
    fn what_is_secret_in_a_url_is_not_shown() {
        for (url, told) in [
            ("http://host:1/a", "http://host:1/a"),
            ("http://user:secret@host:1/a", "http://***@host:1/a"),
            ("https://user:se/cr@et@host", "https://***@host"),
            ("user:secret@host", "***@host"),
        ] {
            assert_eq!(shown(url), told, "{url}");
        }
    }

    #[test]
    fn a_duration_can_be_added_to_a_moment() {
        assert_eq!(span("24h"), Ok(LONGEST));
        assert!(span("200000000000000d").is_err() && timeout("200000000000000d").is_err());
    }

    #[test]
    fn a_token_is_not_shown() {
        let token: Secret = "hush".parse().expect("whatever it is");
        assert!(!format!("{token:?}").contains("hush"));
    }
}
