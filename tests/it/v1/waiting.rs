//! Polls that wait: what wakes them, and in which order.

use std::time::Instant;

use serde_json::json;

use super::{NONE, RAW, Service, bodies, marks, messages, receipt, text};
use crate::support::DEADLINE;
use crate::support::client::request;

#[test]
fn a_parked_poll_is_answered_by_the_send_that_serves_it() {
    let mut service = Service::with_queue(json!({"capacity": 5}));
    let mut poll = service.park("q", "?wait=60");
    let began = Instant::now();
    let id = service.send("q", "x");
    let answer = poll.answer();
    assert!(began.elapsed() < DEADLINE, "it was not the send that woke it");
    assert_eq!(marks(&answer), (1, 5));
    let message = messages(&answer).remove(0);
    assert_eq!((&message["id"], &message["body"]), (&json!(id), &json!("x")));
    assert_eq!(service.ack("q", &receipt(&message)).status, 204);
    // The connection goes on.
    assert_eq!(poll.get("/v1/queues/q").status, 200);
}

#[test]
fn a_poll_may_say_how_long_it_waits_by_a_preference() {
    let mut service = Service::with_queue(json!({}));
    let target = "/v1/queues/q/receive?lease=0";
    for prefer in ["wait=60", "respond-async, wait=\"60\"", "Wait = 9999"] {
        let poll = request("POST", target, &[("Prefer", prefer), RAW], b"");
        let mut poll = service.park_call("q", "/counts/waiting_receives", &poll);
        service.send("q", "x");
        let answer = poll.answer();
        assert_eq!((answer.status, answer.text().as_str()), (200, "x"));
    }
}

#[test]
fn a_wait_that_nothing_ends_is_answered_with_nothing() {
    let mut service = Service::with_queue(json!({"capacity": 5}));
    assert_eq!(service.receive("q", "?wait=0.05"), NONE);
    assert_eq!(service.receive("q", "?wait=0"), NONE);
    let none = service.call("POST", "/v1/queues/q/receive?wait=50ms", &[RAW], "");
    assert_eq!((none.status, marks(&none)), (204, (0, 5)));
    assert_eq!(service.number("q", "/counts/waiting_receives"), 0);
}

#[test]
fn parked_polls_are_served_in_order_of_arrival_one_message_each() {
    let mut service = Service::with_queue(json!({}));
    let mut polls: Vec<_> = (0..5).map(|_| service.park("q", "?wait=60&lease=0")).collect();
    for (number, poll) in polls.iter_mut().enumerate() {
        service.send("q", number.to_string());
        assert_eq!(bodies(&messages(&poll.answer())), [number.to_string()]);
        assert_eq!(service.number("q", "/counts/waiting_receives"), 4 - number as u64);
    }
}

#[test]
fn a_poll_that_waits_for_many_is_answered_by_the_first() {
    let mut service = Service::with_queue(json!({}));
    let mut poll = service.park("q", "?wait=60&max=10");
    service.send("q", "x");
    assert_eq!(bodies(&messages(&poll.answer())), ["x"]);
}

#[test]
fn a_batch_serves_as_many_parked_polls_as_it_has_messages() {
    let mut service = Service::with_queue(json!({}));
    let mut polls: Vec<_> = (0..4).map(|_| service.park("q", "?wait=60&lease=0")).collect();
    service.post_json("/v1/queues/q/messages/batch", json!(["a", "b", "c"]));
    for (poll, body) in polls.iter_mut().zip(["a", "b", "c"]) {
        assert_eq!(bodies(&messages(&poll.answer())), [body]);
    }
    assert_eq!(service.number("q", "/counts/waiting_receives"), 1);
}

#[test]
fn requests_behind_a_parked_poll_are_answered_after_it() {
    let mut service = Service::with_queue(json!({}));
    let mut poll = service.park("q", "?wait=60&lease=0");
    poll.send(request("POST", "/v1/queues/q/messages", &[], b"behind"));
    poll.send(request("POST", "/v1/queues/q/receive?lease=0", &[], b""));
    service.send("q", "first");
    assert_eq!(bodies(&messages(&poll.answer())), ["first"]);
    assert_eq!(poll.answer().status, 201);
    assert_eq!(bodies(&messages(&poll.answer())), ["behind"]);
}

#[test]
fn a_delayed_message_that_comes_due_wakes_a_parked_poll() {
    let mut service = Service::with_queue(json!({}));
    let mut poll = service.park("q", "?wait=60");
    service.send_with("q", &[("Queue-Delay", "50ms")], "late");
    assert_eq!(bodies(&messages(&poll.answer())), ["late"]);
}

#[test]
fn a_lease_that_runs_out_wakes_a_parked_poll() {
    let mut service = Service::with_queue(json!({}));
    service.send("q", "x");
    let first = service.receive_one("q", "?lease=300ms");
    let mut poll = service.park("q", "?wait=60");
    let again = messages(&poll.answer()).remove(0);
    assert_eq!((&again["id"], &again["receive_count"]), (&first["id"], &json!(2)));
    assert_ne!(again["receipt"], first["receipt"]);
    assert_eq!(service.number("q", "/totals/leases_run_out"), 1);
}

#[test]
fn a_retry_delay_holds_back_what_was_not_acknowledged() {
    let mut service = Service::with_queue(json!({"retry_delay": "60s"}));
    service.send("q", "x");
    service.receive_one("q", "?lease=1ms");
    service.wait_for("q", "/counts/delayed", 1);
    assert_eq!(service.receive("q", ""), NONE);
}

#[test]
fn a_release_wakes_a_parked_poll_at_once_or_after_its_delay() {
    let mut service = Service::with_queue(json!({}));
    service.send("q", "x");
    for query in ["", "?delay=50ms"] {
        let message = service.receive_one("q", "");
        let mut poll = service.park("q", "?wait=60");
        assert_eq!(service.release("q", &receipt(&message), query).status, 204);
        let again = messages(&poll.answer()).remove(0);
        assert_eq!(again["id"], message["id"]);
        assert_eq!(service.release("q", &receipt(&again), "").status, 204);
    }
}

#[test]
fn a_classic_enqueue_wakes_a_parked_poll() {
    let mut service = Service::start();
    let mut poll = service.park("default", "?wait=60");
    service.client.put("classic");
    assert_eq!(bodies(&messages(&poll.answer())), ["classic"]);
}

#[test]
fn a_redriven_message_wakes_a_parked_poll() {
    let mut service = Service::with_queue(json!({}));
    service.create("source", json!({}));
    service.send("source", "x");
    let mut poll = service.park("q", "?wait=60");
    assert_eq!(service.post_json("/v1/queues/source/redrive", json!({"to": "q"})).status, 200);
    assert_eq!(bodies(&messages(&poll.answer())), ["x"]);
}

#[test]
fn a_dead_letter_wakes_a_parked_poll() {
    let mut service = Service::start();
    service.create("dead", json!({}));
    service.create("q", json!({"max_receives": 1, "dead_letter": "dead"}));
    let mut poll = service.park("dead", "?wait=60");
    let id = service.send("q", "x");
    assert_eq!(text(&service.receive_one("q", "?lease=1ms")["id"]), id);
    assert_eq!(bodies(&messages(&poll.answer())), ["x"]);
}
