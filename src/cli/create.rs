//! `ringmq create`: make a queue, or change one.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value};
use ureq::http::Method;

use super::client::{Client, Request};
use super::connection::Connection;
use super::exit::Failure;
use super::operate::Queue;
use super::output::{Output, one_line, pairs, plain};

/// Make a queue, or change the settings of one
///
/// What is not said stays as it is, or is as by default where the queue is new. The word `default` in
/// place of a value goes back to the default. An option wins over the file.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ringmq create orders --capacity 100000 --lease 1m --max-receives 5 --dead-letter orders.dead
  ringmq create orders --ttl default             no time to live any more
  ringmq create orders --from orders.toml        capacity = 100000 and so on
  ringmq create orders --label team=shop --label tier=1")]
pub(super) struct Create {
    #[command(flatten)]
    queue: Queue,

    /// Read settings from a file: TOML, or JSON where its name ends so
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,

    #[command(flatten)]
    settings: Settings,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    output: Output,
}

/// The settings; the server judges them, and its words name the one that is wrong.
#[derive(Args, Debug)]
#[command(next_help_heading = "Settings of the queue")]
struct Settings {
    /// Most messages that are not gone; can be changed at any time, not below the present depth
    #[arg(long, value_name = "COUNT")]
    capacity: Option<String>,

    /// Most bytes of all messages together
    #[arg(long, value_name = "BYTES")]
    max_bytes: Option<String>,

    /// Most bytes of one message
    #[arg(long, value_name = "BYTES")]
    max_message_bytes: Option<String>,

    /// What a send into a full queue does: `reject`, or `drop_oldest`
    #[arg(long, value_name = "WORD")]
    overflow: Option<String>,

    /// How long a consumer has a message where its receive does not say
    #[arg(long, value_name = "TIME")]
    lease: Option<String>,

    /// How often a message is received before it is dead
    #[arg(long, value_name = "COUNT")]
    max_receives: Option<String>,

    /// The queue that takes it then
    #[arg(long, value_name = "QUEUE")]
    dead_letter: Option<String>,

    /// How long before a message whose lease ran out is ready again
    #[arg(long, value_name = "TIME")]
    retry_delay: Option<String>,

    /// How long after it was sent a message expires
    #[arg(long, value_name = "TIME")]
    ttl: Option<String>,

    /// How long before a message is ready
    #[arg(long, value_name = "TIME")]
    delay: Option<String>,

    /// Most messages with consumers
    #[arg(long, value_name = "COUNT")]
    max_in_flight: Option<String>,

    /// How long an idempotency key is remembered
    #[arg(long, value_name = "TIME")]
    idempotency_window: Option<String>,

    /// How long a receive waits that does not say
    #[arg(long, value_name = "TIME")]
    receive_wait: Option<String>,

    /// Keep the order whatever happens; only where the queue is made
    #[arg(long)]
    fifo: bool,

    /// A note of yours, NAME=TEXT; may be given more than once, and all are replaced together
    #[arg(long = "label", value_name = "NAME=TEXT", value_parser = super::send::pair)]
    labels: Vec<(String, String)>,
}

impl Create {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut document = match &self.from {
            Some(path) => read(path)?,
            None => Map::new(),
        };
        document.extend(self.settings.document());
        let document = Value::Object(document).to_string();
        let client = Client::new(&self.connection)?;
        let mut request = Request::new(Method::PUT, self.queue.path(""));
        request.body = Some(document.as_bytes());
        let answer = client.call(&request)?;
        let word = if answer.status == 201 { "created" } else { "was there" };
        self.output.tell(&answer.read()?, |queue| described(word, queue))
    }
}

impl Settings {
    fn document(&self) -> Map<String, Value> {
        let said = [
            ("capacity", &self.capacity),
            ("max_bytes", &self.max_bytes),
            ("max_message_bytes", &self.max_message_bytes),
            ("overflow", &self.overflow),
            ("lease", &self.lease),
            ("max_receives", &self.max_receives),
            ("dead_letter", &self.dead_letter),
            ("retry_delay", &self.retry_delay),
            ("ttl", &self.ttl),
            ("delay", &self.delay),
            ("max_in_flight", &self.max_in_flight),
            ("idempotency_window", &self.idempotency_window),
            ("receive_wait", &self.receive_wait),
        ];
        let mut document = Map::new();
        for (name, text) in said {
            if let Some(text) = text {
                document.insert(name.into(), value(name, text));
            }
        }
        if self.fifo {
            document.insert("fifo".into(), true.into());
        }
        if !self.labels.is_empty() {
            let labels =
                self.labels.iter().map(|(name, text)| (name.clone(), text.as_str().into()));
            document.insert("labels".into(), Value::Object(labels.collect()));
        }
        document
    }
}

/// As JSON has it: counts are numbers, everything else is text.
fn value(name: &str, text: &str) -> Value {
    let is_count = name == "capacity" || name.starts_with("max_");
    match text {
        "default" => Value::Null,
        text if is_count => {
            text.replace('_', "").parse::<u64>().map_or_else(|_| text.into(), Value::from)
        }
        text => text.into(),
    }
}

fn read(path: &Path) -> Result<Map<String, Value>, Failure> {
    let wrong = |why: String| {
        Failure::bad_setting("--from", "RINGMQ_CREATE_FROM", path.display(), why.trim_end())
    };
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let is_json = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json"));
    let read = match is_json {
        true => serde_json::from_str(&text).map_err(|error| error.to_string()),
        false => toml::from_str(&text).map_err(|error| error.to_string()),
    };
    read.map_err(wrong)
}

fn described(word: &str, queue: &Value) -> String {
    let mut all = vec![("queue".to_owned(), format!("{} ({word})", plain(&queue["name"])))];
    if let Some(settings) = queue["settings"].as_object() {
        all.extend(settings.iter().map(|(name, value)| (one_line(name), plain(value))));
    }
    pairs(all.iter().map(|(name, value)| (name.as_str(), value.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    #[test]
    fn counts_are_numbers_and_default_is_null() {
        assert_eq!(value("capacity", "100_000"), 100_000);
        assert_eq!(value("max_bytes", "5"), 5);
        assert_eq!(value("lease", "30"), "30");
        assert_eq!(value("ttl", "default"), Value::Null);
        // The server says what is wrong with it.
        assert_eq!(value("capacity", "many"), "many");
    }

    #[test]
    fn a_missing_file_is_wrong_usage() {
        let failure = read(Path::new("/no/such/file.toml")).expect_err("it is not there");
        assert!(failure.is(Exit::Usage) && failure.text.contains("/no/such/file.toml"));
    }
}
