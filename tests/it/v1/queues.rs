//! Queues: making, changing, telling, deleting, and what may be their name.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::{Service, bodies, marks, messages, text};
use crate::support::Client;

#[test]
fn a_queue_is_made_by_a_put() {
    let mut service = Service::start();
    let made = service.put("q", json!({"capacity": 7, "lease": "1.5s"}));
    assert_eq!(made.status, 201);
    assert_eq!(marks(&made), (0, 7));
    let made = made.json();
    assert_eq!(made["name"], "q");
    assert_eq!(made["settings"]["capacity"], 7);
    assert_eq!(made["settings"]["lease"], "1500ms");
    assert_eq!(made["paused"], false);
    assert_eq!(made["counts"]["depth"], 0);
    assert_eq!(made["oldest_age_ms"], Value::Null);
    assert_eq!(service.describe("q"), made);
}

#[test]
fn a_queue_of_which_nothing_is_said_has_the_defaults() {
    let mut service = Service::start_with(&["--capacity", "9"]);
    let made = service.call("PUT", "/v1/queues/q", &[], "");
    assert_eq!(made.status, 201);
    let default = service.describe("default")["settings"].take();
    assert_eq!(made.json()["settings"], default);
    assert_eq!(default["capacity"], 9);
    assert_eq!(default["idempotency_window"], "300s");
}

#[test]
fn head_is_get_without_a_body() {
    let mut service = Service::with_queue(json!({"capacity": 3}));
    let id = service.send("q", "x");
    for target in [
        "/v1/queues".to_owned(),
        "/v1/queues/q".to_owned(),
        "/v1/queues/q/messages".to_owned(),
        format!("/v1/queues/q/messages/{id}"),
    ] {
        let head = service.call("HEAD", &target, &[], "");
        let get = service.get(&target);
        assert_eq!((head.status, get.status), (200, 200), "{target}");
        for header in ["content-type", "queue-depth", "queue-capacity"] {
            assert_eq!(head.header(header), get.header(header), "{target}");
        }
    }
    assert_eq!(service.get("/v1/queues/q").status, 200);
}

#[test]
fn head_tells_the_length_that_get_would_have() {
    // An age would have another length in a moment.
    let mut service = Service::with_queue(json!({}));
    for target in [
        "/v1",
        "/v1/queues",
        "/v1/queues?x",
        "/v1/queues/q",
        "/v1/queues/q/messages",
        "/v1/queues/q/messages/1",
        "/v1/queues/q/receive",
        "/v1/queues/none",
        "/livez",
        "/readyz",
        "/size/",
    ] {
        let get = service.get(target);
        assert!(!get.body.is_empty(), "{target}");
        let head = service.call("HEAD", target, &[], "");
        assert_eq!(head.status, get.status, "{target}");
        assert_eq!(head.header("content-length"), get.header("content-length"), "{target}");
        assert_eq!(head.header("transfer-encoding"), None, "{target}");
    }
}

#[test]
fn all_queues_are_listed_by_name() {
    let mut service = Service::start();
    for name in ["b.2", "a", "b.1"] {
        service.create(name, json!({"capacity": 5}));
    }
    service.send("b.1", "four");
    let names = |service: &mut Service, query: &str| {
        let list = service.get(&format!("/v1/queues{query}"));
        assert_eq!(list.status, 200, "{}", list.text());
        let list = list.json();
        let list = list["queues"].as_array().expect("a list").clone();
        list.iter().map(|queue| text(&queue["name"])).collect::<Vec<_>>()
    };
    assert_eq!(names(&mut service, ""), ["a", "b.1", "b.2", "default"]);
    assert_eq!(names(&mut service, "?prefix=b."), ["b.1", "b.2"]);
    assert_eq!(names(&mut service, "?prefix=b%2E1"), ["b.1"]);
    assert_eq!(names(&mut service, "?prefix=none"), [""; 0]);
    let listed = service.get("/v1/queues?prefix=b.1").json();
    let expected = json!([{
        "name": "b.1", "capacity": 5, "depth": 1, "ready": 1, "in_flight": 0, "delayed": 0,
        "bytes": 4, "paused": false,
    }]);
    assert_eq!(listed["queues"], expected);
}

#[test]
fn a_deleted_queue_is_gone_with_its_messages_and_may_be_made_again() {
    let mut service = Service::with_queue(json!({}));
    let id = service.send("q", "old");
    service.send("q", "older");
    let receipt = super::receipt(&service.receive_one("q", ""));
    let deleted = service.call("DELETE", "/v1/queues/q", &[], "");
    assert_eq!((deleted.status, marks(&deleted).0), (200, 0));
    assert_eq!(deleted.json(), json!({"name": "q", "deleted_messages": 2}));
    for (method, target) in [
        ("GET", "/v1/queues/q"),
        ("DELETE", "/v1/queues/q"),
        ("POST", "/v1/queues/q/messages"),
        ("POST", "/v1/queues/q/messages/batch"),
        ("GET", "/v1/queues/q/messages"),
        ("POST", "/v1/queues/q/receive"),
        ("POST", "/v1/queues/q/purge"),
        ("POST", "/v1/queues/q/leases/ack"),
    ] {
        let problem = service.call(method, target, &[], "").assert_problem(404, "queue_not_found");
        assert_eq!(problem["queue"], "q");
    }
    service.create("q", json!({}));
    assert_eq!(service.number("q", "/counts/depth"), 0);
    // Neither receipts nor ids of the one before mean anything to it.
    service.send("q", "new");
    service.ack("q", &receipt).assert_problem(404, "receipt_unknown");
    service.get(&format!("/v1/queues/q/messages/{id}")).assert_problem(404, "message_not_found");
    assert_eq!(service.drain("q"), ["new"]);
}

#[test]
fn the_default_queue_cannot_be_deleted() {
    let mut service = Service::start();
    service.send("default", "kept");
    let refused = service.call("DELETE", "/v1/queues/default", &[], "");
    refused.assert_problem(409, "queue_undeletable");
    assert_eq!(service.drain("default"), ["kept"]);
}

#[test]
fn parked_polls_and_sends_are_answered_at_once_when_their_queue_is_deleted() {
    let mut service = Service::with_queue(json!({"capacity": 1}));
    let mut polls: Vec<_> = (0..10).map(|_| service.park("q", "?wait=60")).collect();
    service.create("full", json!({"capacity": 1}));
    service.send("full", "x");
    let mut sends: Vec<_> = (0..3).map(|_| service.park_send("full", "y")).collect();
    for queue in ["q", "full"] {
        assert_eq!(service.call("DELETE", &format!("/v1/queues/{queue}"), &[], "").status, 200);
    }
    for client in polls.iter_mut().chain(&mut sends) {
        client.answer().assert_problem(404, "queue_not_found");
    }
}

#[test]
fn a_queue_can_be_deleted_while_traffic_runs() {
    let mut service = Service::start();
    let addr = service.server.addr;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for worker in 0..4 {
            let done = &done;
            scope.spawn(move || {
                let mut client = Client::connect(addr);
                let target = match worker {
                    0 | 1 => "/v1/queues/q/messages?wait=1",
                    2 => "/v1/queues/q/receive?lease=0&max=3&wait=1",
                    _ => "/v1/queues/q/receive?max=2&lease=1ms",
                };
                while !done.load(Ordering::Relaxed) {
                    let answer = client.call("POST", target, &[], "x");
                    if answer.status == 404 {
                        answer.assert_problem(404, "queue_not_found");
                    } else {
                        assert!([200, 201, 429].contains(&answer.status), "{}", answer.text());
                    }
                }
            });
        }
        for _ in 0..30 {
            service.create("q", json!({"capacity": 4}));
            service.wait_until("q", |it| it["totals"]["sent"].as_u64().is_some_and(|n| n >= 20));
            assert_eq!(service.call("DELETE", "/v1/queues/q", &[], "").status, 200);
        }
        done.store(true, Ordering::Relaxed);
    });
    // Nobody was cut off, and the next queue of this name works.
    service.create("q", json!({}));
    service.send("q", "x");
    assert_eq!(service.drain("q"), ["x"]);
}

#[test]
fn names_of_all_allowed_characters_work_everywhere() {
    let mut service = Service::start();
    let longest = "x".repeat(80);
    for name in ["a", "A-z_0.9", "...", "orders.fifo", "-", "messages", &longest] {
        service.create(name, json!({}));
        let sent = service.try_send(name, &[], "x");
        let location = sent.header("location").expect("a location").to_owned();
        assert_eq!(service.get(&location).json()["body"], "x");
        assert_eq!(service.drain(name), ["x"]);
        assert_eq!(service.call("DELETE", &format!("/v1/queues/{name}"), &[], "").status, 200);
    }
}

#[test]
fn names_that_clients_take_for_steps_in_a_path_are_refused() {
    let mut service = Service::start();
    for name in [".", "..", "%2E", "%2e."] {
        let problem = service.put(name, json!({})).assert_problem(400, "invalid_queue_name");
        assert!(problem["detail"].as_str().is_some_and(|it| it.contains("`..`")), "{problem}");
    }
    service.create("...", json!({}));
    let refused = service.put("q", json!({"dead_letter": ".."}));
    assert_eq!(refused.assert_problem(400, "invalid_body")["field"], "dead_letter");
}

#[test]
fn a_name_may_be_percent_encoded() {
    let mut service = Service::start();
    service.create("%61%2Db", json!({}));
    assert_eq!(service.describe("a-b")["name"], "a-b");
    service.send("a%2db", "x");
    assert_eq!(service.drain("a-b"), ["x"]);
}

#[test]
fn other_names_are_refused() {
    let mut service = Service::start();
    let too_long = "x".repeat(81);
    for name in ["", "a%20b", "a%2Fb", "%C3%A4", "%FF", "a+b", "a%00", "a~", "%", "a:b", &too_long]
    {
        for method in ["PUT", "GET", "DELETE"] {
            let answer = service.call(method, &format!("/v1/queues/{name}"), &[], "");
            let problem = answer.assert_problem(400, "invalid_queue_name");
            assert_eq!(problem["field"], "queue", "{method} {name}");
        }
        let answer = service.post(&format!("/v1/queues/{name}/messages"), "x");
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
    }
}

#[test]
fn a_resize_under_traffic_loses_and_reorders_nothing() {
    let mut service = Service::with_queue(json!({"capacity": 100}));
    let addr = service.server.addr;
    let done = AtomicBool::new(false);
    let sent = AtomicUsize::new(0);
    let (mut resized, mut refused) = (0, 0);
    let received = thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = Client::connect(addr);
            while !done.load(Ordering::SeqCst) {
                let body = sent.load(Ordering::SeqCst).to_string();
                let prefer = [("Prefer", "wait=30")];
                let answer = client.call("POST", "/v1/queues/q/messages", &prefer, body);
                assert_eq!(answer.status, 201, "{}", answer.text());
                sent.fetch_add(1, Ordering::SeqCst);
            }
            // The last one.
            assert_eq!(client.call("POST", "/v1/queues/q/messages", &[], "end").status, 201);
        });
        let consumer = scope.spawn(|| {
            let mut client = Client::connect(addr);
            let mut received = Vec::new();
            loop {
                let target = "/v1/queues/q/receive?max=10&lease=0&wait=30";
                let batch = bodies(&messages(&client.call("POST", target, &[], "")));
                received.extend(batch);
                if received.last().is_some_and(|last| last == "end") {
                    received.pop();
                    return received;
                }
            }
        });
        for round in 0..300 {
            let capacity = 1 + (round * 37) % 90;
            let answer = service.put("q", json!({"capacity": capacity}));
            match answer.status {
                200 => resized += 1,
                // More is in it than that just now.
                _ => {
                    answer.assert_problem(409, "capacity_below_depth");
                    refused += 1;
                }
            }
        }
        // Room for the last one, whatever the consumer does.
        assert_eq!(service.put("q", json!({"capacity": 100})).status, 200);
        done.store(true, Ordering::SeqCst);
        consumer.join().expect("the consumer ends")
    });
    assert!(resized > 0, "{refused} refused");
    let all: Vec<_> = (0..sent.into_inner()).map(|number| number.to_string()).collect();
    assert_eq!(received, all);
}
