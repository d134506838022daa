//! Connections that follow the schedule: send, or receive.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::client::{CallError, Client, Request};
use super::schedule::Due;
use super::tally::{Live, Moments, Tally, kind};
use super::{Mode, Run};

/// Takes what is due, in order, until nothing is left.
pub(super) fn drive(run: &Run, client: Client) -> Tally {
    let mut tally = Tally::default();
    // Beyond this nobody waits: what is left is told as not sent.
    let give_up = run.schedule.end() + run.options.connection.timeout;
    while let Some(due) = run.schedule.next() {
        let was_free = wait_until(due.at, run);
        if let Some(&end) = run.interrupted.get() {
            was_due(due, end, &mut tally);
            break;
        }
        let sent = Instant::now();
        if sent > give_up {
            not_sent(run, due, sent, &mut tally);
            continue;
        }
        let outcome = act(run, &client, due);
        let done = Instant::now();
        note(run, due, Moments { due: due.at, sent, done }, was_free, outcome, &mut tally);
    }
    if let Some(&end) = run.interrupted.get() {
        // What was due by then and waited for a connection has waited, though nobody will send it now.
        while let Some(due) = run.schedule.next_until(end) {
            was_due(due, end, &mut tally);
        }
    }
    run.producers.fetch_sub(1, Ordering::Release);
    tally
}

/// Whether there was anything to wait for: if not, all connections had been busy.
fn wait_until(due: Instant, run: &Run) -> bool {
    /// So long at most until Ctrl-C is seen.
    const STEP: Duration = Duration::from_millis(100);
    let mut has_waited = false;
    while !run.is_over() {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        has_waited = true;
        thread::sleep(left.min(STEP));
    }
    has_waited
}

/// How many messages a request moved, and how many of its messages were refused, by why.
struct Outcome {
    moved: u64,
    refused: Option<String>,
}

fn act(run: &Run, client: &Client, due: Due) -> Result<Outcome, CallError> {
    let (queue, batch) = (&run.options.queue, run.options.batch);
    if run.options.mode == Mode::Receive {
        let path = format!("/v1/queues/{queue}/receive?max={batch}&lease=0&wait=0");
        let answer: Value = client.ask(&Request::post(path, &[]))?;
        let found = answer["messages"].as_array().map_or(0, Vec::len);
        return Ok(Outcome { moved: found as u64, refused: None });
    }
    let message = run.payload.message(due.at);
    if batch == 1 {
        let path = format!("/v1/queues/{queue}/messages");
        client.call(&Request::post(path, message.as_bytes()))?;
        return Ok(Outcome { moved: 1, refused: None });
    }
    let items = vec![message; batch as usize];
    let items = serde_json::to_vec(&items).unwrap_or_default();
    let answer: Value =
        client.ask(&Request::post(format!("/v1/queues/{queue}/messages/batch"), &items))?;
    let none = Vec::new();
    let results = answer["results"].as_array().unwrap_or(&none);
    if results.len() != batch as usize {
        return Ok(Outcome { moved: 0, refused: Some("no result for each message".into()) });
    }
    let refused = results.iter().find(|result| !result["code"].is_null());
    let moved = results.iter().filter(|result| result["code"].is_null()).count() as u64;
    let why = |result: &Value| {
        format!("{} {}", result["status"], result["code"].as_str().unwrap_or("no code"))
    };
    Ok(Outcome { moved, refused: refused.map(why) })
}

fn note(
    run: &Run,
    due: Due,
    moments: Moments,
    was_free: bool,
    outcome: Result<Outcome, CallError>,
    tally: &mut Tally,
) {
    let (moved, refused) = match &outcome {
        Ok(outcome) => (outcome.moved, outcome.refused.clone()),
        Err(error) => (0, Some(kind(error))),
    };
    Live::count(&run.live.messages, moved);
    if refused.is_some() {
        Live::count(&run.live.errors, 1);
    }
    if !due.counts {
        return;
    }
    tally.times(moments, was_free);
    tally.messages += moved;
    tally.last = tally.last.max(Some(moments.done));
    if moments.done <= run.end() {
        tally.messages_in_time += moved;
    }
    match refused {
        Some(why) => tally.failed(why),
        None => {
            tally.answered += 1;
            tally.empty += u64::from(run.options.mode == Mode::Receive && moved == 0);
        }
    }
}

/// A request that is not sent because somebody ended the run.
fn was_due(due: Due, end: Instant, tally: &mut Tally) {
    if due.counts && due.at <= end {
        tally.not_sent += 1;
        tally.response.record(end.duration_since(due.at));
    }
}

/// A request that was never sent has waited at least until now.
fn not_sent(run: &Run, due: Due, now: Instant, tally: &mut Tally) {
    Live::count(&run.live.errors, 1);
    if due.counts {
        tally.response.record(now.saturating_duration_since(due.at));
        tally.failed("not sent: no connection was free in time");
    }
}
