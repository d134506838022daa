//! Leases: acknowledge, extend, release, one and many, and who comes too late.

use serde_json::{Value, json};

use super::{NONE, Service, messages, receipt, results};

/// A service whose queue `q` has these messages in flight: their receipts.
fn in_flight(bodies: &[&str]) -> (Service, Vec<String>) {
    let mut service = Service::with_queue(json!({"lease": "1h"}));
    for body in bodies {
        service.send("q", body);
    }
    let receipts = service.receive("q", "?max=1000").iter().map(receipt).collect();
    (service, receipts)
}

/// A message that was delivered twice: both receipts, the older one first.
fn delivered_twice(service: &mut Service) -> [String; 2] {
    service.send("q", "x");
    let first = service.receive_one("q", "?lease=1ms");
    let second = service.receive_one("q", "?wait=30&lease=1h");
    assert_eq!((&second["id"], &second["receive_count"]), (&first["id"], &json!(2)));
    [receipt(&first), receipt(&second)]
}

fn extend(service: &mut Service, receipt: &str, query: &str, body: &str) -> crate::support::Answer {
    service.call("PATCH", &format!("/v1/queues/q/leases/{receipt}{query}"), &[], body)
}

#[test]
fn an_acknowledged_message_is_gone() {
    let (mut service, receipts) = in_flight(&["a", "b"]);
    let acked = service.ack("q", &receipts[0]);
    assert_eq!((acked.status, acked.body.len()), (204, 0));
    assert_eq!(super::marks(&acked).0, 1);
    let description = service.describe("q");
    assert_eq!(
        (&description["counts"]["depth"], &description["totals"]["gone"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn what_is_gone_is_told_so() {
    let (mut service, receipts) = in_flight(&["acked", "purged"]);
    assert_eq!(service.ack("q", &receipts[0]).status, 204);
    assert_eq!(service.post("/v1/queues/q/purge", "").json(), json!({"purged": 1}));
    for _ in 0..2 {
        for receipt in &receipts {
            service.ack("q", receipt).assert_problem(410, "message_gone");
            extend(&mut service, receipt, "?lease=5", "").assert_problem(410, "message_gone");
            service.release("q", receipt, "").assert_problem(410, "message_gone");
        }
        // Also where their places are taken by others.
        service.send("q", "c");
        service.send("q", "d");
    }
}

#[test]
fn an_older_receipt_is_lost_once_the_message_was_delivered_again() {
    let mut service = Service::with_queue(json!({}));
    let [old, new] = delivered_twice(&mut service);
    service.ack("q", &old).assert_problem(409, "lease_lost");
    extend(&mut service, &old, "?lease=5", "").assert_problem(409, "lease_lost");
    service.release("q", &old, "").assert_problem(409, "lease_lost");
    assert_eq!(service.ack("q", &new).status, 204);
    service.ack("q", &old).assert_problem(410, "message_gone");
}

#[test]
fn a_receipt_whose_lease_ran_out_acknowledges_until_the_message_is_delivered_again() {
    let mut service = Service::with_queue(json!({}));
    service.send("q", "x");
    let late = receipt(&service.receive_one("q", "?lease=1ms"));
    service.wait_for("q", "/counts/ready", 1);
    extend(&mut service, &late, "?lease=5", "").assert_problem(409, "lease_lost");
    service.release("q", &late, "").assert_problem(409, "lease_lost");
    assert_eq!(service.ack("q", &late).status, 204);
    assert_eq!(service.receive("q", ""), NONE);
    assert_eq!(service.number("q", "/counts/depth"), 0);
}

#[test]
fn a_receipt_that_was_never_given_is_unknown() {
    let (mut service, receipts) = in_flight(&["x"]);
    service.create("other", json!({}));
    let good = &receipts[0];
    let forged = format!("{}{}", &good[..35], if good.ends_with('0') { "1" } else { "0" });
    for unknown in [&forged, &good.to_uppercase(), "x", "%20", &good[1..], &format!("{good}0")] {
        if unknown != good {
            service.ack("q", unknown).assert_problem(404, "receipt_unknown");
            extend(&mut service, unknown, "", "").assert_problem(404, "receipt_unknown");
            service.release("q", unknown, "").assert_problem(404, "receipt_unknown");
        }
    }
    // That of one queue means nothing to another.
    service.ack("other", good).assert_problem(404, "receipt_unknown");
    service.ack("none", good).assert_problem(404, "queue_not_found");
    assert_eq!(service.ack("q", good).status, 204);
}

#[test]
fn a_lease_is_extended_by_parameter_by_body_and_by_the_settings_of_the_queue() {
    let mut service = Service::with_queue(json!({"lease": "1h"}));
    let ways = [("?lease=1h", ""), ("", r#"{"lease":"1h"}"#), ("", r#"{"lease":3600}"#), ("", "")];
    for _ in ways {
        service.send("q", "extended");
    }
    // Behind them one whose lease is not extended: when it comes back, those of the others would
    // have run out as well.
    service.send("q", "not extended");
    let messages = service.receive("q", "?max=10&lease=2s");
    for (message, (query, body)) in messages.iter().zip(ways) {
        let extended = extend(&mut service, &receipt(message), query, body);
        assert_eq!(extended.status, 204, "{}", extended.text());
    }
    assert_eq!(super::bodies(&service.receive("q", "?wait=30&max=10")), ["not extended"]);
    for message in &messages[..ways.len()] {
        assert_eq!(service.ack("q", &receipt(message)).status, 204, "{message}");
    }
    assert_eq!(service.number("q", "/totals/leases_run_out"), 1);
}

#[test]
fn an_extension_by_nothing_gives_the_message_back() {
    for (query, body) in [("?lease=0", ""), ("", r#"{"lease":0}"#)] {
        let (mut service, receipts) = in_flight(&["x"]);
        assert_eq!(extend(&mut service, &receipts[0], query, body).status, 204);
        assert_eq!(service.receive_one("q", "")["receive_count"], 2);
    }
}

#[test]
fn a_release_gives_a_message_back_to_the_front() {
    let (mut service, receipts) = in_flight(&["a", "b"]);
    service.send("q", "c");
    assert_eq!(service.release("q", &receipts[0], "").status, 204);
    service.release("q", &receipts[0], "").assert_problem(409, "lease_lost");
    let messages = service.receive("q", "?max=10");
    assert_eq!(super::bodies(&messages), ["a", "c"]);
    assert_eq!(
        (&messages[0]["receive_count"], &messages[1]["receive_count"]),
        (&json!(2), &json!(1))
    );

    assert_eq!(service.release("q", &receipts[1], "?delay=60").status, 204);
    assert_eq!(service.number("q", "/counts/delayed"), 1);
    assert_eq!(service.receive("q", ""), NONE);
}

#[test]
fn many_are_answered_each() {
    let (mut service, receipts) = in_flight(&["a", "b", "c"]);
    assert_eq!(service.ack("q", &receipts[2]).status, 204);
    let [lost, again] = delivered_twice(&mut service);
    let all = json!([receipts[0], receipts[2], lost, "nonsense", receipts[1]]);
    let codes = |results: &[Value]| -> Vec<_> {
        results
            .iter()
            .map(|result| result["code"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let expected = ["", "message_gone", "lease_lost", "receipt_unknown", ""];

    let extended = json!({"receipts": all, "lease": "2h"});
    let answer = service.post_json("/v1/queues/q/leases/extend", extended);
    let (told, statuses) = results(&answer);
    assert_eq!(
        (statuses, codes(&told)),
        (vec![204, 410, 409, 404, 204], expected.map(String::from).to_vec())
    );
    assert_eq!(super::marks(&answer).0, 3);

    let released = json!({"receipts": all, "delay": "1h"});
    let (told, statuses) = results(&service.post_json("/v1/queues/q/leases/release", released));
    assert_eq!(
        (statuses, codes(&told)),
        (vec![204, 410, 409, 404, 204], expected.map(String::from).to_vec())
    );
    assert_eq!(service.number("q", "/counts/delayed"), 2);

    // What was given back and not delivered again can still be acknowledged, as after a lease's end.
    let (told, statuses) =
        results(&service.post_json("/v1/queues/q/leases/ack", json!({"receipts": all})));
    assert_eq!(
        (statuses, codes(&told)),
        (vec![204, 410, 409, 404, 204], expected.map(String::from).to_vec())
    );
    assert_eq!(service.number("q", "/counts/depth"), 1);
    assert_eq!(service.ack("q", &again).status, 204);
}

#[test]
fn the_same_receipt_twice_is_gone_the_second_time() {
    let (mut service, receipts) = in_flight(&["a"]);
    let twice = json!({"receipts": [receipts[0], receipts[0]]});
    assert_eq!(results(&service.post_json("/v1/queues/q/leases/ack", twice)).1, [204, 410]);
}

#[test]
fn many_released_at_once_wake_parked_polls() {
    let (mut service, receipts) = in_flight(&["a", "b"]);
    let mut polls = [service.park("q", "?wait=60"), service.park("q", "?wait=60")];
    service.post_json("/v1/queues/q/leases/release", json!({ "receipts": receipts }));
    for poll in &mut polls {
        assert_eq!(messages(&poll.answer()).len(), 1);
    }
}

#[test]
fn what_makes_no_sense_for_many_is_refused_by_name() {
    let (mut service, receipts) = in_flight(&["a"]);
    let good = &receipts[0];
    for (act, body, field) in [
        ("ack", json!({}), "receipts"),
        ("ack", json!({"receipts": []}), "receipts"),
        ("ack", json!({"receipts": "x"}), "receipts"),
        ("ack", json!({"receipts": [1]}), "receipts"),
        ("ack", json!({"receipts": vec![good; 1001]}), "receipts"),
        ("ack", json!({"receipts": [good], "lease": "5s"}), "lease"),
        ("ack", json!({"receipts": [good], "delay": "5s"}), "delay"),
        ("ack", json!({"receipts": [good], "more": 1}), "more"),
        ("extend", json!({"receipts": [good], "delay": "5s"}), "delay"),
        ("extend", json!({"receipts": [good], "lease": "13h"}), "lease"),
        ("extend", json!({"receipts": [good], "lease": -1}), "lease"),
        ("release", json!({"receipts": [good], "lease": "5s"}), "lease"),
        ("release", json!({"receipts": [good], "delay": "8d"}), "delay"),
        ("release", json!({"receipts": [good], "delay": true}), "delay"),
    ] {
        let refused = service.post_json(&format!("/v1/queues/q/leases/{act}"), body.clone());
        assert_eq!(refused.status, 400, "{act} {body}: {}", refused.text());
        assert_eq!(refused.json()["field"], field, "{act} {body}: {}", refused.text());
    }
    service.post("/v1/queues/q/leases/ack", "").assert_problem(400, "invalid_parameter");
    for (query, body) in [("?lease=13h", ""), ("?lease=soon", ""), ("", r#"{"lease":"13h"}"#)] {
        let refused = extend(&mut service, good, query, body);
        assert_eq!(refused.assert_problem(400, "invalid_parameter")["field"], "lease");
    }
    let refused = service.release("q", good, "?delay=8d");
    assert_eq!(refused.assert_problem(400, "invalid_parameter")["field"], "delay");
    assert_eq!(service.ack("q", good).status, 204);
}
