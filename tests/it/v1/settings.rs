//! Settings of a queue: what a PUT says is merged, and what it may not say is named.

use serde_json::{Value, json};

use super::Service;

#[test]
fn the_same_put_again_changes_nothing() {
    let settings = json!({"capacity": 7, "lease": "10s", "max_receives": 3});
    let mut service = Service::with_queue(settings.clone());
    let before = service.describe("q");
    let again = service.put("q", settings);
    assert_eq!((again.status, again.json()), (200, before));
}

#[test]
fn what_is_not_said_stays_and_null_is_the_default() {
    let mut service = Service::start();
    service.create("dead", json!({}));
    let all = json!({
        "capacity": 7, "max_bytes": 1000, "max_message_bytes": 100, "overflow": "drop_oldest",
        "lease": "10s", "max_receives": 3, "dead_letter": "dead", "retry_delay": "1s",
        "ttl": "60s", "delay": "2s", "max_in_flight": 5, "idempotency_window": "60s",
        "receive_wait": "3s", "fifo": false, "labels": {"team": "payments"},
    });
    service.create("q", all.clone());
    assert_eq!(service.describe("q")["settings"], all);

    let defaults = service.describe("default")["settings"].take();
    let mut expected = all.clone();
    for (field, default) in defaults.as_object().expect("an object") {
        let changed = service.put("q", json!({ field.as_str(): null }));
        assert_eq!(changed.status, 200, "{field}: {}", changed.text());
        expected[field] = default.clone();
        assert_eq!(changed.json()["settings"], expected, "{field}");
    }
    assert_eq!(expected, defaults);
    // All of them at once come back.
    assert_eq!(service.put("q", all.clone()).json()["settings"], all);
}

#[test]
fn durations_may_be_numbers_of_seconds() {
    let mut service = Service::with_queue(json!({"lease": 90, "delay": 0.25, "ttl": "7d"}));
    let settings = service.describe("q")["settings"].take();
    assert_eq!(settings["lease"], "90s");
    assert_eq!(settings["delay"], "250ms");
    assert_eq!(settings["ttl"], "604800s");
}

#[test]
fn what_is_out_of_range_is_refused_by_name_and_nothing_is_changed() {
    let mut service = Service::with_queue(json!({"capacity": 7}));
    let before = service.describe("q");
    for (field, value) in [
        ("capacity", json!(0)),
        ("capacity", json!(2_147_483_649_u64)),
        ("max_bytes", json!(0)),
        ("max_message_bytes", json!(0)),
        ("max_message_bytes", json!(1_u64 << 31)),
        ("max_receives", json!(0)),
        ("max_in_flight", json!(0)),
        ("lease", json!("0s")),
        ("lease", json!("13h")),
        ("retry_delay", json!("13h")),
        ("ttl", json!(0)),
        ("delay", json!("8d")),
        ("idempotency_window", json!("500ms")),
        ("idempotency_window", json!("25h")),
        ("dead_letter", json!("q")),
        ("dead_letter", json!("nowhere")),
    ] {
        // A good one beside it is not taken either.
        let refused = service.put("q", json!({"max_in_flight": 3, field: value}));
        let problem = refused.assert_problem(422, "invalid_setting");
        assert_eq!(problem["field"], field, "{value}: {problem}");
        // Nor is a queue made of it, but where it is only wrong for `q`.
        if value != "q" {
            assert_eq!(service.put("new", json!({ field: value })).status, 422, "{field}: {value}");
        }
    }
    assert_eq!(service.describe("q"), before);
    service.get("/v1/queues/new").assert_problem(404, "queue_not_found");
}

#[test]
fn what_is_no_setting_is_refused_by_name() {
    let mut service = Service::with_queue(json!({"capacity": 7}));
    let before = service.describe("q");
    for (field, body) in [
        ("capasity", r#"{"capasity":7}"#),
        ("Capacity", r#"{"capacity":8,"Capacity":8}"#),
        ("capacity", r#"{"capacity":-1}"#),
        ("capacity", r#"{"capacity":1.5}"#),
        ("capacity", r#"{"lease":"1s","capacity":"7"}"#),
        ("overflow", r#"{"overflow":"drop_newest"}"#),
        ("lease", r#"{"lease":"soon"}"#),
        ("lease", r#"{"lease":-1}"#),
        ("lease", r#"{"lease":-5.5}"#),
        ("retry_delay", r#"{"retry_delay":-5.5}"#),
        ("delay", r#"{"delay":-0.0001}"#),
        ("lease", r#"{"lease":[1]}"#),
        ("max_receives", r#"{"max_receives":4294967296}"#),
        ("dead_letter", r#"{"dead_letter":"a b"}"#),
    ] {
        let refused = service.call("PUT", "/v1/queues/q", &[], body);
        let problem = refused.assert_problem(400, "invalid_body");
        let detail = problem["detail"].as_str().expect("text");
        assert!(detail.contains(&format!("`{field}`")), "{body}: {problem}");
        assert_eq!(problem["field"], field, "{body}: {problem}");
    }
    let twice = service.call("PUT", "/v1/queues/q", &[], r#"{"capacity":8,"capacity":9}"#);
    let problem = twice.assert_problem(400, "invalid_body");
    assert!(
        problem["detail"].as_str().is_some_and(|text| text.contains("`capacity`")),
        "{problem}"
    );
    assert_eq!(service.describe("q"), before);
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    let mut service = Service::with_queue(json!({}));
    for body in ["[7]", "7", "null", "\"x\"", "{", "{}{}", "{\"capacity\":}", "\u{0}", "capacity=7"]
    {
        let refused = service.call("PUT", "/v1/queues/q", &[], body);
        refused.assert_problem(400, "invalid_body");
    }
    service.call("PUT", "/v1/queues/q", &[], [0xff, 0xfe]).assert_problem(400, "invalid_body");
}

#[test]
fn the_capacity_cannot_go_below_the_depth() {
    let mut service = Service::with_queue(json!({"capacity": 5}));
    for _ in 0..3 {
        service.send("q", "x");
    }
    // What is in flight or delayed counts too.
    let receipt = super::receipt(&service.receive_one("q", ""));
    service.send_with("q", &[("Queue-Delay", "60")], "x");
    let refused = service.put("q", json!({"capacity": 3, "lease": "5s"}));
    refused.assert_problem(409, "capacity_below_depth");
    let settings = service.describe("q")["settings"].take();
    assert_eq!((&settings["capacity"], &settings["lease"]), (&json!(5), &json!("30s")));

    assert_eq!(service.put("q", json!({"capacity": 4})).status, 200);
    service.try_send("q", &[], "x").assert_problem(429, "queue_full");
    assert_eq!(service.ack("q", &receipt).status, 204);
    assert_eq!(service.put("q", json!({"capacity": 3})).status, 200);
    service.try_send("q", &[], "x").assert_problem(429, "queue_full");
    // Up again.
    assert_eq!(service.put("q", json!({"capacity": 4})).status, 200);
    service.send("q", "y");
    assert_eq!(service.drain("q"), ["x", "x", "y"]);
}

#[test]
fn settings_of_a_queue_hold_for_messages_that_do_not_say() {
    let mut service = Service::with_queue(json!({"delay": "60s", "ttl": "60s"}));
    service.send("q", "late");
    assert_eq!(service.number("q", "/counts/delayed"), 1);
    service.send_with("q", &[("Queue-Delay", "0")], "now");
    assert_eq!(service.drain("q"), ["now"]);
    assert_eq!(service.describe("q")["oldest_age_ms"], Value::Null);
}

#[test]
fn a_receive_that_does_not_say_waits_as_long_as_its_queue_says() {
    let mut service = Service::with_queue(json!({"receive_wait": "200ms"}));
    let receive = |service: &mut Service, path: &str| {
        let began = std::time::Instant::now();
        assert_eq!(service.call("POST", path, &[], "").json(), json!({"messages": []}));
        began.elapsed()
    };
    let waited = receive(&mut service, "/v1/queues/q/receive");
    assert!(waited >= std::time::Duration::from_millis(200), "{waited:?}");
    // Who says so does not wait.
    service.put("q", json!({"receive_wait": "60s"}));
    receive(&mut service, "/v1/queues/q/receive?wait=0");
}

#[test]
fn a_whole_number_may_be_written_as_a_float() {
    let mut service = Service::start();
    service.create("q", json!({ "capacity": 7.0, "max_bytes": 1e3, "max_receives": 2.0 }));
    let settings = service.describe("q")["settings"].clone();
    assert_eq!(settings["capacity"], 7);
    assert_eq!(settings["max_bytes"], 1000);
    assert_eq!(settings["max_receives"], 2);
    for wrong in [json!(7.5), json!(-1.0), json!(1e300), json!("7")] {
        let problem = service.put("q", json!({ "capacity": wrong }));
        let problem = problem.assert_problem(400, "invalid_body");
        assert_eq!(problem["field"], "capacity", "{wrong}");
    }
}

#[test]
fn a_duration_above_nothing_is_at_least_a_millisecond_however_it_is_written() {
    let mut service = Service::start();
    for shortest in [json!(0.0004), json!("0.4ms"), json!("0.0004"), json!(0.001)] {
        service.put("q", json!({ "lease": shortest, "ttl": shortest }));
        let settings = service.describe("q")["settings"].clone();
        assert_eq!(
            (&settings["lease"], &settings["ttl"]),
            (&json!("1ms"), &json!("1ms")),
            "{shortest}"
        );
    }
    service.put("q", json!({ "lease": 0 })).assert_problem(422, "invalid_setting");
}
