//! `ringmq receive` and `ringmq browse`.

use std::io::{self, BufWriter};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use clap::Args;
use ringmq::duration;
use serde_json::{Value, json};

use super::client::{CallError, Client, Request};
use super::connection::{Connection, span};
use super::exit::{Exit, Failure};
use super::follow::follow;
use super::leases::{settle, tell_failures};
use super::message::{self, Batch, Form};
use super::operate::Queue;
use super::output::{self, Output};

/// Receive messages from a queue
///
/// Without --ack the receipts are shown, and what is not acknowledged by them comes back when its lease is
/// over. With --ack a message is acknowledged once it was written and flushed to standard output; what could
/// not be written is given back. Where whoever reads the output is slow, leases are extended meanwhile.
/// --lease 0 takes messages for good as they are received.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ringmq receive orders --wait 20s               waits until there is one
  ringmq receive orders --follow --ack --raw | work
  ringmq receive orders --max 100 --ack --json | jq -r .body
  ringmq receive orders --raw --lease 0 > order.bin

Without --raw a body that is no text is told in base64, as body_base64. --raw writes the body of a single
message (--max 1, which is the default, and no --follow) exactly as it is; else with a newline behind each.")]
pub(super) struct Receive {
    #[command(flatten)]
    queue: Queue,

    /// How many messages at most; with --follow, at once [default: 1, with --follow 100]
    #[arg(long, short = 'n', value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    max: Option<u32>,

    /// How long to wait for the first one, up to 60s [default: as the queue says, with --follow 20s]
    #[arg(long, value_name = "TIME", value_parser = span)]
    wait: Option<Duration>,

    /// How long they are yours [default: as the queue says]
    #[arg(long, value_name = "TIME")]
    lease: Option<String>,

    /// Acknowledge what was written
    #[arg(long, short)]
    ack: bool,

    /// Go on until Ctrl-C, also when the server is away for a while
    #[arg(long, short)]
    follow: bool,

    #[command(flatten)]
    shape: Shape,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    output: Output,
}

/// Whether bodies are all that is wanted.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Write nothing but the bodies, whatever RINGMQ_OUTPUT says
    #[arg(long, short)]
    raw: bool,
}

impl Shape {
    fn form(self, output: Output, single: bool) -> Result<Form, Failure> {
        // By value: clap takes a variable for given, even one that says no.
        if self.raw && output.json {
            return Err(Failure::because(Exit::Usage, "--raw cannot be used with --json"));
        }
        Ok(match (self.raw, output.form()) {
            (true, _) if single => Form::Raw,
            (true, _) => Form::RawLines,
            (false, output::Form::Json) => Form::Json,
            (false, output::Form::Table) => Form::Text,
        })
    }
}

/// What of a receive is the same each time.
pub(super) struct Job {
    pub(super) client: Client,
    pub(super) queue: Queue,
    query: String,
    wait: Duration,
    lease: Option<String>,
    form: Form,
    ack: bool,
}

impl Receive {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = Client::new(&self.connection)?;
        let max = self.max.unwrap_or(if self.follow { 100 } else { 1 });
        let wait = self.wait.or(self.follow.then_some(Duration::from_secs(20)));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("max", &max.to_string());
        if let Some(wait) = wait {
            query.append_pair("wait", &format!("{}ms", wait.as_millis()));
        }
        if let Some(lease) = &self.lease {
            query.append_pair("lease", lease);
        }
        let job = Job {
            client,
            query: query.finish(),
            queue: self.queue,
            // A queue may say that a receive waits, up to a minute.
            wait: wait.unwrap_or(Duration::from_secs(60)),
            lease: self.lease,
            form: self.shape.form(self.output, max == 1 && !self.follow)?,
            ack: self.ack,
        };
        if self.follow {
            return follow(job);
        }
        if wait.is_none() {
            // A host that says nothing is found out now, and not after the minute that a queue may wait.
            // Whatever else it says, it says something.
            let said = job.client.call(&Request::get("/livez"));
            if let Err(error @ CallError::Unreachable { .. }) = said {
                return Err(error.into());
            }
        }
        let batch = job.poll()?;
        if batch.messages.is_empty() {
            let text = format!("there is nothing to receive from {}", job.queue.queue);
            return Err(Failure::because(Exit::Nothing, text));
        }
        job.pass_on(&batch)
    }
}

/// When the lease of the queue is looked up, which a fast reader never needs.
const FIRST_LOOK: Duration = Duration::from_millis(500);

impl Job {
    /// Asks for messages, and waits as long as was said.
    pub(super) fn poll(&self) -> Result<Batch, Failure> {
        let mut request = Request::post(self.queue.path(&format!("/receive?{}", self.query)), &[]);
        request.wait = self.wait;
        Ok(self.client.ask(&request)?)
    }

    /// Writes messages, then acknowledges them; gives back what could not be written.
    pub(super) fn pass_on(&self, batch: &Batch) -> Result<(), Failure> {
        let receipts = batch.receipts();
        // A batch has a receipt for each message, or none at all.
        let written = AtomicUsize::new(0);
        let outcome = thread::scope(|scope| {
            let (_until_here, end) = mpsc::channel();
            if !receipts.is_empty() {
                let (written, receipts) = (&written, &receipts);
                scope.spawn(move || self.keep(receipts, written, &end));
            }
            let mut out = BufWriter::new(io::stdout().lock());
            batch.messages.iter().try_for_each(|message| {
                message::write(&mut out, message, self.form)?;
                written.fetch_add(1, Ordering::Relaxed);
                Ok(())
            })
        });
        let (written, rest) = receipts.split_at(written.into_inner().min(receipts.len()));
        self.give_back(rest);
        let acknowledged = match self.ack && !written.is_empty() {
            true => self.acknowledge(written),
            false => Ok(()),
        };
        outcome.and(acknowledged)
    }

    /// Extends leases while whoever reads the output takes his time: of what is not written, and of what is
    /// not acknowledged.
    fn keep(&self, receipts: &[String], written: &AtomicUsize, end: &Receiver<()>) {
        let said = self.lease.as_deref().and_then(duration::read);
        let mut lease = said.unwrap_or(FIRST_LOOK * 2);
        let asked = self.lease.as_ref().map_or(json!({}), |lease| json!({ "lease": lease }));
        while let Err(RecvTimeoutError::Timeout) =
            end.recv_timeout((lease / 2).max(Duration::from_millis(1)))
        {
            let first = if self.ack { 0 } else { written.load(Ordering::Relaxed) };
            // What fails here is told when it is acknowledged.
            let _ = settle(
                &self.client,
                &self.queue.path("/leases/extend"),
                &receipts[first.min(receipts.len())..],
                &asked,
            );
            if said.is_none() {
                lease = self.lease_of_the_queue().unwrap_or(lease);
            }
        }
    }

    /// As its settings say, where the token is good for reading them.
    fn lease_of_the_queue(&self) -> Option<Duration> {
        let queue: Value = self.client.ask(&Request::get(self.queue.path(""))).ok()?;
        duration::read(queue["settings"]["lease"].as_str()?)
    }

    fn acknowledge(&self, receipts: &[String]) -> Result<(), Failure> {
        let settled = settle(&self.client, &self.queue.path("/leases/ack"), receipts, &json!({}));
        let results = settled.map_err(|error| {
            let failure = Failure::from(error);
            let text =
                format!("written, but not acknowledged, so it will come again: {}", failure.text);
            Failure { text, ..failure }
        })?;
        tell_failures(&results, "written, but not acknowledged");
        Ok(())
    }

    /// As far as the server can be told; if not, the leases run out.
    pub(super) fn give_back(&self, receipts: &[String]) {
        if !receipts.is_empty() {
            let _ = settle(&self.client, &self.queue.path("/leases/release"), receipts, &json!({}));
        }
    }
}

/// Look at messages without receiving them
///
/// The first ones in line. It takes no lease and counts nothing; a moment later they may be elsewhere.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  ringmq browse orders.dead --max 20")]
pub(super) struct Browse {
    #[command(flatten)]
    queue: Queue,

    /// How many messages at most
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    max: u32,

    #[command(flatten)]
    shape: Shape,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    output: Output,
}

impl Browse {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = Client::new(&self.connection)?;
        let path = self.queue.path(&format!("/messages?max={}", self.max));
        let batch: Batch = client.ask(&Request::get(path))?;
        if batch.messages.is_empty() {
            let text = format!("there is nothing ready in {}", self.queue.queue);
            return Err(Failure::because(Exit::Nothing, text));
        }
        let form = self.shape.form(self.output, self.max == 1)?;
        let mut out = BufWriter::new(io::stdout().lock());
        batch.messages.iter().try_for_each(|message| message::write(&mut out, message, form))
    }
}
