//! `ringmq load`: drive a server at a fixed offered rate and tell how it answered.
//!
//! The load is open: a request is due at its moment of the schedule, whether or not earlier ones were
//! answered, and its response time is counted from that moment. A generator that waits for an answer
//! before it sends the next request asks a server that stalls for little while it stalls, and its
//! percentiles leave out just what they were made for (Gil Tene calls that coordinated omission). What
//! such a generator would have told, the time from sending to answer, stands beside it as service time.

mod consume;
mod payload;
mod produce;
mod progress;
mod report;
mod schedule;
mod tally;

use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use ringmq::broker::QueueName;
use serde_json::json;
use ureq::http::Method;

use self::payload::Payload;
use self::progress::Progress;
use self::report::Report;
use self::schedule::Schedule;
use self::tally::{Live, Tally};
use super::client::{CallError, Client, Request};
use super::connection::{Connection, span};
use super::exit::{Exit, Failure};
use super::output::{Form, Output, json as json_text, line};
use super::signals::on_interrupt;

/// Drive a server at a fixed rate and measure its answers
///
/// Messages are due at fixed moments (--rate a second), whatever the server does, and their response time
/// counts from then: a server that stalls is seen to stall. Where all connections wait for answers, what is
/// due waits too, and that counts. Service time, from sending to answer, stands beside it.
///
/// Consumers take messages for good, so use a queue that is for this: `both` and `receive` empty it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ringmq load --create                                1000 a second for 10 s, with consumers
  ringmq load --create --rate 20000 --batch 100 --duration 1m
  ringmq load --mode send --queue orders --rate 500 --max-errors 1%
  ringmq load --create --json | jq .response.p99_ms

Ends with 8 when there are more errors than --max-errors (requests and receives that failed, and with `both`
messages that did not arrive), and with 9 when less of the rate than --min-rate was
reached. Times
below 0.1 ms say more about this program than about the server: look at `lag`, how long after it was due
a request was sent where a connection was free.")]
pub(in crate::cli) struct Load {
    /// Messages a second, all connections together
    #[arg(long, value_name = "NUMBER", default_value_t = 1000.0, value_parser = rate)]
    rate: f64,

    /// How long to measure
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    duration: Duration,

    /// How long to drive before that without measuring
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = span)]
    warmup: Duration,

    /// What to do
    #[arg(long, value_enum, default_value_t = Mode::Both)]
    mode: Mode,

    /// Connections that send (or receive, with --mode receive)
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=2000))]
    connections: u32,

    /// Connections that receive, with --mode both
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=2000))]
    consumers: u32,

    /// Messages of one request
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    batch: u32,

    /// Bytes of a message, 64 at least
    #[arg(long, value_name = "BYTES", default_value_t = 100, value_parser = clap::value_parser!(u32).range(64..=1_000_000))]
    size: u32,

    /// Which queue; RINGMQ_QUEUE is not asked, since a load test empties it
    #[arg(long, value_name = "QUEUE", default_value = "ringmq-load")]
    queue: QueueName,

    /// Make the queue, with room for a minute's messages, and delete it afterwards, where it was not there
    #[arg(long)]
    create: bool,

    /// Consumers lease and acknowledge, instead of taking messages at once
    #[arg(long)]
    ack: bool,

    /// How many requests may fail: a number, or a share as in 1%
    #[arg(long, value_name = "COUNT", default_value = "0", value_parser = max_errors)]
    max_errors: MaxErrors,

    /// How much of the rate has to be reached
    #[arg(long, value_name = "SHARE", default_value = "95%", value_parser = share)]
    min_rate: f64,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    output: Output,
}

/// What is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// Send at the rate, and receive as messages come: end-to-end times too
    Both,
    /// Send at the rate
    Send,
    /// Receive at the rate, and take what is there
    Receive,
}

/// How many of the requests may fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum MaxErrors {
    Count(u64),
    Share(f64),
}

impl MaxErrors {
    fn allows(self, errors: u64, requests: u64) -> bool {
        match self {
            Self::Count(most) => errors <= most,
            Self::Share(most) => errors as f64 <= most * requests as f64,
        }
    }
}

fn max_errors(text: &str) -> Result<MaxErrors, String> {
    let parsed = match text.strip_suffix('%') {
        Some(_) => share(text).ok().map(MaxErrors::Share),
        None => text.parse().ok().map(MaxErrors::Count),
    };
    parsed.ok_or_else(|| "must be a whole number, or a share from 0% to 100%".into())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.strip_suffix('%').and_then(|share| share.parse::<f64>().ok());
    let share = share.filter(|share| (0.0..=100.0).contains(share));
    share.map(|share| share / 100.0).ok_or_else(|| "must be a share from 0% to 100%".into())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.1..=1e6).contains(rate));
    rate.ok_or_else(|| "must be from 0.1 to 1000000 a second".into())
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = span(text)?;
    let fits = (Duration::from_millis(100)..=Duration::from_hours(24)).contains(&duration);
    if fits { Ok(duration) } else { Err("must be from 100ms to 24h".into()) }
}

/// What all threads of a run know.
struct Run {
    options: Load,
    schedule: Schedule,
    payload: Payload,
    live: Live,
    /// When somebody pressed Ctrl-C.
    interrupted: Arc<OnceLock<Instant>>,
    /// Producers that have not ended.
    producers: AtomicU64,
}

impl Run {
    fn is_over(&self) -> bool {
        self.interrupted.get().is_some()
    }

    /// Where the last request is behind, or where somebody ended it.
    fn end(&self) -> Instant {
        let end = self.schedule.end();
        self.interrupted.get().map_or(end, |interrupted| end.min(*interrupted))
    }
}

impl Load {
    pub(in crate::cli) fn run(self) -> Result<(), Failure> {
        let client = Client::new(&self.connection)?;
        let is_ours = self.prepare(&client)?;
        let (queue, output) = (self.queue.clone(), self.output);
        let measured = measure(self, &client);
        if is_ours {
            // As it was found; the figures are there whether or not this works.
            let _ = client.call(&Request::new(Method::DELETE, format!("/v1/queues/{queue}")));
        }
        let report = measured?;
        match output.form() {
            Form::Json => line(&json_text(&report.to_json()))?,
            Form::Table => line(report.to_text().trim_end())?,
        }
        report.verdict()
    }

    /// Sees to it that there is a queue; whether it was made here.
    fn prepare(&self, client: &Client) -> Result<bool, Failure> {
        let path = format!("/v1/queues/{}", self.queue);
        match client.call(&Request::get(&path)) {
            Ok(_) => return Ok(false),
            Err(CallError::Refused { status: 404, .. }) if self.create => {}
            Err(error) => {
                let failure = Failure::from(error);
                if failure.is(Exit::Nothing) {
                    let text = format!("{}: --create makes it", failure.text);
                    return Err(Failure { text, ..failure });
                }
                return Err(failure);
            }
        }
        let capacity = ((self.rate * 60.0) as u64).clamp(10_000, 10_000_000);
        let settings = json!({ "capacity": capacity }).to_string();
        let mut request = Request::new(Method::PUT, path);
        request.body = Some(settings.as_bytes());
        client.call(&request)?;
        Ok(true)
    }

    /// The connections that follow the schedule.
    fn paced(&self) -> u32 {
        // More than there are requests would only stand about.
        let requests =
            self.rate * (self.duration + self.warmup).as_secs_f64() / f64::from(self.batch);
        self.connections.min((requests.ceil() as u32).max(1))
    }
}

/// Drives, and sums up.
fn measure(options: Load, client: &Client) -> Result<Report, Failure> {
    // Time enough for the threads to be told.
    const HEAD_START: Duration = Duration::from_millis(50);
    let interrupted = Arc::new(OnceLock::new());
    let at = Arc::clone(&interrupted);
    on_interrupt(move || {
        let _ = at.set(Instant::now());
    })?;
    let mut drivers = vec![("paced", produce::drive as Drive); options.paced() as usize];
    if options.mode == Mode::Both {
        drivers.extend(vec![("consumer", consume::drive as Drive); options.consumers as usize]);
    }
    let connections = drivers.into_iter().map(|(name, drive)| Connected::new(name, drive, client));
    let connections = connections.collect::<Result<Vec<_>, _>>()?;
    for connection in &connections {
        // Where that thread has ended, its end is seen below.
        let _ = connection.is_ready.recv();
    }
    let per_second = options.rate / f64::from(options.batch);
    let start = Instant::now() + HEAD_START;
    let schedule = Schedule::new(start, per_second, options.warmup, options.duration);
    let run = Arc::new(Run {
        payload: Payload::new(options.size as usize, start),
        schedule,
        live: Live::default(),
        interrupted,
        producers: AtomicU64::new(u64::from(options.paced())),
        options,
    });
    let begin = |connection: Connected| {
        let _ = connection.begin.send(Arc::clone(&run));
        connection.thread
    };
    let threads: Vec<_> = connections.into_iter().map(begin).collect();
    let mut progress = Progress::new(&run);
    while !threads.iter().all(JoinHandle::is_finished) {
        thread::sleep(progress::INTERVAL);
        progress.show(&run);
    }
    progress.end();
    let mut tally = Tally::default();
    for thread in threads {
        let part =
            thread.join().map_err(|_| Failure::new("a connection's thread panicked".into()))?;
        tally.add(&part);
    }
    Ok(Report::new(&run, tally))
}

/// What a connection does.
type Drive = fn(&Run, Client) -> Tally;

/// A thread whose connection is there and which waits to be told to begin: how long it takes to look up a
/// name, to connect and to agree on keys is no matter of the schedule.
struct Connected {
    is_ready: Receiver<()>,
    begin: Sender<Arc<Run>>,
    thread: JoinHandle<Tally>,
}

impl Connected {
    fn new(name: &str, drive: Drive, client: &Client) -> Result<Self, Failure> {
        // Of its own: what is shared between threads would be waited for.
        let client = client.of_its_own();
        let (ready, is_ready) = mpsc::channel();
        let (begin, begins) = mpsc::channel::<Arc<Run>>();
        let thread = thread::Builder::new().name(name.into()).stack_size(256 * 1024);
        let spawned = thread.spawn(move || {
            // A server that does not answer this will not answer the rest, and that is told of the rest.
            let _ = client.call(&Request::get("/livez"));
            let _ = ready.send(());
            // Where nobody says so, another thread could not be started.
            begins.recv().map_or_else(|_| Tally::default(), |run| drive(&run, client))
        });
        let thread = spawned.map_err(|error| Failure::new(format!("cannot start: {error}")))?;
        Ok(Self { is_ready, begin, thread })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_allowed_by_count_or_share() {
        assert_eq!(max_errors("3"), Ok(MaxErrors::Count(3)));
        assert!(MaxErrors::Count(3).allows(3, 3) && !MaxErrors::Count(3).allows(4, 1000));
        let share = max_errors("0.5%").expect("a share");
        assert!(share.allows(5, 1000) && !share.allows(6, 1000));
        for text in ["-1", "101%", "x", "", "%"] {
            assert!(max_errors(text).is_err(), "{text}");
        }
    }
}
