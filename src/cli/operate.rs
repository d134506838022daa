//! What an operator does to a queue: delete, purge, pause, resume, redrive.

use std::time::Duration;

use clap::Args;
use ringmq::broker::QueueName;
use serde_json::{Value, json};
use ureq::http::Method;

use super::client::{Client, Request};
use super::connection::Connection;
use super::exit::Failure;
use super::output::{Output, confirm, one_line, plain};

/// The queue that a command is about.
#[derive(Args, Debug)]
pub(super) struct Queue {
    /// Name of the queue
    #[arg(env = "RINGMQ_QUEUE", value_name = "QUEUE")]
    pub(super) queue: QueueName,
}

impl Queue {
    /// Its path, and what is behind it.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/v1/queues/{}{rest}", self.queue)
    }
}

/// Delete a queue and all of its messages
///
/// Asks first on a terminal; elsewhere it wants --yes.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  ringmq delete orders --yes")]
pub(super) struct Delete {
    #[command(flatten)]
    queue: Queue,

    /// Do not ask
    #[arg(long, short)]
    yes: bool,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    output: Output,
}

impl Delete {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = Client::new(&self.connection)?;
        let depth = depth(&client, &self.queue)?;
        let (queue, url) = (&self.queue.queue, client.url());
        confirm(&format!("Delete {queue} at {url} with {depth} messages?"), self.yes)?;
        let deleted: Value = client.ask(&Request::new(Method::DELETE, self.queue.path("")))?;
        self.output.tell(&deleted, |deleted| {
            let count = plain(&deleted["deleted_messages"]);
            format!("deleted {} and {count} messages", self.queue.queue)
        })
    }
}

/// Remove all messages of a queue
///
/// Those in flight too: their consumers are told 410 when they acknowledge. Asks first on a terminal;
/// elsewhere it wants --yes.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  ringmq purge orders.dead --yes")]
pub(super) struct Purge {
    #[command(flatten)]
    queue: Queue,

    /// Do not ask
    #[arg(long, short)]
    yes: bool,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    output: Output,
}

impl Purge {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = Client::new(&self.connection)?;
        let depth = depth(&client, &self.queue)?;
        let (queue, url) = (&self.queue.queue, client.url());
        confirm(&format!("Remove all {depth} messages of {queue} at {url}?"), self.yes)?;
        let purged: Value = client.ask(&Request::post(self.queue.path("/purge"), &[]))?;
        self.output.tell(&purged, |purged| format!("removed {} messages", plain(&purged["purged"])))
    }
}

/// How many messages would be lost; an error where there is no such queue.
fn depth(client: &Client, queue: &Queue) -> Result<String, Failure> {
    let found: Value = client.ask(&Request::get(queue.path("")))?;
    Ok(plain(&found["counts"]["depth"]))
}

/// Let receives find nothing until `resume`
#[derive(Args, Debug)]
#[command(after_help = "Sends go on, and what is in flight can be acknowledged.")]
pub(super) struct Pause {
    #[command(flatten)]
    queue: Queue,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    output: Output,
}

impl Pause {
    pub(super) fn run(self) -> Result<(), Failure> {
        switch(&self.queue, "/pause", "paused", &self.connection, self.output)
    }
}

/// Let receives of a paused queue find messages again
#[derive(Args, Debug)]
pub(super) struct Resume {
    #[command(flatten)]
    queue: Queue,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    output: Output,
}

impl Resume {
    pub(super) fn run(self) -> Result<(), Failure> {
        switch(&self.queue, "/resume", "resumed", &self.connection, self.output)
    }
}

fn switch(
    queue: &Queue,
    path: &str,
    word: &str,
    connection: &Connection,
    output: Output,
) -> Result<(), Failure> {
    let client = Client::new(connection)?;
    let answer: Value = client.ask(&Request::post(queue.path(path), &[]))?;
    output.tell(&answer, |answer| match answer["changed"].as_bool() {
        Some(false) => format!("{} was {word} already", queue.queue),
        _ => format!("{word} {}", queue.queue),
    })
}

/// Move dead letters back to where they came from
///
/// Ends when those are moved that were there at the beginning, however long that takes; --timeout does
/// not count. What was moved when it is interrupted stays moved.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ringmq redrive orders.dead
  ringmq redrive orders.dead --to orders --max 100 --rate 10")]
pub(super) struct Redrive {
    #[command(flatten)]
    queue: Queue,

    /// Move them here instead
    #[arg(long, value_name = "QUEUE")]
    to: Option<QueueName>,

    /// How many at most [default: as many as there are]
    #[arg(long, value_name = "COUNT")]
    max: Option<u64>,

    /// How many a second at most [default: as fast as it goes]
    #[arg(long, value_name = "NUMBER")]
    rate: Option<f64>,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    output: Output,
}

impl Redrive {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = Client::new(&self.connection)?.patient();
        let to = self.to.as_ref().map(ToString::to_string);
        let asked = json!({ "to": to, "max": self.max, "rate": self.rate }).to_string();
        let mut request = Request::post(self.queue.path("/redrive"), asked.as_bytes());
        request.wait = Duration::ZERO;
        let answer: Value = client.ask(&request)?;
        self.output
            .tell(&answer, |answer| format!("moved {} messages", plain(&answer["moved"])))?;
        match &answer["stopped_by"] {
            Value::Null => Ok(()),
            problem => Err(refused(problem)),
        }
    }
}

/// One of several results, as the failure it is.
pub(super) fn refused(problem: &Value) -> Failure {
    let status = problem["status"].as_u64().unwrap_or(500) as u16;
    let code = problem["code"].as_str().unwrap_or("no code");
    let (detail, code) = (one_line(&super::client::detail_of(problem)), one_line(code));
    let exit = super::client::exit_of(status, &code);
    let retry_after = problem["retry_after_s"].as_u64().map(Duration::from_secs);
    Failure { retry_after, ..Failure::because(exit, format!("{detail} ({status} {code})")) }
}
