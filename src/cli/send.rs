//! `ringmq send`: one message, or one for each line.

use std::borrow::Cow;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Map, Value};

use super::client::{CallError, Client, Request};
use super::connection::{Connection, span};
use super::exit::{Exit, Failure};
use super::operate::{Queue, refused};
use super::output::{self, Form, Output, line, note, plain};

/// Send a message to a queue
///
/// Prints the message's id. Where the queue is full or the server is stopping, it tries again when the
/// server says that it may help, as long as --timeout allows. --wait parks the send in the server
/// instead, where it has its turn.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ringmq send orders 'order 1'
  ringmq send orders --file order.json --content-type application/json --attribute trace=7f
  generate | ringmq send orders --lines       one message for each line, in batches
  ringmq send orders 'order 1' --delay 10m --idempotency-key order-1")]
pub(super) struct Send {
    #[command(flatten)]
    queue: Queue,

    /// The message; `-` reads standard input
    #[arg(value_name = "BODY")]
    body: Option<String>,

    /// Read the message (or the lines) from a file, byte for byte
    #[arg(long, value_name = "FILE", conflicts_with = "body")]
    file: Option<PathBuf>,

    /// Send each line of the file or of standard input as a message, in batches. Of a batch that does not
    /// fit, the rest is sent again later: then messages that fitted meanwhile are before it
    #[arg(long)]
    lines: bool,

    /// An attribute that travels with the message, NAME=TEXT; may be given more than once
    #[arg(long = "attribute", short, value_name = "NAME=TEXT", value_parser = pair)]
    attributes: Vec<(String, String)>,

    /// What the body is [default: text/plain, or application/octet-stream where it is no text]
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,

    /// How long before it can be received
    #[arg(long, value_name = "TIME")]
    delay: Option<String>,

    /// How long after now it expires
    #[arg(long, value_name = "TIME")]
    ttl: Option<String>,

    /// A key that makes a repeated send the same one
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,

    /// Wait in the server for room, up to 60s
    #[arg(long, value_name = "TIME", value_parser = span)]
    wait: Option<Duration>,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    output: Output,
}

/// `NAME=TEXT`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, text)) if !name.is_empty() => Ok((name.to_owned(), text.to_owned())),
        _ => Err("must be NAME=TEXT".into()),
    }
}

/// The most of one batch: messages as the server has it, and bytes of the whole document so that a usual limit
/// is far.
const MOST_LINES: usize = 1000;
const MOST_BYTES: usize = 256 * 1024;

impl Send {
    pub(super) fn run(self) -> Result<(), Failure> {
        self.check()?;
        let client = Client::new(&self.connection)?;
        if self.lines { self.send_lines(&client) } else { self.send_one(&client) }
    }

    /// What does not go together. By value: clap takes a variable for given, even one that says no.
    fn check(&self) -> Result<(), Failure> {
        let is_body = self.body.as_deref().is_some_and(|body| body != "-");
        let why = match self.lines {
            false if self.body.is_none() && self.file.is_none() => {
                "there is nothing to send: give BODY, --file or --lines"
            }
            true if is_body => "--lines reads standard input or --file, and takes no BODY",
            true if self.wait.is_some() => "--wait cannot be used with --lines",
            true if self.idempotency_key.is_some() => {
                "--idempotency-key cannot be used with --lines"
            }
            _ => return Ok(()),
        };
        Err(Failure::because(Exit::Usage, why))
    }

    fn send_one(&self, client: &Client) -> Result<(), Failure> {
        let body = self.read_body()?;
        let mut request = Request::post(self.queue.path("/messages"), &body);
        request.headers = self.headers(&body);
        if let Some(wait) = self.wait {
            request.path.push_str(&format!("?wait={}ms", wait.as_millis()));
            request.wait = wait;
        }
        let until = Instant::now() + self.connection.timeout + request.wait;
        request.until = Some(until);
        let sent: Value = again_until(until, || {
            client.ask(&request).map_err(|error| self.may_be_repeated(error))
        })?;
        self.output.tell(&sent, |sent| plain(&sent["id"]))
    }

    /// Where a key makes a repetition harmless, a lost answer is a reason for one.
    fn may_be_repeated(&self, error: CallError) -> Failure {
        let lost = matches!(error, CallError::Unreachable { .. }) && self.idempotency_key.is_some();
        let failure = Failure::from(error);
        match failure.retry_after {
            None if lost => Failure { retry_after: Some(Duration::from_secs(1)), ..failure },
            _ => failure,
        }
    }

    fn read_body(&self) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        match (self.body.as_deref(), &self.file) {
            (Some("-"), _) => {
                let read = io::stdin().lock().read_to_end(&mut body);
                read.map_err(|error| Failure::new(format!("standard input: {error}")))?;
            }
            (Some(text), _) => body.extend_from_slice(text.as_bytes()),
            (None, Some(path)) => body = fs::read(path).map_err(|error| self.no_file(&error))?,
            (None, None) => {}
        }
        Ok(body)
    }

    fn no_file(&self, error: &io::Error) -> Failure {
        let path = self.file.as_deref().unwrap_or("".as_ref()).display();
        Failure::bad_setting("--file", "RINGMQ_SEND_FILE", path, error)
    }

    fn headers(&self, body: &[u8]) -> Vec<(Cow<'static, str>, String)> {
        let usual = match std::str::from_utf8(body) {
            Ok(_) => "text/plain; charset=utf-8",
            Err(_) => "application/octet-stream",
        };
        let mut headers =
            vec![(Cow::from("content-type"), self.content_type.clone().unwrap_or(usual.into()))];
        let mut add = |name, value: &Option<String>| {
            headers.extend(value.as_ref().map(|value| (Cow::from(name), value.clone())));
        };
        add("queue-delay", &self.delay);
        add("queue-ttl", &self.ttl);
        add("idempotency-key", &self.idempotency_key);
        for (name, text) in &self.attributes {
            let name = match name.to_ascii_lowercase().as_str() {
                // The trace context has headers of its own.
                trace @ ("traceparent" | "tracestate") => trace.to_owned(),
                name => format!("queue-attr-{name}"),
            };
            headers.push((name.into(), text.clone()));
        }
        headers
    }

    fn send_lines(&self, client: &Client) -> Result<(), Failure> {
        let mut lines = Items { lines: self.read_lines()?, held: None };
        let path = self.queue.path("/messages/batch");
        let mut number = 0;
        let mut refused = None;
        while let Some(batch) = lines.next_batch(|text| self.item(text))? {
            let until = Instant::now() + self.connection.timeout;
            let (results, failure) = self.send_batch(client, &path, &batch, until);
            // The first line that nothing is known of.
            let mut open = None;
            for result in results {
                number += 1;
                if result.is_null() {
                    open.get_or_insert(number);
                } else if let Some(refusal) = self.tell_line(number, &result)? {
                    refused.get_or_insert(refusal);
                }
            }
            if let Some(failure) = failure {
                return Err(at_line(open.unwrap_or(number), failure));
            }
        }
        refused.map_or(Ok(()), Err)
    }

    /// Says what became of a line.
    fn tell_line(&self, number: usize, result: &Value) -> Result<Option<Failure>, Failure> {
        let refusal = (!result["code"].is_null()).then(|| refused(result));
        match (self.output.form(), &refusal) {
            (Form::Json, _) => {
                let mut result = result.clone();
                result["line"] = number.into();
                line(&output::json(&result))?;
            }
            (Form::Table, None) => line(&plain(&result["id"]))?,
            (Form::Table, Some(refusal)) => note(&format!("line {number}: {}", refusal.text)),
        }
        Ok(refusal.map(|refusal| at_line(number, refusal)))
    }

    /// Sends a batch, and what was refused for want of room again: one result for each message, which is
    /// null where it is not known, and then why.
    fn send_batch(
        &self,
        client: &Client,
        path: &str,
        items: &[String],
        until: Instant,
    ) -> (Vec<Value>, Option<Failure>) {
        let mut results = vec![Value::Null; items.len()];
        let mut left: Vec<usize> = (0..items.len()).collect();
        loop {
            let asked: Vec<&str> = left.iter().map(|place| items[*place].as_str()).collect();
            let asked = format!("[{}]", asked.join(","));
            let mut request = Request::post(path, asked.as_bytes());
            request.until = Some(until);
            let told = again_until(until, || client.ask(&request).map_err(Failure::from))
                .and_then(|answer| Ok(client.results(answer, left.len())?));
            match told {
                Ok(told) => left.iter().zip(told).for_each(|(place, told)| results[*place] = told),
                Err(failure) => {
                    // What was refused before may be stored now.
                    left.iter().for_each(|place| results[*place] = Value::Null);
                    return (results, Some(failure));
                }
            }
            left.retain(|place| results[*place]["retry_after_s"].is_u64());
            let wait =
                left.iter().filter_map(|place| results[*place]["retry_after_s"].as_u64()).min();
            match wait.map(Duration::from_secs) {
                Some(wait) if ends_before(wait, until) => thread::sleep(wait),
                _ => return (results, None),
            }
        }
    }

    /// A line as an item of a batch.
    fn item(&self, text: Vec<u8>) -> String {
        let mut item = Map::new();
        match String::from_utf8(text) {
            Ok(text) => item.insert("body".into(), text.into()),
            Err(error) => {
                use base64::Engine as _;
                let text = base64::prelude::BASE64_STANDARD.encode(error.as_bytes());
                item.insert("body_base64".into(), text.into())
            }
        };
        let said =
            [("content_type", &self.content_type), ("delay", &self.delay), ("ttl", &self.ttl)];
        for (name, value) in said {
            if let Some(value) = value {
                item.insert(name.into(), value.as_str().into());
            }
        }
        if !self.attributes.is_empty() {
            let all =
                self.attributes.iter().map(|(name, text)| (name.clone(), text.as_str().into()));
            item.insert("attributes".into(), Value::Object(all.collect()));
        }
        Value::Object(item).to_string()
    }

    /// The lines as they come, read by a thread of its own: whoever sends takes what is there, so that a
    /// slow writer's lines are not held back and a fast one's go in large batches.
    fn read_lines(&self) -> Result<Receiver<io::Result<Vec<u8>>>, Failure> {
        let input: Box<dyn BufRead + std::marker::Send> = match &self.file {
            Some(path) => {
                let file = fs::File::open(path).map_err(|error| self.no_file(&error))?;
                Box::new(BufReader::new(file))
            }
            None => Box::new(BufReader::new(io::stdin())),
        };
        let (to, lines) = mpsc::sync_channel(2 * MOST_LINES);
        thread::spawn(move || {
            for line in input.split(b'\n') {
                if to.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(lines)
    }
}

/// What became of a line.
fn at_line(number: usize, failure: Failure) -> Failure {
    let text = format!("line {number}: {}", failure.text);
    Failure { text, ..failure }
}

/// Whether a wait from now on ends before then.
fn ends_before(wait: Duration, until: Instant) -> bool {
    Instant::now().checked_add(wait).is_some_and(|end| end < until)
}

/// The lines as items of batches.
struct Items {
    lines: Receiver<io::Result<Vec<u8>>>,
    /// The one for which the last batch had no room.
    held: Option<String>,
}

impl Items {
    /// The items that are there, at least one; nothing at the end.
    fn next_batch(
        &mut self,
        item: impl Fn(Vec<u8>) -> String,
    ) -> Result<Option<Vec<String>>, Failure> {
        let read = |line: io::Result<Vec<u8>>| {
            let mut line =
                line.map_err(|error| Failure::new(format!("cannot read the lines: {error}")))?;
            line.pop_if(|last| *last == b'\r');
            Ok::<_, Failure>(item(line))
        };
        let first = match self.held.take() {
            Some(held) => held,
            None => match self.lines.recv() {
                Ok(line) => read(line)?,
                Err(_) => return Ok(None),
            },
        };
        // With the comma or bracket behind each, and the first bracket.
        let mut bytes = first.len() + 2;
        let mut batch = vec![first];
        while batch.len() < MOST_LINES
            && let Ok(line) = self.lines.try_recv()
        {
            let item = read(line)?;
            bytes += item.len() + 1;
            if bytes > MOST_BYTES {
                self.held = Some(item);
                break;
            }
            batch.push(item);
        }
        Ok(Some(batch))
    }
}

/// Does it again where the server says that this may help, and there is time.
fn again_until<T>(
    until: Instant,
    mut act: impl FnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    loop {
        match act() {
            Err(Failure { retry_after: Some(wait), .. }) if ends_before(wait, until) => {
                thread::sleep(wait);
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_there_is_one_batch_up_to_its_bounds() {
        let (to, lines) = mpsc::channel();
        for number in 0..=MOST_LINES {
            to.send(Ok(format!("{number}\r").into_bytes())).expect("it is read below");
        }
        // It is longer as an item than as a line; as many as fit go together.
        to.send(Ok(vec![b'"'; MOST_BYTES / 2])).expect("it is read below");
        to.send(Ok(vec![b'"'; MOST_BYTES])).expect("it is read below");
        to.send(Ok(Vec::new())).expect("it is read below");
        drop(to);
        let text = |line: Vec<u8>| json!(String::from_utf8(line).expect("text")).to_string();
        let mut lines = Items { lines, held: None };
        let mut sizes = Vec::new();
        while let Some(batch) = lines.next_batch(text).expect("lines can be read") {
            assert!(!batch.iter().any(|line| line.contains("\\r")));
            let bytes = format!("[{}]", batch.join(",")).len();
            assert!(bytes <= MOST_BYTES || batch.len() == 1, "{bytes}");
            sizes.push(batch.len());
        }
        assert_eq!(sizes, [MOST_LINES, 1, 1, 1, 1]);
    }

    #[test]
    fn it_is_tried_again_only_where_that_may_help() {
        let far = Instant::now() + Duration::from_secs(60);
        let mut left = 3;
        let done = again_until(far, || {
            left -= 1;
            let failure = Failure::because(Exit::Full, "full");
            let again = Failure { retry_after: Some(Duration::ZERO), ..failure };
            if left > 0 { Err(again) } else { Ok(left) }
        });
        assert_eq!(done.expect("the third time"), 0);
        let mut calls = 0;
        let done = again_until::<()>(far, || {
            calls += 1;
            Err(Failure::because(Exit::Nothing, "no such queue"))
        });
        assert!(done.is_err() && calls == 1);
    }

    #[test]
    fn attributes_have_a_name() {
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(pair("=b").is_err() && pair("a").is_err());
    }
}
