//! What an operator does to a queue: purge, pause, resume.

use serde_json::json;

use super::{NONE, Service, bodies, marks, messages, receipt};

#[test]
fn a_purge_removes_everything_wherever_it_is() {
    let mut service = Service::with_queue(json!({"capacity": 5}));
    for body in ["a", "b", "c"] {
        service.send("q", body);
    }
    service.send_with("q", &[("Queue-Delay", "60")], "delayed");
    let held = receipt(&service.receive_one("q", ""));
    let purged = service.post("/v1/queues/q/purge", "");
    assert_eq!((purged.status, purged.json()), (200, json!({"purged": 4})));
    assert_eq!(marks(&purged), (0, 5));
    let counts = service.describe("q")["counts"].take();
    for count in ["depth", "ready", "in_flight", "delayed", "bytes"] {
        assert_eq!(counts[count], 0, "{counts}");
    }
    service.ack("q", &held).assert_problem(410, "message_gone");
    assert_eq!(service.post("/v1/queues/q/purge", "").json(), json!({"purged": 0}));
    for body in ["1", "2", "3", "4", "5"] {
        service.send("q", body);
    }
    assert_eq!(service.drain("q"), ["1", "2", "3", "4", "5"]);
}

#[test]
fn a_paused_queue_takes_messages_and_gives_none() {
    let mut service = Service::with_queue(json!({}));
    service.send("q", "a");
    let held = receipt(&service.receive_one("q", ""));
    let paused = service.post("/v1/queues/q/pause", "");
    assert_eq!(paused.json(), json!({"paused": true, "changed": true}));
    marks(&paused);
    let again = service.post("/v1/queues/q/pause", "");
    assert_eq!(again.json(), json!({"paused": true, "changed": false}));
    assert_eq!(service.describe("q")["paused"], true);

    service.send("q", "b");
    assert_eq!(service.receive("q", ""), NONE);
    assert_eq!(service.receive("q", "?wait=0.02"), NONE);
    // What was received before can be finished, and what is there can be looked at.
    assert_eq!(service.ack("q", &held).status, 204);
    assert_eq!(bodies(&messages(&service.get("/v1/queues/q/messages"))), ["b"]);

    let resumed = service.post("/v1/queues/q/resume", "");
    assert_eq!(resumed.json(), json!({"paused": false, "changed": true}));
    let again = service.post("/v1/queues/q/resume", "");
    assert_eq!(again.json(), json!({"paused": false, "changed": false}));
    assert_eq!(service.drain("q"), ["b"]);
}

#[test]
fn the_classic_routes_tell_what_a_paused_queue_gives() {
    let mut service = Service::start_with(&["--capacity", "1"]);
    service.send("default", "x");
    service.post("/v1/queues/default/pause", "");
    service.get("/size").assert_json(r#"{"size":0}"#);
    service.get("/isEmpty").assert_json(r#"{"isEmpty":true}"#);
    service.get("/isFull").assert_json(r#"{"isFull":true}"#);
    let status = r#"{"status":"OK","size":0,"capacity":1,"isEmpty":true,"isFull":true}"#;
    service.get("/status").assert_json(status);
    assert_eq!(service.client.take(), None);
    service.post("/v1/queues/default/resume", "");
    service.get("/size").assert_json(r#"{"size":1}"#);
    assert_eq!(service.client.take().as_deref(), Some("x"));
}

#[test]
fn a_poll_parked_at_a_paused_queue_is_served_when_it_goes_on() {
    let mut service = Service::with_queue(json!({}));
    let mut early = service.park("q", "?wait=60");
    service.post("/v1/queues/q/pause", "");
    let mut late = service.park("q", "?wait=60");
    service.send("q", "a");
    service.send("q", "b");
    assert_eq!(service.number("q", "/counts/waiting_receives"), 2);
    service.post("/v1/queues/q/resume", "");
    assert_eq!(bodies(&messages(&early.answer())), ["a"]);
    assert_eq!(bodies(&messages(&late.answer())), ["b"]);
}

#[test]
fn a_change_of_settings_leaves_a_queue_paused() {
    let mut service = Service::with_queue(json!({}));
    service.post("/v1/queues/q/pause", "");
    assert_eq!(service.put("q", json!({"lease": "5s"})).json()["paused"], true);
    assert_eq!(service.get("/v1/queues?prefix=q").json()["queues"][0]["paused"], true);
}
