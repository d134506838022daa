//! A send that is repeated with its key is stored once.

use serde_json::json;

use super::{NONE, Service};
use crate::support::client::request;

const KEY: (&str, &str) = ("Idempotency-Key", "k 1");

#[test]
fn the_same_key_is_stored_once_and_answered_as_the_first_was() {
    let mut service = Service::with_queue(json!({}));
    let headers = [KEY, ("Content-Type", "text/plain"), ("Queue-Attr-a", "1")];
    let first = service.try_send("q", &headers, "x");
    let again = service.try_send("q", &headers, "x");
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.body, again.body);
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(service.number("q", "/totals/sent"), 1);
    // Also when the message has gone.
    assert_eq!(service.drain("q"), ["x"]);
    let late = service.try_send("q", &headers, "x");
    assert_eq!((late.status, &late.body), (201, &first.body));
    assert_eq!(service.receive("q", ""), NONE);
}

#[test]
fn the_same_key_with_another_message_is_refused() {
    let mut service = Service::with_queue(json!({}));
    service.send_with("q", &[KEY], "x");
    service.try_send("q", &[KEY], "y").assert_problem(422, "idempotency_key_reused");
    for other in [("Content-Type", "text/plain"), ("Queue-Attr-a", "1")] {
        service.try_send("q", &[KEY, other], "x").assert_problem(422, "idempotency_key_reused");
    }
    service.send_with("q", &[("Idempotency-Key", "k 2")], "y");
    assert_eq!(service.drain("q"), ["x", "y"]);
}

#[test]
fn a_key_is_that_of_one_queue() {
    let mut service = Service::with_queue(json!({}));
    service.create("other", json!({}));
    service.send_with("q", &[KEY], "x");
    service.send_with("other", &[KEY], "y");
    assert_eq!(service.drain("other"), ["y"]);
}

#[test]
fn a_key_whose_first_send_waits_is_in_progress() {
    let mut service = Service::with_queue(json!({"capacity": 1}));
    service.send("q", "full");
    let headers = [KEY, ("Prefer", "wait=60")];
    let send = request("POST", "/v1/queues/q/messages", &headers, b"x");
    let mut waiting = service.park_call("q", "/counts/waiting_sends", &send);
    let refused = service.try_send("q", &[KEY], "x");
    refused.assert_problem(409, "idempotency_key_in_progress");
    super::assert_retry_after(&refused);
    service.try_send("q", &[KEY], "y").assert_problem(422, "idempotency_key_reused");
    assert_eq!(service.drain("q"), ["full"]);
    let first = waiting.answer();
    assert_eq!(first.status, 201);
    assert_eq!(service.try_send("q", &[KEY], "x").body, first.body);
    assert_eq!(service.drain("q"), ["x"]);
}

#[test]
fn a_send_that_failed_leaves_its_key_free() {
    let mut service = Service::with_queue(json!({"capacity": 1, "max_message_bytes": 5}));
    service.send("q", "full");
    service.try_send("q", &[KEY], "x").assert_problem(429, "queue_full");
    service.try_send("q", &[KEY], "too large").assert_problem(413, "message_too_large");
    assert_eq!(service.drain("q"), ["full"]);
    service.send_with("q", &[KEY], "y");

    // Also that of a client that vanished while it waited.
    let headers = [("Idempotency-Key", "k 2"), ("Prefer", "wait=60")];
    let send = request("POST", "/v1/queues/q/messages", &headers, b"x");
    drop(service.park_call("q", "/counts/waiting_sends", &send));
    service.wait_for("q", "/counts/waiting_sends", 0);
    assert_eq!(service.drain("q"), ["y"]);
    service.send_with("q", &headers[..1], "z");
}

#[test]
fn a_key_is_forgotten_after_the_window_of_its_queue() {
    let mut service = Service::with_queue(json!({"idempotency_window": "1s"}));
    let first = service.send_with("q", &[KEY], "x");
    // A message that expires a little after the key does: no clock of the test's own is asked.
    service.send_with("q", &[("Queue-TTL", "1100ms")], "later");
    assert_eq!(service.send_with("q", &[KEY], "x"), first);
    service.wait_for("q", "/totals/expired", 1);
    assert_ne!(service.send_with("q", &[KEY], "x"), first);
    assert_eq!(service.drain("q"), ["x", "x"]);
}
