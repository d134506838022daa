//! Each counter goes up by what happened and by nothing else, whichever face it happened through.

use nix::sys::signal::Signal;
use serde_json::json;

use super::Service;
use super::page::{Format, Page};
use crate::support::client::request;

#[test]
fn sends_receives_and_acks_of_the_v1_face() {
    let mut service = Service::with_queue(json!({}));
    service.send("q");
    service.post("/v1/queues/q/messages/batch", "[\"a\",\"b\",\"c\",\"d\"]");
    assert_eq!(service.counters("q"), json!({"sent": 5}));
    let one = service.receive("q", "");
    let two = service.receive("q", "?max=2");
    assert_eq!(service.counters("q"), json!({"sent": 5, "received": 3}));
    service.ack("q", &one[0]);
    service.post("/v1/queues/q/leases/ack", json!({ "receipts": two }).to_string());
    assert_eq!(service.counters("q"), json!({"sent": 5, "received": 3, "acked": 3}));
    // Taken for good at once.
    assert_eq!(service.receive("q", "?max=10&lease=0").len(), 2);
    assert_eq!(service.counters("q"), json!({"sent": 5, "received": 5, "acked": 5}));
    let totals = service.totals("q");
    assert_eq!((&totals["received"], &totals["acked"]), (&json!(5), &json!(5)));
    // Nothing happened to others.
    assert_eq!(service.counters("default"), json!({}));
}

#[test]
fn sends_and_receives_of_the_classic_face() {
    let mut service = Service::start_with(&["--capacity", "2"]);
    service.client.put("one");
    service.client.put("two");
    assert_eq!(service.client.enqueue("three").status, 500);
    assert_eq!(service.client.take().as_deref(), Some("one"));
    assert_eq!(service.counters("default"), json!({"sent": 2, "received": 1, "acked": 1}));
    assert_eq!(service.refusals("default"), json!({"full": 1}));
}

#[test]
fn sends_receives_and_deletes_of_the_sqs_face() {
    let mut service = Service::start_with(&[]);
    let url = service.sqs("CreateQueue", json!({"QueueName": "q"})).json()["QueueUrl"].take();
    service.sqs("SendMessage", json!({"QueueUrl": url, "MessageBody": "one"}));
    let entry = |id: &str| json!({"Id": id, "MessageBody": id});
    let entries = json!([entry("a"), entry("b"), entry("c")]);
    service.sqs("SendMessageBatch", json!({"QueueUrl": url, "Entries": entries}));
    let receive = json!({"QueueUrl": url, "MaxNumberOfMessages": 10});
    let received = service.sqs("ReceiveMessage", receive).json();
    let handle = &received["Messages"][0]["ReceiptHandle"];
    assert_eq!(service.counters("q"), json!({"sent": 4, "received": 4}));
    service.sqs("DeleteMessage", json!({"QueueUrl": url, "ReceiptHandle": handle}));
    let handle = &received["Messages"][1]["ReceiptHandle"];
    let visible = json!({"QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 0});
    service.sqs("ChangeMessageVisibility", visible);
    assert_eq!(service.counters("q"), json!({"sent": 4, "received": 4, "acked": 1, "released": 1}));
}

#[test]
fn what_comes_back_and_what_is_never_received() {
    let mut service = Service::with_queue(json!({"max_receives": 2, "dead_letter": null}));
    service.create("dead", json!({}));
    service.create("q", json!({"dead_letter": "dead"}));
    service.send("q");
    let receipt = service.receive("q", "").remove(0);
    service.post(&format!("/v1/queues/q/leases/{receipt}/release"), "");
    assert_eq!(service.counters("q"), json!({"sent": 1, "received": 1, "released": 1}));
    service.receive("q", "?lease=1ms");
    let page = service.page_when(|page| page.of_queue("dead_lettered_messages_total", "q") > 0.0);
    assert_eq!(page.of_queue("lease_expirations_total", "q"), 1.0);
    assert_eq!(
        service.counters("q"),
        json!({"sent": 1, "received": 2, "released": 1, "lease_expirations": 1, "dead_lettered": 1})
    );
    assert_eq!(service.counters("dead"), json!({"sent": 1}));
    service.post("/v1/queues/dead/redrive", "{}");
    assert_eq!(service.counters("dead"), json!({"sent": 1, "redriven": 1}));
    service.post("/v1/queues/q/purge", "");
    assert_eq!(service.totals("q")["purged"], json!(1));

    service.create("brief", json!({"ttl": "1ms"}));
    service.send("brief");
    service.page_when(|page| page.of_queue("expired_messages_total", "brief") > 0.0);
    assert_eq!(service.counters("brief"), json!({"sent": 1, "expired": 1}));

    service.create("small", json!({"capacity": 1, "overflow": "drop_oldest"}));
    (0..3).for_each(|_| service.send("small"));
    assert_eq!(service.counters("small"), json!({"sent": 3, "dropped": 2}));
}

#[test]
fn sends_that_are_refused_are_counted_by_reason_once_each() {
    let mut service = Service::start_with(&["--max-memory-bytes", "3000"]);
    service.create("q", json!({"capacity": 2, "max_bytes": 1000, "max_message_bytes": 500}));
    let key = ("Idempotency-Key", "k");
    assert_eq!(service.try_send("q", &[key], "first"), 201);
    assert_eq!(service.try_send("q", &[key], "first"), 201);
    assert_eq!(service.refusals("q"), json!({}));
    assert_eq!(service.try_send("q", &[key], "other"), 422);
    assert_eq!(service.try_send("q", &[], &"x".repeat(501)), 413);
    service.send("q");
    assert_eq!(service.try_send("q", &[], "full"), 429);
    // Who waits for room and gets it is not refused; who waits in vain is, once.
    assert_eq!(service.try_send("q", &[("Prefer", "wait=0")], "full"), 429);
    let refused = json!({"key_reused": 1, "too_large": 1, "full": 2});
    assert_eq!(service.refusals("q"), refused);
    assert_eq!(service.totals("q")["refused"], json!(4));

    service.create("bytes", json!({"max_bytes": 400}));
    let answer = service.post(
        "/v1/queues/bytes/messages/batch",
        json!(["x".repeat(300), "y".repeat(300), "z".repeat(300)]).to_string(),
    );
    assert_eq!(answer.json()["results"][1]["status"], 429);
    assert_eq!(service.refusals("bytes"), json!({"full_bytes": 2}));

    service.create("greedy", json!({}));
    assert_eq!(service.try_send("greedy", &[], &"x".repeat(2500)), 201);
    assert_eq!(service.try_send("greedy", &[], &"x".repeat(2500)), 503);
    assert_eq!(service.refusals("greedy"), json!({"out_of_memory": 1}));
    let sqs = json!({"QueueUrl": "greedy", "MessageBody": "x".repeat(2500)});
    assert_eq!(service.sqs("SendMessage", sqs).status, 403);
    assert_eq!(service.refusals("greedy"), json!({"out_of_memory": 2}));

    service.create("small", json!({"max_message_bytes": 10}));
    let large = json!({"QueueUrl": "small", "MessageBody": "x".repeat(11)});
    assert_eq!(service.sqs("SendMessage", large).status, 400);
    let entry = |id: &str, length: usize| json!({"Id": id, "MessageBody": "x".repeat(length)});
    let batch = json!({"QueueUrl": "small", "Entries": [entry("a", 11), entry("b", 10)]});
    assert_eq!(service.sqs("SendMessageBatch", batch).status, 200);
    assert_eq!(service.refusals("small"), json!({"too_large": 2}));
}

#[test]
fn who_waits_for_room_and_gets_it_is_not_refused() {
    let mut service = Service::with_queue(json!({"capacity": 1}));
    service.send("q");
    let mut waiting = service.server.client();
    let headers = [("Prefer", "wait=60"), ("Idempotency-Key", "k")];
    waiting.send(request("POST", "/v1/queues/q/messages", &headers, b"second"));
    service.page_when(|page| page.of_queue("parked_senders", "q") > 0.0);
    assert_eq!(service.try_send("q", &[("Idempotency-Key", "k")], "second"), 409);
    assert_eq!(service.receive("q", "?lease=0").len(), 1);
    assert_eq!(waiting.answer().status, 201);
    assert_eq!(service.refusals("q"), json!({"key_in_progress": 1}));
}

#[test]
fn sends_to_a_server_that_stops_are_counted() {
    let mut service = Service::with_queue(json!({}));
    // A poll that is under way keeps the server up, and the connections are there already.
    let mut poll = service.server.client();
    let mut unread = service.server.client();
    unread.send("POST /v1/queues/q/messages HTTP/1.1\r\nHost: ringmq\r\nContent-Length: 1\r\n\r\n");
    poll.send(request("POST", "/v1/queues/q/receive?wait=60", &[], b""));
    service.page_when(|page| page.of_queue("parked_receivers", "q") > 0.0);
    service.server.process.signal(Signal::SIGTERM);
    assert_eq!(poll.answer().status, 200);
    while service.server.client().get("/readyz").status != 503 {}
    let send = |service: &Service, target: &str, headers: &[(&str, &str)], body: &str| {
        service.server.client().call("POST", target, headers, body).status
    };
    assert_eq!(send(&service, "/v1/queues/q/messages", &[], "x"), 503);
    assert_eq!(send(&service, "/v1/queues/q/messages/batch", &[], "[\"x\"]"), 503);
    assert_eq!(send(&service, "/v1/queues/none/messages", &[], "x"), 503);
    let sqs =
        [("Content-Type", "application/x-amz-json-1.0"), ("X-Amz-Target", "AmazonSQS.SendMessage")];
    let document = json!({"QueueUrl": "q", "MessageBody": "x"}).to_string();
    assert_eq!(send(&service, "/", &sqs, &document), 503);
    assert_eq!(send(&service, "/enqueue", &[], "{\"event\":\"x\"}"), 503);
    let page = Page::scrape(&mut service.server.client(), Format::Prometheus);
    let drained = |queue| {
        let labels = [("queue", queue), ("reason", "draining")];
        page.value("ringmq_queue_refusals_total", &labels)
    };
    assert_eq!((drained("q"), drained("default")), (3.0, 1.0));
    unread.send("x");
    assert_eq!(unread.answer().status, 201);
}

#[test]
fn what_finds_no_room_among_dead_letters_is_told() {
    let mut service = Service::with_queue(json!({}));
    service.create("dead", json!({"capacity": 1}));
    service.create("q", json!({"capacity": 2, "max_receives": 1, "dead_letter": "dead"}));
    service.send("dead");
    service.send("q");
    let receipt = service.receive("q", "").remove(0);
    service.post(&format!("/v1/queues/q/leases/{receipt}/release"), "");
    let page = service.page();
    let told = ["dying_messages", "ready_messages", "in_flight_messages", "delayed_messages"];
    assert_eq!(told.map(|name| page.of_queue(name, "q")), [1.0, 0.0, 0.0, 0.0]);
    service.receive("dead", "?lease=0");
    service.page_when(|page| page.of_queue("dying_messages", "q") == 0.0);
}

#[test]
fn gauges_tell_where_messages_are() {
    let mut service = Service::with_queue(json!({"capacity": 7, "max_bytes": 1000}));
    (0..4).for_each(|_| service.send("q"));
    assert_eq!(service.try_send("q", &[("Queue-Delay", "60")], "later"), 201);
    service.receive("q", "?max=2");
    service.post("/v1/queues/q/pause", "");
    let page = service.page();
    for (name, value) in [
        ("ready_messages", 2.0),
        ("in_flight_messages", 2.0),
        ("delayed_messages", 1.0),
        ("dying_messages", 0.0),
        ("capacity_messages", 7.0),
        ("paused", 1.0),
        ("parked_receivers", 0.0),
        ("parked_senders", 0.0),
    ] {
        assert_eq!(page.of_queue(name, "q"), value, "{name}");
    }
    assert_eq!(page.of_queue("bytes", "q"), page.value("ringmq_memory_used_bytes", &[]));
    assert!(page.of_queue("bytes", "q") > 0.0);
    assert_eq!(page.value("ringmq_queues", &[]), 2.0);
    assert!(page.value("process_resident_memory_bytes", &[]) > 0.0);
}
