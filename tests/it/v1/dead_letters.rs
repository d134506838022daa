//! Messages that are received too often.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::{NONE, Service, bodies, marks, messages, receipt, text};

/// Receives the message `times` times, each lease being given up by `give_up`.
fn receive_in_vain(service: &mut Service, times: u64) {
    for number in 1..=times {
        let message = service.receive_one("q", "?wait=30");
        assert_eq!(message["receive_count"], number);
        assert_eq!(service.release("q", &receipt(&message), "").status, 204);
    }
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    now.as_millis().try_into().expect("for some more million years")
}

#[test]
fn a_queue_that_takes_the_letters_of_another_cannot_be_deleted() {
    let mut service = Service::start();
    service.create("dead", json!({"capacity": 7}));
    service.create("q", json!({"dead_letter": "dead"}));
    let refused = service.call("DELETE", "/v1/queues/dead", &[], "");
    let problem = refused.assert_problem(409, "queue_in_use");
    assert_eq!(problem["used_by"], "q");
    assert_eq!(marks(&refused), (0, 7));
    assert_eq!(service.put("q", json!({"dead_letter": null})).status, 200);
    assert_eq!(service.call("DELETE", "/v1/queues/dead", &[], "").status, 200);
}

#[test]
fn a_message_received_too_often_moves_to_the_dead_letter_queue_and_says_why() {
    let mut service = Service::start();
    service.create("dead", json!({}));
    service.create("q", json!({"max_receives": 3, "dead_letter": "dead"}));
    let headers = [("Content-Type", "image/png"), ("Queue-Attr-tenant", "acme")];
    let before = now_ms();
    service.send_with("q", &headers, [0xff]);
    receive_in_vain(&mut service, 3);
    // It moved with the last release.
    assert_eq!(service.receive("q", ""), NONE);
    let letter = service.receive_one("dead", "");
    assert_eq!(letter["body_base64"], "/w==");
    assert_eq!(letter["content_type"], "image/png");
    assert_eq!(letter["receive_count"], 1);
    let attributes = &letter["attributes"];
    assert_eq!(attributes["tenant"], "acme");
    assert_eq!(attributes["dead-letter-reason"], "max_receives");
    assert_eq!(attributes["dead-letter-receive-count"], "3");
    assert_eq!(attributes["dead-letter-source"], "q");
    let at: u64 = text(&attributes["dead-letter-at"]).parse().expect("milliseconds");
    assert!((before..=now_ms()).contains(&at), "{at}");
    let description = service.describe("q");
    assert_eq!(description["counts"]["depth"], 0);
    assert_eq!(description["totals"]["dead_letters"], 1);
    assert_eq!(description["totals"]["gone"], 1);
}

#[test]
fn leases_that_run_out_count_as_receives() {
    let mut service = Service::start();
    service.create("dead", json!({}));
    service.create("q", json!({"max_receives": 2, "dead_letter": "dead"}));
    service.send("q", "x");
    for _ in 0..2 {
        service.receive_one("q", "?lease=1ms&wait=30");
    }
    assert_eq!(bodies(&service.receive("dead", "?wait=30")), ["x"]);
    assert_eq!(service.number("q", "/totals/leases_run_out"), 2);
}

#[test]
fn without_a_dead_letter_queue_it_is_dropped_and_counted() {
    let mut service = Service::with_queue(json!({"max_receives": 1}));
    service.send("q", "x");
    let message = service.receive_one("q", "");
    assert_eq!(service.release("q", &receipt(&message), "?delay=1h").status, 204);
    let description = service.describe("q");
    assert_eq!(description["counts"]["depth"], 0, "{description}");
    assert_eq!(description["totals"]["dead_letters"], 1, "{description}");
    service.ack("q", &receipt(&message)).assert_problem(410, "message_gone");
}

#[test]
fn an_ack_in_time_keeps_a_message_from_being_dead() {
    let mut service = Service::with_queue(json!({"max_receives": 1}));
    service.send("q", "x");
    let message = service.receive_one("q", "");
    assert_eq!(service.ack("q", &receipt(&message)).status, 204);
    assert_eq!(service.number("q", "/totals/dead_letters"), 0);
}

#[test]
fn a_dead_letter_stays_in_its_queue_while_there_is_no_room_for_it() {
    let mut service = Service::start();
    service.create("dead", json!({"capacity": 1}));
    service.create("q", json!({"capacity": 2, "max_receives": 1, "dead_letter": "dead"}));
    service.send("dead", "first");
    service.send("q", "second");
    let message = service.receive_one("q", "");
    assert_eq!(service.release("q", &receipt(&message), "").status, 204);
    // In neither line, but held and counted.
    let description = service.describe("q");
    assert_eq!(description["counts"]["depth"], 1, "{description}");
    assert_eq!(description["totals"]["dead_letters"], 0, "{description}");
    assert_eq!(service.receive("q", ""), NONE);
    // There is room now, which it finds by itself.
    let mut poll = {
        assert_eq!(service.drain("dead"), ["first"]);
        service.park("dead", "?wait=60")
    };
    assert_eq!(bodies(&messages(&poll.answer())), ["second"]);
    assert_eq!(service.number("q", "/counts/depth"), 0);
}

#[test]
fn a_message_that_dies_twice_says_only_where_it_died_last() {
    let mut service = Service::start();
    service.create("last", json!({}));
    service.create("dead", json!({"max_receives": 1, "dead_letter": "last"}));
    service.create("q", json!({"max_receives": 1, "dead_letter": "dead"}));
    service.send_with("q", &[("Queue-Attr-a", "1")], "x");
    for queue in ["q", "dead"] {
        let message = service.receive_one(queue, "");
        assert_eq!(service.release(queue, &receipt(&message), "").status, 204);
    }
    let letter = service.receive_one("last", "");
    let attributes = letter["attributes"].as_object().expect("attributes");
    assert_eq!(attributes.len(), 5, "{letter}");
    assert_eq!(attributes["dead-letter-source"], "dead");
}

#[test]
fn the_attributes_of_a_dead_letter_are_headers_of_a_raw_receive() {
    let mut service = Service::start();
    service.create("dead", json!({}));
    service.create("q", json!({"max_receives": 1, "dead_letter": "dead"}));
    service.send("q", "x");
    receive_in_vain(&mut service, 1);
    let raw = service.call("POST", "/v1/queues/dead/receive", &[super::RAW], "");
    assert_eq!(raw.header("queue-attr-dead-letter-source"), Some("q"));
    assert_eq!(raw.header("queue-attr-dead-letter-receive-count"), Some("1"));
}
