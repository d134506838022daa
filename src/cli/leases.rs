//! What a consumer says of its deliveries: ack, release, extend.

use clap::Args;
use serde_json::{Value, json};

use super::client::{CallError, Client, Request};
use super::connection::Connection;
use super::exit::Failure;
use super::operate::{Queue, refused};
use super::output::{Output, note};

/// The most receipts that the server takes at once.
const MOST: usize = 1000;

/// Acknowledge deliveries: their messages are gone
#[derive(Args, Debug)]
#[command(after_help = "Example:
  ringmq ack orders \"$(ringmq receive orders --json | jq -r .receipt)\"")]
pub(super) struct Ack {
    #[command(flatten)]
    queue: Queue,

    /// Receipts of the deliveries, as `receive` tells them
    #[arg(required = true, value_name = "RECEIPT")]
    receipts: Vec<String>,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    output: Output,
}

impl Ack {
    pub(super) fn run(self) -> Result<(), Failure> {
        let asked = json!({});
        many(&self.connection, self.output, &self.queue, "/leases/ack", &self.receipts, asked)
    }
}

/// Give deliveries back: others receive their messages
#[derive(Args, Debug)]
#[command(after_help = "Example:
  ringmq release orders RECEIPT --delay 1m")]
pub(super) struct Release {
    #[command(flatten)]
    queue: Queue,

    /// Receipts of the deliveries, as `receive` tells them
    #[arg(required = true, value_name = "RECEIPT")]
    receipts: Vec<String>,

    /// How long before they are received again
    #[arg(long, value_name = "TIME")]
    delay: Option<String>,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    output: Output,
}

impl Release {
    pub(super) fn run(self) -> Result<(), Failure> {
        let asked = match &self.delay {
            Some(delay) => json!({ "delay": delay }),
            None => json!({}),
        };
        many(&self.connection, self.output, &self.queue, "/leases/release", &self.receipts, asked)
    }
}

/// Give deliveries a new lease from now on
#[derive(Args, Debug)]
#[command(after_help = "Example:
  ringmq extend orders RECEIPT --lease 5m")]
pub(super) struct Extend {
    #[command(flatten)]
    queue: Queue,

    /// Receipts of the deliveries, as `receive` tells them
    #[arg(required = true, value_name = "RECEIPT")]
    receipts: Vec<String>,

    /// How long [default: as the queue says]
    #[arg(long, value_name = "TIME")]
    lease: Option<String>,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    output: Output,
}

impl Extend {
    pub(super) fn run(self) -> Result<(), Failure> {
        let asked = match &self.lease {
            Some(lease) => json!({ "lease": lease }),
            None => json!({}),
        };
        many(&self.connection, self.output, &self.queue, "/leases/extend", &self.receipts, asked)
    }
}

fn many(
    connection: &Connection,
    output: Output,
    queue: &Queue,
    path: &str,
    receipts: &[String],
    asked: Value,
) -> Result<(), Failure> {
    let client = Client::new(connection)?;
    let results = settle(&client, &queue.path(path), receipts, &asked)?;
    let done = results.iter().filter(|result| result["code"].is_null()).count();
    output
        .tell(&json!({ "results": results }), |_| format!("{done} of {} done", receipts.len()))?;
    match results.iter().position(|result| !result["code"].is_null()) {
        None => Ok(()),
        Some(first) => {
            let failure = refused(&results[first]);
            let text = format!("receipt {}: {}", first + 1, failure.text);
            Err(Failure { text, ..failure })
        }
    }
}

/// Does it for all receipts, as many at once as the server takes; one result each.
pub(super) fn settle(
    client: &Client,
    path: &str,
    receipts: &[String],
    asked: &Value,
) -> Result<Vec<Value>, CallError> {
    let mut results = Vec::with_capacity(receipts.len());
    for receipts in receipts.chunks(MOST) {
        let mut asked = asked.clone();
        asked["receipts"] = json!(receipts);
        let asked = asked.to_string();
        let answer = client.ask(&Request::post(path, asked.as_bytes()))?;
        results.extend(client.results(answer, receipts.len())?);
    }
    Ok(results)
}

/// Says which of the results are no success.
pub(super) fn tell_failures(results: &[Value], what: &str) {
    for problem in results.iter().filter(|result| !result["code"].is_null()) {
        note(&format!("warning: {what}: {}", refused(problem).text));
    }
}
