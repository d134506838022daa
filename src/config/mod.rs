//! The command line and the environment.
//!
//! Every setting has a flag and a variable; the flag wins. A value that is not allowed is an error
//! that names both, the value and what is allowed.

mod file;
mod guard;

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::thread::available_parallelism;
use std::time::Duration;

use clap::{ArgAction, Args};
use log::LevelFilter;

pub use self::file::SettingsFile;
pub use self::guard::{AUTH_TOKENS, GuardSettings, Secret};
use crate::duration;
use crate::http::sqs::LimitsKind;
use crate::logging::LogFormat;
use crate::queue::Queue;

/// The settings of the server.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Address or host name to listen on
    #[arg(long, env = "RINGMQ_HOST", default_value = "127.0.0.1", value_parser = host)]
    pub host: String,

    /// Port to listen on; 0 takes a free one
    #[arg(long, env = "PORT", default_value_t = 8080, value_parser = port)]
    pub port: u16,

    /// Most events queued at once
    #[arg(long, env = "RING_BUFFER_SIZE", default_value_t = 1024, value_parser = capacity)]
    pub capacity: u64,

    /// Worker threads
    #[arg(long, env = "RINGMQ_WORKERS", default_value_t = default_workers(), value_parser = workers)]
    pub workers: usize,

    /// Largest request body in bytes; larger ones are refused with 413. Requests of the SQS protocol
    /// may have four times as many, because of their escapes
    #[arg(long, env = "RINGMQ_MAX_BODY_BYTES", default_value_t = 1 << 20, value_parser = max_body_bytes)]
    pub max_body_bytes: usize,

    /// Most bytes of all messages together; more are refused with 503
    #[arg(long, env = "RINGMQ_MAX_MEMORY_BYTES", default_value_t = 1 << 30, value_parser = max_memory_bytes)]
    pub max_memory_bytes: u64,

    /// How long a stopping server gives the requests under way, as in 25s or 500ms
    #[arg(long, env = "RINGMQ_DRAIN_TIMEOUT", default_value = "25s", value_parser = drain_timeout)]
    pub drain_timeout: Duration,

    /// TOML file with the queues to make at start
    #[arg(long, env = "RINGMQ_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Account in the URLs and ARNs of queues, for SQS clients
    #[arg(long, env = "RINGMQ_SQS_ACCOUNT", default_value = "000000000000", value_parser = sqs_account)]
    pub sqs_account: String,

    /// Region in the ARNs of queues, for SQS clients
    #[arg(long, env = "RINGMQ_SQS_REGION", default_value = "us-east-1", value_parser = sqs_region)]
    pub sqs_region: String,

    /// Access key that SQS requests have to be signed with; without one, any signature will do
    #[arg(long, env = "RINGMQ_SQS_ACCESS_KEY", value_name = "KEY", value_parser = sqs_access_key)]
    pub sqs_access_key: Option<String>,

    /// Secret of that access key; better given in the variable, which other users cannot see
    #[arg(long, env = "RINGMQ_SQS_SECRET_KEY", hide_env_values = true, value_name = "SECRET", value_parser = sqs_secret_key)]
    pub sqs_secret_key: Option<Secret>,

    /// Limits of SQS requests: those of Amazon, or wider ones
    #[arg(long, env = "RINGMQ_SQS_LIMITS", default_value = "strict", value_parser = sqs_limits)]
    pub sqs_limits: LimitsKind,

    /// Who may ask, by what, and how slowly.
    #[command(flatten)]
    pub guard: GuardSettings,

    /// Whether to count for /metrics and to serve it: on or off
    #[arg(long, env = "RINGMQ_METRICS", value_name = "on|off", default_value = "on", action = ArgAction::Set, value_parser = metrics)]
    pub metrics: bool,

    /// Queues that have series of their own at /metrics, the busiest; the others share one
    #[arg(long, env = "RINGMQ_METRICS_QUEUES", value_name = "N", default_value_t = 100, value_parser = metrics_queues)]
    pub metrics_queues: usize,

    /// Whether to serve the dashboard at /ui/: on or off
    #[arg(long, env = "RINGMQ_UI", default_value = "on", value_name = "on|off", action = ArgAction::Set, value_parser = ui)]
    pub ui: bool,

    /// What to log: off, error, warn, info, debug, trace, or a list like `ringmq=debug,warn`
    #[arg(long, env = "RUST_LOG", default_value = "info", value_parser = log_filter)]
    pub log: String,

    /// How to log: text, or json with one object a line
    #[arg(long, env = "RINGMQ_LOG_FORMAT", default_value = "text", value_parser = log_format)]
    pub log_format: LogFormat,
}

/// What actix-server allows.
const MAX_WORKERS: usize = 512;
const MAX_BODY_BYTES: usize = 1 << 30;
const MAX_METRICS_QUEUES: usize = 10_000;
const MAX_DRAIN_TIMEOUT: Duration = Duration::from_hours(1);

fn default_workers() -> usize {
    available_parallelism().map_or(1, |cores| cores.get().min(MAX_WORKERS))
}

fn host(value: &str) -> Result<String, String> {
    // As it stands in a URL: an IPv6 address in brackets.
    let bare = value.strip_prefix('[').and_then(|value| value.strip_suffix(']'));
    let value = bare.unwrap_or(value);
    if value.is_empty() || value.contains(char::is_whitespace) {
        return Err(format!("must be an address or a host name {}", also("RINGMQ_HOST")));
    }
    Ok(value.to_owned())
}

fn port(value: &str) -> Result<u16, String> {
    number(value, 0..=u16::MAX, "PORT")
}

fn capacity(value: &str) -> Result<u64, String> {
    number(value, 1..=Queue::MAX_CAPACITY, "RING_BUFFER_SIZE")
}

fn workers(value: &str) -> Result<usize, String> {
    number(value, 1..=MAX_WORKERS, "RINGMQ_WORKERS")
}

fn max_body_bytes(value: &str) -> Result<usize, String> {
    number(value, 1..=MAX_BODY_BYTES, "RINGMQ_MAX_BODY_BYTES")
}

fn max_memory_bytes(value: &str) -> Result<u64, String> {
    number(value, 1..=u64::MAX, "RINGMQ_MAX_MEMORY_BYTES")
}

fn drain_timeout(value: &str) -> Result<Duration, String> {
    let read = duration::read(value).filter(|timeout| *timeout <= MAX_DRAIN_TIMEOUT);
    read.ok_or_else(|| {
        let most = duration::write(MAX_DRAIN_TIMEOUT);
        format!("must be a duration from 0s to {most} {}", also("RINGMQ_DRAIN_TIMEOUT"))
    })
}

fn sqs_account(value: &str) -> Result<String, String> {
    if value.len() != 12 || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("must be twelve digits {}", also("RINGMQ_SQS_ACCOUNT")));
    }
    Ok(value.to_owned())
}

fn sqs_region(value: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if value.is_empty() || !value.bytes().all(allowed) {
        let also = also("RINGMQ_SQS_REGION");
        return Err(format!("must be a region as in `eu-central-1` {also}"));
    }
    Ok(value.to_owned())
}

fn sqs_access_key(value: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b',' | b'=');
    if value.is_empty() || !value.bytes().all(allowed) {
        let also = also("RINGMQ_SQS_ACCESS_KEY");
        return Err(format!("must be visible characters, without `/`, `,` and `=` {also}"));
    }
    Ok(value.to_owned())
}

/// Whatever it is, but for nothing: an error would show it.
fn sqs_secret_key(value: &str) -> Result<Secret, String> {
    if value.is_empty() {
        return Err(format!("must not be empty {}", also("RINGMQ_SQS_SECRET_KEY")));
    }
    Ok(Secret(value.to_owned()))
}

fn sqs_limits(value: &str) -> Result<LimitsKind, String> {
    match value {
        "strict" => Ok(LimitsKind::Strict),
        "relaxed" => Ok(LimitsKind::Relaxed),
        _ => Err(format!("must be `strict` or `relaxed` {}", also("RINGMQ_SQS_LIMITS"))),
    }
}

fn ui(value: &str) -> Result<bool, String> {
    on_or_off(value, "RINGMQ_UI")
}

fn metrics(value: &str) -> Result<bool, String> {
    on_or_off(value, "RINGMQ_METRICS")
}

fn metrics_queues(value: &str) -> Result<usize, String> {
    number(value, 0..=MAX_METRICS_QUEUES, "RINGMQ_METRICS_QUEUES")
}

fn on_or_off(value: &str, variable: &str) -> Result<bool, String> {
    match value {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("must be `on` or `off` {}", also(variable))),
    }
}

fn log_filter(value: &str) -> Result<String, String> {
    if let Err(error) = env_filter::Builder::new().try_parse(value) {
        return Err(format!("{error} {}", also("RUST_LOG")));
    }
    // A filter's word that is no level is a target, whatever it says: `infoo` would log nothing.
    let words = value.split(',').map(str::trim).filter(|word| !word.contains('='));
    for word in words {
        let known = ["ringmq", "actix"].iter().any(|target| word.starts_with(target));
        if !known && word.parse::<LevelFilter>().is_err() {
            return Err(format!(
                "`{word}` is neither a level (off, error, warn, info, debug, trace) nor one for a \
                 target, as in `ringmq=debug` {}",
                also("RUST_LOG")
            ));
        }
    }
    Ok(value.to_owned())
}

fn log_format(value: &str) -> Result<LogFormat, String> {
    match value {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("must be `text` or `json` {}", also("RINGMQ_LOG_FORMAT"))),
    }
}

fn number<T>(value: &str, allowed: RangeInclusive<T>, variable: &str) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display,
{
    value.parse().ok().filter(|number| allowed.contains(number)).ok_or_else(|| {
        let (least, most) = allowed.into_inner();
        format!("must be a whole number from {least} to {most} {}", also(variable))
    })
}

/// clap names the flag even when the value came from the environment, so the text names that.
fn also(variable: &str) -> String {
    format!("(environment variable {variable} sets it too)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(arguments: &[&str]) -> Result<Settings, String> {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            settings: Settings,
        }
        let line = <Line as clap::Parser>::try_parse_from([&["ringmq"], arguments].concat());
        line.map(|line| line.settings).map_err(|error| error.to_string())
    }

    #[test]
    fn a_value_out_of_range_is_named_with_flag_variable_and_range() {
        for (flag, variable, value, allowed) in [
            ("--port", "PORT", "65536", "0 to 65535"),
            ("--port", "PORT", "", "0 to 65535"),
            ("--capacity", "RING_BUFFER_SIZE", "0", "1 to 2147483648"),
            ("--workers", "RINGMQ_WORKERS", "513", "1 to 512"),
            ("--max-body-bytes", "RINGMQ_MAX_BODY_BYTES", "1MB", "1 to 1073741824"),
            ("--ui", "RINGMQ_UI", "yes", "`on` or `off`"),
            ("--metrics", "RINGMQ_METRICS", "yes", "`on` or `off`"),
            ("--metrics-queues", "RINGMQ_METRICS_QUEUES", "10001", "0 to 10000"),
            ("--log", "RUST_LOG", "ringmq=loud", "loud"),
            ("--log", "RUST_LOG", "infoo", "off, error, warn, info, debug, trace"),
            ("--log", "RUST_LOG", "info/text", "`info/text`"),
            ("--log", "RUST_LOG", "", "off, error, warn, info, debug, trace"),
            ("--host", "RINGMQ_HOST", "", "an address or a host name"),
            ("--log-format", "RINGMQ_LOG_FORMAT", "JSON", "`text` or `json`"),
        ] {
            let error = settings(&[&format!("{flag}={value}")]).expect_err(value);
            for part in [flag, variable, allowed, &format!("'{value}'")] {
                assert!(error.contains(part), "{part} in {error}");
            }
        }
    }

    #[test]
    fn log_filters_of_all_kinds_are_allowed() {
        for filter in ["INFO", "off", "ringmq=debug,warn", "ringmq::server, actix_http=trace"] {
            assert_eq!(settings(&["--log", filter]).unwrap().log, filter);
        }
    }

    #[test]
    fn an_address_may_stand_in_brackets() {
        for host in ["::1", "[::1]"] {
            assert_eq!(settings(&["--host", host]).unwrap().host, "::1");
        }
    }

    #[test]
    fn the_limits_themselves_are_allowed() {
        assert_eq!(settings(&["--port=0"]).unwrap().port, 0);
        assert_eq!(settings(&["--workers=512"]).unwrap().workers, 512);
        assert_eq!(settings(&["--capacity=2147483648"]).unwrap().capacity, Queue::MAX_CAPACITY);
    }
}
