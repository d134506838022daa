//! Settings of who may ask, by what, and how slowly.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::{also, number};
use crate::duration;
use crate::server::Limits;

/// Who may ask, by what, and how slowly.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct GuardSettings {
    /// TOML file with bearer tokens and what they are good for, read again on SIGHUP. The variable
    /// RINGMQ_AUTH_TOKENS has tokens too: `name=token send:orders.* receive:x; …`. Without either,
    /// everybody may do everything
    #[arg(long, env = "RINGMQ_AUTH_FILE", value_name = "FILE")]
    pub auth_file: Option<PathBuf>,

    /// PEM file with the certificate for HTTPS, and those of the authorities behind it; read again on
    /// SIGHUP
    #[arg(long, env = "RINGMQ_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// PEM file with the private key of that certificate
    #[arg(long, env = "RINGMQ_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Most connections at once; further ones are answered 503
    #[arg(long, env = "RINGMQ_MAX_CONNECTIONS", default_value_t = Limits::DEFAULT.max_connections, value_parser = max_connections)]
    pub max_connections: usize,

    /// How long the head of a request may take, and a TLS handshake
    #[arg(long, env = "RINGMQ_HEAD_TIMEOUT", default_value = duration::write(Limits::DEFAULT.head_timeout), value_parser = head_timeout)]
    pub head_timeout: Duration,

    /// How long the body of a request may take in which less than 1 KiB a second comes, and an answer of
    /// which less is taken
    #[arg(long, env = "RINGMQ_BODY_TIMEOUT", default_value = duration::write(Limits::DEFAULT.body_timeout), value_parser = body_timeout)]
    pub body_timeout: Duration,

    /// How long a connection without a request is kept
    #[arg(long, env = "RINGMQ_KEEP_ALIVE", default_value = duration::write(Limits::DEFAULT.keep_alive), value_parser = keep_alive)]
    pub keep_alive: Duration,
}

/// The variable with tokens. There is no flag: other users can see those.
pub const AUTH_TOKENS: &str = "RINGMQ_AUTH_TOKENS";

const MAX_CONNECTIONS: usize = 1_000_000;
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_hours(1);

impl GuardSettings {
    /// As the server takes them.
    pub fn limits(&self) -> Limits {
        Limits {
            max_connections: self.max_connections,
            head_timeout: self.head_timeout,
            body_timeout: self.body_timeout,
            keep_alive: self.keep_alive,
        }
    }
}

/// A text that is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub(super) String);

impl Secret {
    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        // Judged later: clap would show what it refuses.
        Ok(Self(text.trim().to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

fn max_connections(value: &str) -> Result<usize, String> {
    number(value, 1..=MAX_CONNECTIONS, "RINGMQ_MAX_CONNECTIONS")
}

fn head_timeout(value: &str) -> Result<Duration, String> {
    timeout(value, "RINGMQ_HEAD_TIMEOUT")
}

fn body_timeout(value: &str) -> Result<Duration, String> {
    timeout(value, "RINGMQ_BODY_TIMEOUT")
}

fn keep_alive(value: &str) -> Result<Duration, String> {
    timeout(value, "RINGMQ_KEEP_ALIVE")
}

fn timeout(value: &str, variable: &str) -> Result<Duration, String> {
    let read = duration::read(value).filter(|timeout| (SHORTEST..=LONGEST).contains(timeout));
    read.ok_or_else(|| {
        let (least, most) = (duration::write(SHORTEST), duration::write(LONGEST));
        format!("must be a duration from {least} to {most} {}", also(variable))
    })
}
