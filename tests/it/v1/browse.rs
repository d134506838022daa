//! Looking at messages without receiving them.

use serde_json::json;

use super::{NONE, Service, bodies, marks, messages};

#[test]
fn browsing_shows_the_front_of_the_line_and_changes_nothing() {
    let mut service = Service::with_queue(json!({"capacity": 20}));
    let all: Vec<_> = (0..12).map(|number| number.to_string()).collect();
    let ids: Vec<_> = all.iter().map(|body| service.send("q", body)).collect();
    let before = service.describe("q");
    for _ in 0..3 {
        let looks = service.get("/v1/queues/q/messages");
        assert_eq!(marks(&looks), (12, 20));
        assert_eq!(bodies(&messages(&looks)), all[..10]);
        assert_eq!(bodies(&messages(&service.get("/v1/queues/q/messages?max=3"))), all[..3]);
        let looks = messages(&service.get("/v1/queues/q/messages?max=1000"));
        assert_eq!(bodies(&looks), all);
        for (look, id) in looks.iter().zip(&ids) {
            assert_eq!((&look["id"], &look["receive_count"]), (&json!(id), &json!(0)));
            assert!(look.get("receipt").is_none(), "{look}");
        }
    }
    let after = service.describe("q");
    assert_eq!((&before["counts"], &before["totals"]), (&after["counts"], &after["totals"]));
    let received = service.receive("q", "?max=1000");
    assert_eq!(bodies(&received), all);
    assert!(received.iter().all(|message| message["receive_count"] == 1), "{received:?}");
}

#[test]
fn browsing_shows_only_what_is_in_line() {
    let mut service = Service::with_queue(json!({}));
    service.send("q", "in flight");
    service.send("q", "ready");
    service.send_with("q", &[("Queue-Delay", "60")], "delayed");
    service.receive_one("q", "");
    assert_eq!(bodies(&messages(&service.get("/v1/queues/q/messages"))), ["ready"]);
}

#[test]
fn an_empty_queue_shows_nothing() {
    let mut service = Service::with_queue(json!({}));
    assert_eq!(messages(&service.get("/v1/queues/q/messages")), NONE);
}

#[test]
fn the_number_to_browse_is_bounded() {
    let mut service = Service::with_queue(json!({}));
    for max in ["0", "1001", "x", ""] {
        let refused = service.get(&format!("/v1/queues/q/messages?max={max}"));
        assert_eq!(refused.assert_problem(400, "invalid_parameter")["field"], "max");
    }
}

#[test]
fn the_bytes_to_browse_are_bounded() {
    let mut service = Service::with_queue(json!({}));
    for _ in 0..20 {
        service.send("q", "x".repeat(1_000_000));
    }
    assert_eq!(messages(&service.get("/v1/queues/q/messages?max=1000")).len(), 16);
}

#[test]
fn the_oldest_age_is_that_of_the_first_in_line() {
    let mut service = Service::with_queue(json!({}));
    service.send_with("q", &[("Queue-Delay", "50ms")], "x");
    service.wait_for("q", "/counts/ready", 1);
    let age = service.number("q", "/oldest_age_ms");
    assert!((50..30_000).contains(&age), "{age}");
}
