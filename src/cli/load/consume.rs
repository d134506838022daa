//! Connections that receive as messages come.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::client::{Client, Request};
use super::super::leases::settle;
use super::super::message::Batch;
use super::Run;
use super::tally::{Live, Tally, kind};

/// How long a poll waits in the server: at the end of a run, consumers are done after one more.
const WAIT: Duration = Duration::from_millis(500);

/// How long a server is left alone that is away.
const PAUSE: Duration = Duration::from_millis(50);

/// Receives until nobody sends any more and nothing is left.
pub(super) fn drive(run: &Run, client: Client) -> Tally {
    let mut tally = Tally::default();
    let lease = if run.options.ack { "" } else { "&lease=0" };
    let queue = format!("/v1/queues/{}", run.options.queue);
    let path = format!("{queue}/receive?max=100&wait={}ms{lease}", WAIT.as_millis());
    let give_up = run.schedule.end() + run.options.connection.timeout + WAIT;
    while Instant::now() < give_up {
        // Looked at before the poll, so that what was sent before the end is found by it.
        let is_last = run.producers.load(Ordering::Acquire) == 0;
        let mut request = Request::post(path.as_str(), &[]);
        request.wait = WAIT;
        let asked = Instant::now();
        match client.ask::<Batch>(&request) {
            Ok(batch) => {
                let now = Instant::now();
                note(run, &batch, now, &mut tally);
                let receipts = batch.receipts();
                if !receipts.is_empty() {
                    acknowledge(&client, &format!("{queue}/leases/ack"), &receipts, &mut tally);
                }
                if batch.messages.is_empty() {
                    if is_last {
                        break;
                    }
                    if asked.elapsed() < PAUSE {
                        // It did not wait, because it is about to stop.
                        thread::sleep(PAUSE);
                    }
                }
            }
            Err(error) => {
                *tally.consumer_errors.entry(kind(&error)).or_default() += 1;
                if is_last {
                    break;
                }
                // A server that is away is not asked without end.
                thread::sleep(PAUSE);
            }
        }
    }
    tally
}

fn note(run: &Run, batch: &Batch, now: Instant, tally: &mut Tally) {
    Live::count(&run.live.received, batch.messages.len() as u64);
    for message in &batch.messages {
        match message["body"].as_str().and_then(|body| run.payload.due(body)) {
            Some(due) if due >= run.schedule.measured_from() => {
                tally.received += 1;
                tally.end_to_end.record(now.saturating_duration_since(due));
            }
            // For warming up.
            Some(_) => {}
            None => tally.strange += 1,
        }
    }
}

fn acknowledge(client: &Client, path: &str, receipts: &[String], tally: &mut Tally) {
    let mut failed = |why: String| *tally.consumer_errors.entry(why).or_default() += 1;
    match settle(client, path, receipts, &json!({})) {
        Ok(results) => {
            for problem in results.iter().filter(|result| !result["code"].is_null()) {
                failed(format!(
                    "ack: {} {}",
                    problem["status"],
                    problem["code"].as_str().unwrap_or("?")
                ));
            }
        }
        Err(error) => failed(format!("ack: {}", kind(&error))),
    }
}
