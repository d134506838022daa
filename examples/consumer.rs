//! Asks ringmq for an event every half second and prints what it gets.
//!
//! ```text
//! cargo run --example consumer -- [--url URL] [--interval SECONDS] [--count N]
//! ```
//!
//! While the queue is empty or the server is away it says so once and keeps asking. An event is
//! gone from the queue when it is handed over: if this program is killed before it has printed
//! the event, nobody sees it. Ctrl-C ends the program.

use std::error::Error;
use std::num::ParseFloatError;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use clap::Parser;
use serde_json::Value;
use ureq::Agent;

const EMPTY: &str = "cannot dequeue from an empty buffer";

#[derive(Parser)]
#[command(about = "Asks ringmq for an event every half second and prints what it gets")]
struct Args {
    /// Where ringmq listens
    #[arg(long, env = "RINGMQ_URL", default_value = "http://127.0.0.1:8080")]
    url: String,

    /// Seconds between two questions
    #[arg(long, env = "RINGMQ_INTERVAL", default_value = "0.5", value_parser = seconds)]
    interval: Duration,

    /// End after so many events
    #[arg(long)]
    count: Option<u64>,
}

fn seconds(text: &str) -> Result<Duration, Box<dyn Error + Send + Sync>> {
    let seconds = text.parse().map_err(|error: ParseFloatError| error.to_string())?;
    Ok(Duration::try_from_secs_f64(seconds)?)
}

/// What came of one question.
enum Attempt {
    Received(String),
    Empty,
    Refused(String),
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let (stop, stopped) = mpsc::channel();
    ctrlc::set_handler(move || {
        // The receiver is gone only when the program ends anyway.
        let _ = stop.send(());
    })?;

    let config = Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(5)))
        .http_status_as_error(false);
    let agent = Agent::new_with_config(config.build());
    let url = args.url.trim_end_matches('/');
    let mut waiting = Waiting::default();
    let mut received = 0;
    while Some(received) != args.count {
        match receive(&agent, url) {
            Ok(Attempt::Received(event)) => {
                println!("received {event}");
                waiting = Waiting::default();
                received += 1;
            }
            Ok(Attempt::Empty) => waiting.say("the queue is empty, waiting".to_owned()),
            Ok(Attempt::Refused(answer)) => return Err(format!("{url} answered {answer}").into()),
            Err(error @ (ureq::Error::BadUri(_) | ureq::Error::Http(_))) => {
                return Err(format!("{url} is not a ringmq server: {error}").into());
            }
            Err(error) => waiting.say(format!("cannot reach {url} ({error}), trying again")),
        }
        // The pause that Ctrl-C cuts short.
        let over = Some(received) == args.count;
        if over || stopped.recv_timeout(args.interval) != Err(RecvTimeoutError::Timeout) {
            break;
        }
    }
    println!("stopped after {received} events");
    Ok(())
}

fn receive(agent: &Agent, url: &str) -> Result<Attempt, ureq::Error> {
    let mut answer = agent.get(format!("{url}/dequeue")).call()?;
    let status = answer.status();
    let text = answer.body_mut().read_to_string()?;
    Ok(match (status.is_success(), text.trim_end()) {
        (true, json) => match serde_json::from_str::<Value>(json) {
            Ok(json) => Attempt::Received(json["event"].as_str().unwrap_or_default().to_owned()),
            Err(error) => Attempt::Refused(format!("{status}, but no event: {error}")),
        },
        (false, EMPTY) => Attempt::Empty,
        (false, reason) => Attempt::Refused(format!("{status}: {reason}")),
    })
}

/// Says why nothing comes, once for each reason.
#[derive(Default)]
struct Waiting {
    last: String,
}

impl Waiting {
    fn say(&mut self, reason: String) {
        if reason != self.last {
            println!("{reason}");
        }
        self.last = reason;
    }
}
