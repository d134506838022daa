//! Clients that go away: a parked poll takes nothing with it, and its place in line is free at once.

use std::collections::HashSet;

use serde_json::json;

use super::{Service, bodies, messages, receipt};
use crate::support::Client;
use crate::support::client::{post, request};

const POLL: &str = "/v1/queues/q/receive?wait=60";

/// The ways to leave a poll that is parked.
const FAREWELLS: [fn(Client); 3] = [
    |client| drop(client),
    |client| client.reset(),
    |client| {
        client.finish_sending();
        client.until_closed();
    },
];

#[test]
fn a_client_that_leaves_its_parked_poll_takes_nothing_and_frees_its_place() {
    let mut service = Service::with_queue(json!({}));
    for farewell in FAREWELLS {
        let poll = service.park("q", "?wait=60");
        farewell(poll);
        service.wait_for("q", "/counts/waiting_receives", 0);
        service.send("q", "x");
        let message = service.receive_one("q", "?lease=0");
        assert_eq!((&message["body"], &message["receive_count"]), (&json!("x"), &json!(1)));
    }
}

#[test]
fn a_client_that_leaves_is_noticed_though_more_requests_wait_behind_its_poll() {
    let mut service = Service::with_queue(json!({}));
    for farewell in FAREWELLS {
        let mut poll = service.park("q", "?wait=60");
        poll.send(post("/v1/queues/q/receive?lease=0", b"").repeat(3));
        farewell(poll);
        service.wait_for("q", "/counts/waiting_receives", 0);
        service.send("q", "x");
        assert_eq!(service.drain("q"), ["x"]);
    }
}

#[test]
fn who_stands_behind_a_poll_that_was_left_moves_up() {
    let mut service = Service::with_queue(json!({}));
    let gone = service.park("q", "?wait=60");
    let mut stays = service.park("q", "?wait=60");
    drop(gone);
    service.wait_for("q", "/counts/waiting_receives", 1);
    service.send("q", "x");
    assert_eq!(bodies(&messages(&stays.answer())), ["x"]);
}

#[test]
fn two_hundred_clients_that_leave_their_parked_polls_take_nothing() {
    let mut service = Service::with_queue(json!({"capacity": 300}));
    let mut polls: Vec<_> = (0..200)
        .map(|_| {
            let mut client = service.server.client();
            client.send(post(POLL, b""));
            client
        })
        .collect();
    service.wait_for("q", "/counts/waiting_receives", 200);
    // Those who stay are in between.
    let mut stay = polls.split_off(190);
    for (number, client) in polls.into_iter().enumerate() {
        FAREWELLS[number % 2](client);
    }
    service.wait_for("q", "/counts/waiting_receives", 10);
    let all: Vec<_> = (0..12).map(|number| number.to_string()).collect();
    service.post_json("/v1/queues/q/messages/batch", json!(all));
    let mut served: Vec<_> =
        stay.iter_mut().flat_map(|poll| bodies(&messages(&poll.answer()))).collect();
    served.sort_unstable_by_key(|body| body.parse::<u32>().expect("a number"));
    assert_eq!(served, all[..10]);
    assert_eq!(service.drain("q"), all[10..]);
}

#[test]
fn polls_that_are_left_while_messages_come_lose_none() {
    let mut service = Service::with_queue(json!({"capacity": 1000, "lease": "1h"}));
    let mut received = Vec::new();
    let mut sent = 0;
    for round in 0..40 {
        let before = service.number("q", "/counts/in_flight");
        let mut client = service.server.client();
        client.send(post("/v1/queues/q/receive?wait=60&max=3", b""));
        if round % 2 == 0 {
            // Parked, or answered at once with what a client has just left behind.
            service.wait_until("q", |description| {
                let count = |name: &str| description["counts"][name].as_u64().expect("a number");
                count("waiting_receives") > 0 || count("in_flight") > before
            });
        }
        // Which of the two is first is left to chance.
        let farewell = FAREWELLS[round % 2];
        std::thread::scope(|scope| {
            scope.spawn(move || farewell(client));
            for _ in 0..2 {
                service.send("q", sent.to_string());
                sent += 1;
            }
        });
        received.extend(service.receive("q", "?max=1000&lease=0"));
    }
    service.wait_for("q", "/counts/waiting_receives", 0);
    received.extend(service.receive("q", "?max=1000&lease=0"));
    // Some were delivered to a client that had gone. Every other one came out once, and was not
    // counted as received by a client that got nothing.
    let counts = service.describe("q")["counts"].take();
    assert_eq!(counts["depth"], sent - received.len(), "{counts}");
    assert!(received.iter().all(|message| message["receive_count"] == 1), "{received:?}");
    let different: HashSet<_> = bodies(&received).into_iter().collect();
    assert_eq!(different.len(), received.len());
}

#[test]
fn a_message_whose_client_left_after_the_answer_comes_back_when_its_lease_ends() {
    let mut service = Service::with_queue(json!({}));
    for farewell in FAREWELLS {
        let mut poll = service.park("q", "?wait=60&lease=50ms");
        let id = service.send("q", "x");
        let first = messages(&poll.answer()).remove(0);
        farewell(poll);
        let again = service.receive_one("q", "?wait=30");
        assert_eq!((&again["id"], &again["receive_count"]), (&json!(id), &json!(2)));
        service.ack("q", &receipt(&first)).assert_problem(409, "lease_lost");
        assert_eq!(service.ack("q", &receipt(&again)).status, 204);
    }
}

#[test]
fn half_a_request_does_nothing() {
    let mut service = Service::with_queue(json!({}));
    service.send("q", "kept");
    let held = receipt(&service.receive_one("q", "?lease=1h"));
    service.send("q", "ready");
    let body = json!({"receipts": [held]}).to_string();
    for whole in [
        request("POST", "/v1/queues/q/messages", &[], b"never sent"),
        request("POST", "/v1/queues/q/messages/batch", &[], b"[\"never\",\"sent\"]"),
        request("POST", "/v1/queues/q/receive", &[], b"x"),
        request("PUT", "/v1/queues/new", &[], b"{}"),
        request("POST", "/v1/queues/q/leases/ack", &[], body.as_bytes()),
    ] {
        for part in [1, whole.len() / 2, whole.len() - 1] {
            for farewell in FAREWELLS {
                let mut client = service.server.client();
                client.send(&whole[..part]);
                farewell(client);
            }
        }
    }
    // Connections are accepted in their order: once a new one is served, all of them were.
    service.client = service.server.client();
    let description = service.describe("q");
    assert_eq!(description["counts"]["in_flight"], 1, "{description}");
    assert_eq!(description["counts"]["ready"], 1, "{description}");
    assert_eq!(description["totals"]["sent"], 2, "{description}");
    service.get("/v1/queues/new").assert_problem(404, "queue_not_found");
    assert_eq!(service.ack("q", &held).status, 204);
}

#[test]
fn parked_polls_do_not_hold_up_others_on_one_worker() {
    let mut service = Service::start_with(&["--workers", "1"]);
    service.create("q", json!({}));
    let mut polls: Vec<_> = (0..50).map(|_| service.park("q", "?wait=60&lease=0")).collect();
    for number in 0..50 {
        service.send("default", number.to_string());
        assert_eq!(service.drain("default"), [number.to_string()]);
        service.send("q", number.to_string());
    }
    for (number, poll) in polls.iter_mut().enumerate() {
        assert_eq!(bodies(&messages(&poll.answer())), [number.to_string()]);
    }
}
