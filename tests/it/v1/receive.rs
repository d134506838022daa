//! Receiving what is there: how many, for how long, in which form.

use serde_json::json;

use super::{NONE, RAW, Service, bodies, marks};

#[test]
fn messages_come_in_order_one_unless_more_are_asked_for() {
    let mut service = Service::with_queue(json!({"capacity": 10}));
    for body in ["a", "b", "c", "d"] {
        service.send("q", body);
    }
    assert_eq!(bodies(&service.receive("q", "")), ["a"]);
    assert_eq!(bodies(&service.receive("q", "?max=2")), ["b", "c"]);
    let rest = service.post("/v1/queues/q/receive?max=1000", "");
    assert_eq!(marks(&rest), (4, 10));
    assert_eq!(bodies(&super::messages(&rest)), ["d"]);
    assert_eq!(service.receive("q", "?max=3"), NONE);
    assert_eq!(service.number("q", "/counts/in_flight"), 4);
}

#[test]
fn a_message_tells_its_facts() {
    let mut service = Service::with_queue(json!({}));
    let id = service.send("q", "x");
    let message = service.receive_one("q", "");
    let facts: Vec<_> = message.as_object().expect("an object").keys().cloned().collect();
    let expected = ["id", "receipt", "receive_count", "age_ms", "content_type", "body"];
    assert_eq!(facts, expected);
    assert_eq!((&message["id"], &message["receive_count"]), (&json!(id), &json!(1)));
    assert!(message["age_ms"].as_u64().is_some_and(|age| age < 30_000), "{message}");
}

#[test]
fn a_lease_of_zero_takes() {
    for query in ["?lease=0", "?lease=0s", "?lease=0ms&max=2"] {
        let mut service = Service::with_queue(json!({"capacity": 1}));
        service.send("q", "x");
        let message = service.receive_one("q", query);
        assert!(message.get("receipt").is_none(), "{message}");
        let description = service.describe("q");
        assert_eq!(description["counts"]["depth"], 0, "{description}");
        assert_eq!(description["counts"]["in_flight"], 0, "{description}");
        assert_eq!(description["totals"]["gone"], 1, "{description}");
        service.send("q", "there is room again");
    }
}

#[test]
fn the_shortest_and_the_longest_lease_are_allowed() {
    let mut service = Service::with_queue(json!({}));
    for (lease, millis) in [("1ms", None), ("0.001", None), ("12h", Some(())), ("43200", Some(()))]
    {
        service.send("q", "x");
        let message = service.receive_one("q", &format!("?lease={lease}"));
        if millis.is_none() {
            let again = service.receive_one("q", "?wait=30&lease=0");
            assert_eq!((&again["id"], &again["receive_count"]), (&message["id"], &json!(2)));
        } else {
            assert_eq!(service.ack("q", &super::receipt(&message)).status, 204);
        }
    }
}

#[test]
fn parameters_out_of_their_range_are_refused_by_name() {
    let mut service = Service::with_queue(json!({}));
    service.send("q", "kept");
    for (name, value) in [
        ("max", "0"),
        ("max", "1001"),
        ("max", "-1"),
        ("max", "1.5"),
        ("max", "many"),
        ("max", ""),
        ("wait", "61"),
        ("wait", "-1"),
        ("wait", "soon"),
        ("wait", ""),
        ("lease", "43201"),
        ("lease", "13h"),
        ("lease", "-1"),
        ("lease", "forever"),
        ("lease", ""),
    ] {
        let refused = service.post(&format!("/v1/queues/q/receive?{name}={value}"), "");
        let problem = refused.assert_problem(400, "invalid_parameter");
        assert_eq!(problem["field"], name, "{value}: {problem}");
    }
    assert_eq!(service.number("q", "/counts/in_flight"), 0);
    assert_eq!(service.drain("q"), ["kept"]);
}

#[test]
fn a_lease_shorter_than_the_shortest_never_takes() {
    let mut service = Service::with_queue(json!({}));
    service.send("q", "kept");
    for lease in ["0.0001", "0.4ms", "0.0000000001s"] {
        let answer = service.post(&format!("/v1/queues/q/receive?lease={lease}"), "");
        if answer.status == 400 {
            assert_eq!(answer.assert_problem(400, "invalid_parameter")["field"], "lease");
        } else {
            service.wait_for("q", "/counts/ready", 1);
        }
    }
    assert_eq!(service.drain("q"), ["kept"]);
}

#[test]
fn messages_as_they_were_sent_are_for_one_at_a_time() {
    let mut service = Service::with_queue(json!({}));
    service.send("q", "a");
    service.send("q", "b");
    let several = service.call("POST", "/v1/queues/q/receive?max=2", &[RAW], "");
    assert_eq!(bodies(&super::messages(&several)), ["a", "b"]);
}

#[test]
fn any_other_form_that_is_asked_for_is_answered_in_json() {
    let mut service = Service::with_queue(json!({}));
    for accept in ["*/*", "application/json", "text/html, image/*;q=0.8", "", "nonsense", ";"] {
        service.send("q", "x");
        let answer =
            service.call("POST", "/v1/queues/q/receive?lease=0", &[("Accept", accept)], "");
        assert_eq!(bodies(&super::messages(&answer)), ["x"], "{accept}");
    }
    for accept in ["application/octet-stream;q=0.5", "text/html, Application/Octet-Stream"] {
        service.send("q", "x");
        let answer =
            service.call("POST", "/v1/queues/q/receive?lease=0", &[("Accept", accept)], "");
        assert_eq!((answer.status, answer.text().as_str()), (200, "x"), "{accept}");
    }
}

#[test]
fn a_receive_may_have_a_body_that_nobody_reads() {
    let mut service = Service::with_queue(json!({}));
    service.send("q", "x");
    let answer = service.post("/v1/queues/q/receive?lease=0", "{\"anything\":1}");
    assert_eq!(bodies(&super::messages(&answer)), ["x"]);
    assert_eq!(service.receive("q", ""), NONE);
}
