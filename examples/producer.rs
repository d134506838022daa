//! Sends one numbered event a second to ringmq.
//!
//! ```text
//! cargo run --example producer -- [--url URL] [--interval SECONDS] [--count N]
//! ```
//!
//! An event is sent again until the server says that it has it, so neither a full queue nor a
//! restart of the server leaves a gap in the numbers. Should the connection break after the
//! server took an event and before it said so, that event comes twice. Ctrl-C ends the program.

use std::error::Error;
use std::num::ParseFloatError;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use clap::Parser;
use serde_json::json;
use ureq::Agent;

const FULL: &str = "cannot enqueue to a full buffer";

#[derive(Parser)]
#[command(about = "Sends one numbered event a second to ringmq")]
struct Args {
    /// Where ringmq listens
    #[arg(long, env = "RINGMQ_URL", default_value = "http://127.0.0.1:8080")]
    url: String,

    /// Seconds between two events
    #[arg(long, env = "RINGMQ_INTERVAL", default_value = "1", value_parser = seconds)]
    interval: Duration,

    /// End after so many events
    #[arg(long)]
    count: Option<u64>,
}

fn seconds(text: &str) -> Result<Duration, Box<dyn Error + Send + Sync>> {
    let seconds = text.parse().map_err(|error: ParseFloatError| error.to_string())?;
    Ok(Duration::try_from_secs_f64(seconds)?)
}

/// What became of one attempt to send.
enum Attempt {
    Sent,
    Full,
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
    let mut printer = Printer::default();
    let mut sent = 0;
    while Some(sent) != args.count {
        let event = format!("Event {}", sent + 1);
        match send(&agent, url, &event) {
            Ok(Attempt::Sent) => {
                printer.say(format!("sent {event}"));
                sent += 1;
            }
            Ok(Attempt::Full) => printer.say(format!("the queue is full, trying {event} again")),
            Ok(Attempt::Refused(answer)) => return Err(format!("{url} answered {answer}").into()),
            Err(error @ (ureq::Error::BadUri(_) | ureq::Error::Http(_))) => {
                return Err(format!("{url} is not a ringmq server: {error}").into());
            }
            Err(error) => {
                printer.say(format!("cannot reach {url} ({error}), trying {event} again"));
            }
        }
        // The pause that Ctrl-C cuts short.
        let over = Some(sent) == args.count;
        if over || stopped.recv_timeout(args.interval) != Err(RecvTimeoutError::Timeout) {
            break;
        }
    }
    printer.say(format!("stopped after {sent} events"));
    Ok(())
}

fn send(agent: &Agent, url: &str, event: &str) -> Result<Attempt, ureq::Error> {
    let mut answer = agent.post(format!("{url}/enqueue")).send_json(json!({ "event": event }))?;
    let status = answer.status();
    let text = answer.body_mut().read_to_string()?;
    Ok(match text.trim_end() {
        _ if status.is_success() => Attempt::Sent,
        FULL => Attempt::Full,
        reason => Attempt::Refused(format!("{status}: {reason}")),
    })
}

/// Prints a line, unless it would only repeat the one before.
#[derive(Default)]
struct Printer {
    last: String,
}

impl Printer {
    fn say(&mut self, line: String) {
        if line != self.last {
            println!("{line}");
        }
        self.last = line;
    }
}
