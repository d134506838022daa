//! Sends that wait for room.

use serde_json::json;

use super::{Service, assert_retry_after, marks, receipt};

const WAIT: [(&str, &str); 1] = [("Prefer", "wait=60")];

#[test]
fn a_send_that_need_not_wait_does_not() {
    let mut service = Service::with_queue(json!({"capacity": 1}));
    assert_eq!(service.try_send("q", &WAIT, "x").status, 201);
}

#[test]
fn sends_that_wait_are_served_in_order_of_arrival() {
    let mut service = Service::with_queue(json!({"capacity": 1}));
    service.send("q", "first");
    let mut second = service.park_send("q", "second");
    let mut third = service.park_send("q", "third");
    assert_eq!(service.receive_one("q", "?lease=0")["body"], "first");
    let answer = second.answer();
    assert_eq!((answer.status, marks(&answer)), (201, (1, 1)));
    assert_eq!(service.number("q", "/counts/waiting_sends"), 1);
    assert_eq!(service.receive_one("q", "?lease=0")["body"], "second");
    let answer = third.answer();
    assert_eq!(answer.status, 201);
    let location = answer.header("location").expect("a location").to_owned();
    assert_eq!(service.get(&location).json()["body"], "third");
    assert_eq!(service.drain("q"), ["third"]);
}

#[test]
fn a_send_that_does_not_wait_passes_nobody_who_does() {
    let mut service = Service::with_queue(json!({"max_bytes": 10}));
    service.send("q", "12345");
    let mut large = service.park_send("q", "1234567890");
    // It would fit.
    service.try_send("q", &[], "1").assert_problem(429, "queue_full");
    service.drain("q");
    assert_eq!(large.answer().status, 201);
}

#[test]
fn everything_that_makes_room_serves_a_send_that_waits() {
    let mut service = Service::with_queue(json!({"capacity": 1}));
    let purge = |service: &mut Service| {
        assert_eq!(service.post("/v1/queues/q/purge", "").status, 200);
    };
    let ack = |service: &mut Service| {
        let message = service.receive_one("q", "");
        assert_eq!(service.ack("q", &receipt(&message)).status, 204);
    };
    let grow = |service: &mut Service| {
        assert_eq!(service.put("q", json!({"capacity": 2})).status, 200);
    };
    let dead = |service: &mut Service| {
        assert_eq!(service.put("q", json!({"max_receives": 1})).status, 200);
        let message = service.receive_one("q", "");
        assert_eq!(service.release("q", &receipt(&message), "").status, 204);
    };
    let drop_oldest = |service: &mut Service| {
        assert_eq!(service.put("q", json!({"overflow": "drop_oldest"})).status, 200);
    };
    let ways: [fn(&mut Service); 5] = [purge, ack, grow, dead, drop_oldest];
    for (way, make_room) in ways.into_iter().enumerate() {
        assert_eq!(service.post("/v1/queues/q/purge", "").status, 200);
        let anew = json!({"capacity": 1, "overflow": null, "max_receives": null});
        assert_eq!(service.put("q", anew).status, 200);
        service.send("q", "x");
        let mut waiting = service.park_send("q", "y");
        make_room(&mut service);
        assert_eq!(waiting.answer().status, 201, "{way}");
    }
}

#[test]
fn the_end_of_a_message_serves_a_send_that_waits() {
    let mut service = Service::with_queue(json!({"capacity": 1}));
    service.send_with("q", &[("Queue-TTL", "100ms")], "x");
    assert_eq!(service.try_send("q", &WAIT, "y").status, 201);
    assert_eq!(service.drain("q"), ["y"]);
}

#[test]
fn a_wait_without_room_ends_in_a_refusal_that_names_the_bound() {
    let mut service = Service::start_with(&["--max-memory-bytes", "100"]);
    service.create("count", json!({"capacity": 1}));
    service.create("bytes", json!({"max_bytes": 10}));
    service.send("count", "x");
    service.send("bytes", "x".repeat(9));
    service.send("default", "x".repeat(90));
    for (queue, status, code, bound) in [
        ("count", 429, "queue_full", "capacity"),
        ("bytes", 429, "queue_full", "max_bytes"),
        ("default", 503, "out_of_memory", "max_memory_bytes"),
    ] {
        for wait in ["wait=0.05", "wait=\"0.05\"; x, respond-async"] {
            let refused = service.try_send(queue, &[("Prefer", wait)], "xx");
            let problem = refused.assert_problem(status, code);
            assert_eq!(problem["bound"], bound, "{problem}");
            assert_retry_after(&refused);
        }
        let by_parameter = service.post(&format!("/v1/queues/{queue}/messages?wait=50ms"), "xx");
        by_parameter.assert_problem(status, code);
        assert_eq!(service.number(queue, "/counts/waiting_sends"), 0);
    }
}

#[test]
fn a_refusal_beside_a_send_that_waits_names_the_bound() {
    let mut service = Service::with_queue(json!({"max_bytes": 10}));
    service.send("q", "123456789");
    let _waiting = service.park_send("q", "1234567890");
    let problem = service.try_send("q", &[], "12").assert_problem(429, "queue_full");
    assert_eq!(problem["bound"], "max_bytes", "{problem}");
}

#[test]
fn a_client_that_vanishes_while_its_send_waits_sends_nothing() {
    let mut service = Service::with_queue(json!({"capacity": 1}));
    service.send("q", "kept");
    let gone = service.park_send("q", "gone");
    let mut stays = service.park_send("q", "stays");
    drop(gone);
    service.wait_for("q", "/counts/waiting_sends", 1);
    assert_eq!(service.receive_one("q", "?lease=0")["body"], "kept");
    assert_eq!(stays.answer().status, 201);
    assert_eq!(service.drain("q"), ["stays"]);
}

#[test]
fn a_preference_that_is_none_is_no_error() {
    let mut service = Service::with_queue(json!({"capacity": 1}));
    service.send("q", "x");
    for preference in ["wait", "wait=", "wait=soon", "wait=-1", "wait=0", "x=1", ""] {
        let refused = service.try_send("q", &[("Prefer", preference)], "y");
        refused.assert_problem(429, "queue_full");
    }
}

#[test]
fn a_send_that_waits_for_memory_is_served_when_another_queue_lets_go_of_some() {
    let mut service = Service::start_with(&["--max-memory-bytes", "100"]);
    service.create("one", json!({}));
    service.create("other", json!({}));
    service.send("one", "x".repeat(90));
    let mut waiting = service.park_send("other", &"y".repeat(50));
    service.drain("one");
    assert_eq!(waiting.answer().status, 201);
}
