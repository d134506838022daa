//! Dead letters on their way back.

use std::time::Instant;

use serde_json::{Value, json};

use super::{Service, assert_retry_after, marks, receipt};

/// A service in whose queue `dead` these messages of the queue `q` are.
fn dead(bodies: &[&str]) -> Service {
    let mut service = Service::start();
    service.create("dead", json!({}));
    let capacity = bodies.len();
    service.create("q", json!({"capacity": capacity, "max_receives": 1, "dead_letter": "dead"}));
    for body in bodies {
        service.send_with("q", &[("Queue-Attr-a", "1")], body);
    }
    let receipts: Vec<_> = service.receive("q", "?max=1000").iter().map(receipt).collect();
    service.post_json("/v1/queues/q/leases/release", json!({ "receipts": receipts }));
    assert_eq!(service.number("dead", "/counts/ready"), bodies.len() as u64);
    service
}

fn redrive(service: &mut Service, body: &Value) -> Value {
    let answer = service.post_json("/v1/queues/dead/redrive", body.clone());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn dead_letters_go_back_to_where_they_came_from_in_order() {
    let mut service = dead(&["a", "b", "c"]);
    let answer = service.post("/v1/queues/dead/redrive", "");
    assert_eq!(answer.json(), json!({"moved": 3, "stopped_by": null}));
    assert_eq!(marks(&answer).0, 0);
    let messages = service.receive("q", "?max=10");
    assert_eq!(super::bodies(&messages), ["a", "b", "c"]);
    for message in messages {
        // As if they had never been away.
        assert_eq!(message["attributes"], json!({"a": "1"}));
        assert_eq!(message["receive_count"], 1);
    }
    assert_eq!(redrive(&mut service, &json!({}))["moved"], 0);
}

#[test]
fn dead_letters_go_to_a_named_queue() {
    let mut service = dead(&["a", "b"]);
    service.create("other", json!({"delay": "1h"}));
    assert_eq!(redrive(&mut service, &json!({"to": "other"}))["moved"], 2);
    // At once, whatever the delay of what is sent there.
    assert_eq!(service.drain("other"), ["a", "b"]);
    assert_eq!(service.number("q", "/counts/depth"), 0);
}

#[test]
fn no_more_go_back_than_are_asked_for() {
    let mut service = dead(&["a", "b", "c"]);
    assert_eq!(redrive(&mut service, &json!({"max": 0}))["moved"], 0);
    assert_eq!(redrive(&mut service, &json!({"max": 2}))["moved"], 2);
    assert_eq!(service.drain("q"), ["a", "b"]);
    assert_eq!(redrive(&mut service, &json!({"max": 5}))["moved"], 1);
}

#[test]
fn they_go_back_no_faster_than_is_asked_for() {
    let mut service = dead(&["a", "b", "c", "d"]);
    let began = Instant::now();
    assert_eq!(redrive(&mut service, &json!({"rate": 20}))["moved"], 4);
    // The first at once, each of the others a twentieth of a second later.
    assert!(began.elapsed().as_millis() >= 149, "{:?}", began.elapsed());
}

#[test]
fn a_redrive_ends_where_its_target_is_full_and_says_so() {
    let mut service = dead(&["a", "b", "c"]);
    service.send("q", "new");
    let told = redrive(&mut service, &json!({}));
    assert_eq!(told["moved"], 2, "{told}");
    let why = &told["stopped_by"];
    assert_eq!(
        (&why["status"], &why["code"], &why["bound"]),
        (&json!(429), &json!("queue_full"), &json!("capacity"))
    );
    // The others are where they were.
    assert_eq!(service.number("dead", "/counts/ready"), 1);

    let refused = service.post("/v1/queues/dead/redrive", "");
    refused.assert_problem(429, "queue_full");
    assert_retry_after(&refused);
    assert_eq!(service.drain("dead"), ["c"]);
    assert_eq!(service.drain("q"), ["new", "a", "b"]);
}

#[test]
fn a_redrive_of_what_is_no_dead_letter_needs_a_target() {
    let mut service = Service::with_queue(json!({}));
    service.create("dead", json!({}));
    service.send("dead", "x");
    let refused = service.post("/v1/queues/dead/redrive", "");
    assert_eq!(refused.assert_problem(422, "invalid_setting")["field"], "to");
    assert_eq!(redrive(&mut service, &json!({"to": "q"}))["moved"], 1);
    assert_eq!(service.drain("q"), ["x"]);
}

#[test]
fn what_makes_no_sense_is_refused_and_moves_nothing() {
    let mut service = dead(&["a"]);
    for (body, status, code) in [
        (json!({"to": "nowhere"}), 404, "queue_not_found"),
        (json!({"to": "a b"}), 400, "invalid_queue_name"),
        (json!({"to": "dead"}), 422, "invalid_setting"),
        (json!({"rate": 0}), 422, "invalid_setting"),
        (json!({"rate": -1}), 422, "invalid_setting"),
        (json!({"rate": 1e9}), 422, "invalid_setting"),
        (json!({"rate": "fast"}), 400, "invalid_body"),
        (json!({"max": -1}), 400, "invalid_body"),
        (json!({"maximum": 1}), 400, "invalid_body"),
    ] {
        let refused = service.post_json("/v1/queues/dead/redrive", body);
        refused.assert_problem(status, code);
    }
    service.post("/v1/queues/none/redrive", "").assert_problem(404, "queue_not_found");
    assert_eq!(service.number("dead", "/counts/ready"), 1);
}

#[test]
fn a_redrive_ends_with_its_client() {
    let mut service = dead(&["a", "b", "c"]);
    let mut gone = service.server.client();
    let slow = json!({"rate": 0.01}).to_string();
    gone.send(crate::support::client::post("/v1/queues/dead/redrive", slow.as_bytes()));
    service.wait_for("q", "/counts/ready", 1);
    drop(gone);
    // Nothing holds up the next one.
    assert_eq!(redrive(&mut service, &json!({}))["moved"], 2);
    assert_eq!(service.drain("q"), ["a", "b", "c"]);
}
