//! Two faces on one queue: what one puts in comes whole out of the other.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::{RAW, Service, receipt};

/// What the classic routes say: size, empty, full.
#[track_caller]
fn assert_classic(service: &mut Service, size: u64, capacity: u64, full: bool) {
    let empty = size == 0;
    let client = &mut service.client;
    client.get("/size").assert_json(&format!("{{\"size\":{size}}}"));
    client.get("/capacity").assert_json(&format!("{{\"capacity\":{capacity}}}"));
    client.get("/isEmpty").assert_json(&format!("{{\"isEmpty\":{empty}}}"));
    client.get("/isFull").assert_json(&format!("{{\"isFull\":{full}}}"));
    client.get("/status").assert_json(&format!(
        "{{\"status\":\"OK\",\"size\":{size},\"capacity\":{capacity},\"isEmpty\":{empty},\"isFull\":{full}}}"
    ));
}

#[test]
fn a_classic_event_is_a_message_of_text() {
    let mut service = Service::start();
    for event in ["hello", "", "ä\u{1f600}\"\\\n\u{0}", "{\"a\":1}"] {
        service.client.put(event);
        let message = service.receive_one("default", "");
        assert_eq!(message["body"], event);
        assert_eq!(message["content_type"], "text/plain; charset=utf-8");
        assert_eq!(service.ack("default", &receipt(&message)).status, 204);
        service.client.put(event);
        let raw = service.call("POST", "/v1/queues/default/receive?lease=0", &[RAW], "");
        assert_eq!(raw.text(), event);
    }
}

#[test]
fn a_message_of_text_is_a_classic_event() {
    let mut service = Service::start();
    for body in ["hello", "", "ä\u{1f600}\"\\\n\u{0}", "{\"event\":\"x\"}"] {
        service.send("default", body);
        let answer = service.client.dequeue();
        assert_eq!((answer.status, answer.event().as_str()), (200, body));
        assert!(answer.json().get("encoding").is_none(), "{}", answer.text());
    }
    service.client.dequeue().assert_error(500, "cannot dequeue from an empty buffer");
}

#[test]
fn a_message_of_other_bytes_is_a_classic_event_in_base64() {
    let mut service = Service::start();
    let bytes: Vec<u8> = (0..=255).collect();
    service.send("default", &bytes);
    let answer = service.client.dequeue();
    let text = BASE64_STANDARD.encode(&bytes);
    answer.assert_json(&format!(
        "{{\"message\":\"Successfully dequeued event\",\"event\":\"{text}\",\"encoding\":\"base64\"}}"
    ));
}

#[test]
fn order_holds_across_the_faces() {
    let mut service = Service::start();
    for number in 0..10 {
        match number % 2 {
            0 => service.client.put(&number.to_string()),
            _ => drop(service.send("default", number.to_string())),
        }
    }
    for number in 0..10 {
        let event = match number % 3 {
            0 => service.client.take().expect("it is there"),
            _ => super::text(&service.receive_one("default", "?lease=0")["body"]),
        };
        assert_eq!(event, number.to_string());
    }
}

#[test]
fn classic_counts_tell_what_a_dequeue_could_return_and_whether_an_enqueue_would_be_refused() {
    let mut service = Service::start_with(&["--capacity", "3"]);
    assert_classic(&mut service, 0, 3, false);
    service.client.put("in flight");
    let held = receipt(&service.receive_one("default", "?lease=1h"));
    assert_classic(&mut service, 0, 3, false);
    assert_eq!(service.client.take(), None);

    service.send_with("default", &[("Queue-Delay", "1h")], "delayed");
    assert_classic(&mut service, 0, 3, false);
    service.client.put("ready");
    assert_classic(&mut service, 1, 3, true);
    service.client.enqueue("x").assert_error(500, "cannot enqueue to a full buffer");
    assert_eq!(service.client.take().as_deref(), Some("ready"));
    assert_classic(&mut service, 0, 3, false);

    service.client.put("ready");
    assert_eq!(service.ack("default", &held).status, 204);
    assert_classic(&mut service, 1, 3, false);
    service.client.put("more");
    assert_classic(&mut service, 2, 3, true);
    assert_eq!(service.server.drain(), ["ready", "more"]);
}

#[test]
fn a_message_that_comes_back_is_dequeued_first() {
    let mut service = Service::start();
    service.send("default", "a");
    service.client.put("b");
    let held = receipt(&service.receive_one("default", ""));
    assert_eq!(service.release("default", &held, "").status, 204);
    assert_eq!(service.server.drain(), ["a", "b"]);
}

#[test]
fn settings_of_the_default_queue_hold_for_the_classic_routes() {
    let mut service = Service::start();
    assert_eq!(service.put("default", json!({"capacity": 2, "max_message_bytes": 5})).status, 200);
    let too_large = service.client.enqueue("123456");
    assert!(too_large.assert_error_line(413).contains('5'), "{}", too_large.text());
    service.client.put("1");
    service.client.put("2");
    assert_classic(&mut service, 2, 2, true);
    assert_eq!(service.put("default", json!({"overflow": "drop_oldest"})).status, 200);
    service.client.put("3");
    assert_eq!(service.server.drain(), ["2", "3"]);
}

#[test]
fn a_classic_event_waits_for_its_delay() {
    let mut service = Service::start();
    assert_eq!(service.put("default", json!({"delay": "1h"})).status, 200);
    service.client.put("x");
    assert_classic(&mut service, 0, 1024, false);
    assert_eq!(service.client.take(), None);
}

#[test]
fn a_paused_queue_is_empty_for_a_dequeue() {
    let mut service = Service::start();
    service.client.put("x");
    service.post("/v1/queues/default/pause", "");
    assert_eq!(service.client.take(), None);
    service.client.put("y");
    service.post("/v1/queues/default/resume", "");
    assert_eq!(service.server.drain(), ["x", "y"]);
}

#[test]
fn a_classic_event_does_not_pass_a_send_that_waits() {
    let mut service = Service::start_with(&["--capacity", "1"]);
    service.client.put("first");
    let mut waiting = service.park_send("default", "second");
    service.client.enqueue("x").assert_error(500, "cannot enqueue to a full buffer");
    assert_eq!(service.client.take().as_deref(), Some("first"));
    assert_eq!(waiting.answer().status, 201);
    assert_eq!(service.client.take().as_deref(), Some("second"));
}
