//! The log: one line on stderr for each event, as text or as JSON.
//!
//! What an event says is a message that is always the same and fields beside it, by `log`'s key-values. Whatever
//! stands in a field, it ends no line: what is no printable character is written as an escape. `env_logger`
//! writes the lines; the filter in front of it is ours, because its own cannot be changed while it runs.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::thread;
use std::time::Duration;

use env_filter::Filter;
use env_logger::fmt::Formatter;
use log::kv::{Error, Key, Value, VisitSource};
use log::{Level, LevelFilter, Log, Metadata, Record};
use serde::ser::{SerializeMap as _, Serializer as _};

use crate::queue::Millis;

/// How an event is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `[time LEVEL target] message key=value`, for people.
    Text,
    /// One JSON object, for programs.
    Json,
}

/// Starts the log. Whoever has set a logger before keeps it.
///
/// Panics are events as well, so that they too are one line.
///
/// # Errors
/// When there can be no such filter.
pub fn init(filter: &str, format: LogFormat) -> Result<(), String> {
    let filter = read_filter(filter)?;
    let most = filter.filter();
    let writer = env_logger::Builder::new()
        .filter_level(LevelFilter::Trace)
        .format(match format {
            LogFormat::Text => write_text,
            LogFormat::Json => write_json,
        })
        .build();
    let logger = LOGGER.get_or_init(|| Logger { filter: RwLock::new(filter), writer });
    if log::set_logger(logger).is_ok() {
        log::set_max_level(most);
        let default = panic::take_hook();
        panic::set_hook(Box::new(
            move |panic| match log::log_enabled!(target: PANIC, Level::Error) {
                true => log_panic(panic),
                false => default(panic),
            },
        ));
    }
    Ok(())
}

/// Changes what is logged from now on.
///
/// # Errors
/// When there can be no such filter; then it is as before.
pub fn reload(filter: &str) -> Result<(), String> {
    let filter = read_filter(filter)?;
    if let Some(logger) = LOGGER.get() {
        log::set_max_level(filter.filter());
        *logger.filter.write().unwrap_or_else(PoisonError::into_inner) = filter;
    }
    Ok(())
}

fn read_filter(filter: &str) -> Result<Filter, String> {
    let mut builder = env_filter::Builder::new();
    // Unless the filter names them: actix-server repeats our start line, and actix-http reports
    // every malformed request, which would let any client fill the log.
    builder.filter_module("actix_server", LevelFilter::Warn);
    builder.filter_module("actix_http", LevelFilter::Off);
    builder.try_parse(filter).map_err(|error| error.to_string())?;
    Ok(builder.build())
}

static LOGGER: OnceLock<Logger> = OnceLock::new();

struct Logger {
    filter: RwLock<Filter>,
    writer: env_logger::Logger,
}

impl Logger {
    fn filter(&self) -> RwLockReadGuard<'_, Filter> {
        self.filter.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.filter().enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.filter().matches(record) {
            self.writer.log(record);
        }
    }

    fn flush(&self) {
        self.writer.flush();
    }
}

const PANIC: &str = "ringmq::panic";

#[cold]
fn log_panic(panic: &PanicHookInfo<'_>) {
    let thread = thread::current();
    let (thread, at) = (thread.name().unwrap_or("-"), panic.location().map(ToString::to_string));
    let (at, why) = (at.as_deref().unwrap_or("-"), panic.payload_as_str().unwrap_or("-"));
    let backtrace = Backtrace::capture();
    match backtrace.status() {
        BacktraceStatus::Captured => {
            log::error!(target: PANIC, thread, at, backtrace:%; "panicked: {why}");
        }
        _ => log::error!(target: PANIC, thread, at; "panicked: {why}"),
    }
}

fn write_text(line: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let time = line.timestamp_millis();
    let mut text = format!("[{time} {:<5} {}] ", record.level(), record.target());
    escape(&mut text, &record.args().to_string());
    let mut fields = TextFields(&mut text);
    record.key_values().visit(&mut fields).map_err(io::Error::other)?;
    text.push('\n');
    line.write_all(text.as_bytes())
}

/// Adds `key=value`, with quotes where it could not be told otherwise where a value ends.
struct TextFields<'text>(&'text mut String);

impl<'kvs> VisitSource<'kvs> for TextFields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let value = value.to_string();
        let plain = |char: char| !char.is_whitespace() && !matches!(char, '"' | '=' | '\\');
        let quote = if !value.is_empty() && value.chars().all(plain) { "" } else { "\"" };
        let _ = write!(self.0, " {key}={quote}");
        match quote {
            "" => escape(self.0, &value),
            _ => escape(self.0, &value.replace('\\', "\\\\").replace('"', "\\\"")),
        }
        self.0.push_str(quote);
        Ok(())
    }
}

/// Adds what was said, without anything that ends a line or means something to a terminal.
fn escape(text: &mut String, said: &str) {
    for char in said.chars() {
        match char {
            // Separators of lines and paragraphs, and what turns the direction of writing.
            '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => text.extend(char.escape_unicode()),
            _ if char.is_control() => text.extend(char.escape_default()),
            _ => text.push(char),
        }
    }
}

fn write_json(line: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let time = line.timestamp_millis().to_string();
    let mut json = serde_json::Serializer::new(Vec::with_capacity(256));
    let mut object = json.serialize_map(None)?;
    object.serialize_entry("time", &time)?;
    object.serialize_entry("level", record.level().as_str())?;
    object.serialize_entry("target", record.target())?;
    object.serialize_entry("message", record.args())?;
    record.key_values().visit(&mut JsonFields(&mut object)).map_err(io::Error::other)?;
    object.end()?;
    let mut json = json.into_inner();
    json.push(b'\n');
    line.write_all(&json)
}

struct JsonFields<'map, M>(&'map mut M);

impl<'kvs, M: serde::ser::SerializeMap> VisitSource<'kvs> for JsonFields<'_, M> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let (map, key) = (&mut self.0, key.as_str());
        let written = if let Some(number) = value.to_u64() {
            map.serialize_entry(key, &number)
        } else if let Some(number) = value.to_i64() {
            map.serialize_entry(key, &number)
        } else if let Some(number) = value.to_f64() {
            map.serialize_entry(key, &number)
        } else if let Some(truth) = value.to_bool() {
            map.serialize_entry(key, &truth)
        } else {
            map.serialize_entry(key, &format_args!("{value}"))
        };
        written.map_err(|_| Error::msg("a field cannot be written"))
    }
}

/// Lets an event be logged now and then, and counts those that are not.
#[derive(Debug, Default)]
pub struct Sparingly {
    /// When the last was logged, in milliseconds after one before the beginning; 0 if none was.
    last: AtomicU64,
    unlogged: AtomicU64,
}

impl Sparingly {
    /// Whether this event is to be logged: the last was at least `every` ago. Says how many were not
    /// since then.
    pub fn allow(&self, every: Duration, now: Millis) -> Option<u64> {
        // ORDERING: Relaxed, the numbers pass nothing on. Of several who find it is time, one wins.
        let last = self.last.load(Ordering::Relaxed);
        let is_time = last == 0 || now.since(Millis(last - 1)) >= every;
        let next = now.0.saturating_add(1);
        if is_time
            && self.last.compare_exchange(last, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            return Some(self.unlogged.swap(0, Ordering::Relaxed));
        }
        self.unlogged.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_line_or_moves_a_cursor_is_escaped() {
        let mut text = String::new();
        escape(&mut text, "a\nb\r\x1b[2J\u{85}\u{9b}\u{2028}\u{202e}\u{2066}é 漢");
        assert_eq!(text, "a\\nb\\r\\u{1b}[2J\\u{85}\\u{9b}\\u{2028}\\u{202e}\\u{2066}é 漢");
    }

    #[test]
    fn a_text_field_shows_where_it_ends() {
        let written = |value: &str| {
            let mut text = String::new();
            let value = Value::from(value);
            TextFields(&mut text).visit_pair(Key::from("key"), value).unwrap();
            text
        };
        assert_eq!(written("orders.1"), " key=orders.1");
        assert_eq!(written(""), " key=\"\"");
        assert_eq!(written("a b"), " key=\"a b\"");
        assert_eq!(written("a\" level=b\\"), " key=\"a\\\" level=b\\\\\"");
        assert_eq!(written("a\nb"), " key=\"a\\nb\"");
    }

    #[test]
    fn an_event_is_allowed_now_and_then_and_the_others_are_counted() {
        let (sparingly, every) = (Sparingly::default(), Duration::from_millis(10));
        let allowed = [0, 5, 9, 10, 11, 30].map(|now| sparingly.allow(every, Millis(now)));
        assert_eq!(allowed, [Some(0), None, None, Some(2), None, Some(1)]);
    }

    #[test]
    fn a_filter_that_is_none_is_told() {
        assert!(read_filter("ringmq=loud").is_err());
        assert_eq!(read_filter("warn,ringmq::http=debug").unwrap().filter(), LevelFilter::Debug);
    }

    #[test]
    fn the_filter_can_be_changed_and_stays_where_it_cannot() {
        let logged = || log::log_enabled!(target: "ringmq::logging::example", Level::Debug);
        init("off", LogFormat::Text).unwrap();
        assert!(!logged());
        reload("off,ringmq::logging=debug").unwrap();
        assert!(logged() && log::max_level() == LevelFilter::Debug);
        assert!(reload("ringmq=loud").is_err());
        assert!(logged());
        reload("off").unwrap();
        assert!(!logged());
    }
}
