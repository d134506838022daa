//! What takes time is measured once for each message that it is about.

use serde_json::json;

use super::Service;
use super::page::Page;
use crate::support::client::request;

const TIMES: [&str; 3] = ["time_in_queue_seconds", "lease_seconds", "wake_latency_seconds"];

/// How many values each histogram of a queue has.
fn counts(page: &Page, queue: &str) -> [f64; 3] {
    TIMES.map(|name| page.of_queue(&format!("{name}_count"), queue))
}

#[test]
fn the_time_in_queue_is_that_until_the_first_delivery() {
    let mut service = Service::with_queue(json!({}));
    service.post("/v1/queues/q/messages/batch", "[\"a\",\"b\",\"c\"]");
    let receipt = service.receive("q", "").remove(0);
    assert_eq!(counts(&service.page(), "q"), [1.0, 0.0, 0.0]);
    service.post(&format!("/v1/queues/q/leases/{receipt}/release"), "");
    let receipts = service.receive("q", "?max=3");
    assert_eq!(counts(&service.page(), "q"), [3.0, 0.0, 0.0]);
    service.ack("q", &receipts[0]);
    let rest = json!({ "receipts": receipts[1..] }).to_string();
    service.post("/v1/queues/q/leases/ack", rest);
    assert_eq!(counts(&service.page(), "q"), [3.0, 3.0, 0.0]);
    // What is taken for good has no lease.
    service.send("q");
    service.receive("q", "?lease=0");
    service.client.put("classic");
    service.client.take();
    let page = service.page();
    assert_eq!((counts(&page, "q"), counts(&page, "default")), ([4.0, 3.0, 0.0], [1.0, 0.0, 0.0]));
}

#[test]
fn a_message_that_waited_waited_for_so_long() {
    let mut service = Service::with_queue(json!({}));
    // Nothing is received before its delay is over, and that is a part of the time.
    assert_eq!(service.try_send("q", &[("Queue-Delay", "300ms")], "later"), 201);
    let receipt = service.receive("q", "?wait=20").remove(0);
    let page = service.page();
    let sum = page.of_queue("time_in_queue_seconds_sum", "q");
    assert!(sum >= 0.3, "{sum}");
    let early = [("queue", "q"), ("le", "0.25")];
    assert_eq!(page.value("ringmq_queue_time_in_queue_seconds_bucket", &early), 0.0);
    service.ack("q", &receipt);
    assert_eq!(counts(&service.page(), "q")[1], 1.0);
}

#[test]
fn only_a_receive_that_was_parked_is_woken() {
    let mut service = Service::with_queue(json!({}));
    service.send("q");
    service.receive("q", "?wait=20");
    assert_eq!(counts(&service.page(), "q")[2], 0.0);
    for woken in 1..=3 {
        let mut waiting = service.server.client();
        waiting.send(request("POST", "/v1/queues/q/receive?wait=60", &[], b""));
        service.page_when(|page| page.of_queue("parked_receivers", "q") > 0.0);
        service.send("q");
        assert_eq!(waiting.answer().status, 200);
        let page = service.page();
        assert_eq!(counts(&page, "q")[2], f64::from(woken));
        assert!(page.of_queue("wake_latency_seconds_sum", "q") > 0.0);
    }
    // One whose time is over was not woken by a message.
    service.receive("default", "?wait=1ms");
    assert_eq!(counts(&service.page(), "default")[2], 0.0);
}

#[test]
fn the_oldest_message_is_as_old_as_it_was_sent_ago() {
    let mut service = Service::with_queue(json!({}));
    let age = |page: &Page| page.of_queue("oldest_ready_age_seconds", "q");
    assert_eq!(age(&service.page()), 0.0);
    (0..40).for_each(|_| service.send("q"));
    let aged = service.page_when(|page| age(page) >= 0.05);
    // It is known from the last time, and does not change but by getting older.
    assert!(age(&service.page()) >= age(&aged));
    // With a consumer it is not in line; given back it is the oldest again, older than those behind it.
    let receipt = service.receive("q", "").remove(0);
    let behind = age(&service.page());
    assert!(behind > 0.0);
    service.post(&format!("/v1/queues/q/leases/{receipt}/release"), "");
    assert!(age(&service.page()) >= behind);
    service.post("/v1/queues/q/purge", "");
    assert_eq!(age(&service.page()), 0.0);
}
