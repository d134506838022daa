//! Full: which bound, when to come back, and what is dropped instead where that is asked for.

use serde_json::json;

use super::{NONE, Service, assert_retry_after, marks, receipt};

#[test]
fn a_queue_that_holds_all_it_may_refuses_and_names_the_bound() {
    let mut service = Service::with_queue(json!({"capacity": 2}));
    service.send("q", "a");
    service.send("q", "b");
    let refused = service.try_send("q", &[], "c");
    let problem = refused.assert_problem(429, "queue_full");
    assert_eq!((&problem["bound"], &problem["limit"]), (&json!("capacity"), &json!(2)));
    assert_eq!(marks(&refused), (2, 2));
    assert_retry_after(&refused);
    assert_eq!(service.drain("q"), ["a", "b"]);
    service.send("q", "c");
}

#[test]
fn what_is_in_flight_or_delayed_takes_its_place_too() {
    let mut service = Service::with_queue(json!({"capacity": 2}));
    service.send("q", "a");
    service.send_with("q", &[("Queue-Delay", "60")], "b");
    let message = service.receive_one("q", "");
    service.try_send("q", &[], "c").assert_problem(429, "queue_full");
    assert_eq!(service.ack("q", &receipt(&message)).status, 204);
    service.send("q", "c");
}

#[test]
fn the_bytes_of_a_queue_are_bounded_and_the_bound_is_named() {
    let mut service = Service::with_queue(json!({"max_bytes": 10}));
    service.send("q", "1234567");
    let refused = service.try_send("q", &[], "1234");
    let problem = refused.assert_problem(429, "queue_full");
    assert_eq!((&problem["bound"], &problem["limit"]), (&json!("max_bytes"), &json!(10)));
    assert_retry_after(&refused);
    service.send("q", "123");
    assert_eq!(service.number("q", "/counts/bytes"), 10);
    assert_eq!(service.receive_one("q", "?lease=0")["body"], "1234567");
    service.send("q", "1234");
}

#[test]
fn the_bytes_of_all_queues_are_bounded_and_the_bound_is_named() {
    let mut service = Service::start_with(&["--max-memory-bytes", "1000"]);
    service.create("one", json!({}));
    service.create("other", json!({}));
    service.send("one", "x".repeat(600));
    let refused = service.try_send("other", &[], "x".repeat(401));
    let problem = refused.assert_problem(503, "out_of_memory");
    assert_eq!((&problem["bound"], &problem["limit"]), (&json!("max_memory_bytes"), &json!(1000)));
    assert_retry_after(&refused);
    service.send("other", "x".repeat(400));
    // Not ready for more, which probes are told.
    assert_eq!(service.get("/readyz").status, 503);
    service.client.enqueue("x").assert_error(503, "the server has no room for more events");

    assert_eq!(service.post("/v1/queues/one/purge", "").status, 200);
    assert_eq!(service.get("/readyz").status, 200);
    service.send("other", "x".repeat(600));
    // What goes with its queue is room again as well.
    assert_eq!(service.call("DELETE", "/v1/queues/other", &[], "").status, 200);
    service.send("one", "x".repeat(1000));
}

#[test]
fn the_advice_when_to_come_back_follows_what_the_queue_lets_go() {
    let mut service = Service::with_queue(json!({"capacity": 1000}));
    let batch = json!(vec!["x"; 1000]);
    service.post_json("/v1/queues/q/messages/batch", batch.clone());
    // Nothing has ever left it.
    assert_eq!(assert_retry_after(&service.try_send("q", &[], "x")), 60);
    service.drain("q");
    service.post_json("/v1/queues/q/messages/batch", batch);
    // A thousand have just left it.
    assert_eq!(assert_retry_after(&service.try_send("q", &[], "x")), 1);
}

#[test]
fn the_oldest_is_dropped_and_counted_where_that_is_asked_for() {
    let mut service = Service::with_queue(json!({"capacity": 3, "overflow": "drop_oldest"}));
    for body in ["a", "b", "c", "d", "e"] {
        service.send("q", body);
    }
    assert_eq!(service.number("q", "/totals/dropped"), 2);
    assert_eq!(service.number("q", "/counts/depth"), 3);
    assert_eq!(service.drain("q"), ["c", "d", "e"]);
}

#[test]
fn the_oldest_are_dropped_until_the_bytes_fit() {
    let mut service = Service::with_queue(json!({"max_bytes": 10, "overflow": "drop_oldest"}));
    for body in ["1234", "1234", "12", "123456"] {
        service.send("q", body);
    }
    assert_eq!(service.number("q", "/totals/dropped"), 2);
    assert_eq!(service.drain("q"), ["12", "123456"]);
}

#[test]
fn what_is_in_flight_is_never_dropped() {
    let mut service = Service::with_queue(json!({"capacity": 2, "overflow": "drop_oldest"}));
    service.send("q", "a");
    service.send("q", "b");
    assert_eq!(service.receive("q", "?max=2").len(), 2);
    service.try_send("q", &[], "c").assert_problem(429, "queue_full");
    assert_eq!(service.number("q", "/totals/dropped"), 0);
}

#[test]
fn a_bound_on_messages_in_flight_holds_back_receives_until_one_is_done() {
    let mut service = Service::with_queue(json!({"max_in_flight": 2}));
    for body in ["a", "b", "c"] {
        service.send("q", body);
    }
    let first = service.receive("q", "?max=10");
    assert_eq!(first.len(), 2);
    assert_eq!(service.receive("q", ""), NONE);
    let mut poll = service.park("q", "?wait=60");
    assert_eq!(service.ack("q", &receipt(&first[1])).status, 204);
    assert_eq!(super::bodies(&super::messages(&poll.answer())), ["c"]);
}
