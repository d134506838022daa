//! Batches: one result for each item, in order, and nothing hidden.

use serde_json::{Value, json};

use super::{RAW, Service, bodies, marks, results, text};

const TARGET: &str = "/v1/queues/q/messages/batch";

#[test]
fn a_json_array_is_sent_in_order() {
    let mut service = Service::with_queue(json!({"capacity": 10}));
    let items = json!(["a", {"body": "b"}, {"body_base64": "AP8="}, {"body": ""}, "\u{1f600}\n"]);
    let sent = service.post_json(TARGET, items);
    assert_eq!(marks(&sent), (5, 10));
    let (results, statuses) = results(&sent);
    assert_eq!(statuses, [201; 5]);
    let received = service.receive("q", "?max=10");
    let ids: Vec<_> = results.iter().map(|result| text(&result["id"])).collect();
    let received_ids: Vec<_> = received.iter().map(|message| text(&message["id"])).collect();
    assert_eq!(ids, received_ids);
    assert_eq!(received[2]["body_base64"], "AP8=");
    assert_eq!(received[4]["body"], "\u{1f600}\n");
    let types: Vec<_> = received.iter().map(|message| text(&message["content_type"])).collect();
    let (plain, binary) = ("text/plain; charset=utf-8", "application/octet-stream");
    assert_eq!(types, [plain, plain, binary, plain, plain]);
}

#[test]
fn json_lines_are_sent_in_order() {
    let mut service = Service::with_queue(json!({}));
    let lines = "\"a\"\r\n\n  {\"body\":\"b\"}\n\"c\"";
    let sent = service.call("POST", TARGET, &[("Content-Type", "application/x-ndjson")], lines);
    assert_eq!(results(&sent).1, [201; 3]);
    assert_eq!(service.drain("q"), ["a", "b", "c"]);
}

#[test]
fn an_item_says_for_itself_what_headers_say_of_one_message() {
    let mut service = Service::with_queue(json!({"delay": "60s"}));
    let sent = service.post_json(
        TARGET,
        json!([
            {"body": "{}", "content_type": "application/json", "delay": 0, "attributes": {"b": "2", "a": "1"}},
            {"body": "delayed"},
            {"body": "expires", "delay": "0s", "ttl": 0.02},
        ]),
    );
    assert_eq!(results(&sent).1, [201; 3]);
    service.wait_for("q", "/totals/expired", 1);
    assert_eq!(service.number("q", "/counts/delayed"), 1);
    let message = service.receive_one("q", "?max=10");
    assert_eq!(message["content_type"], "application/json");
    assert_eq!(message["attributes"], json!({"a": "1", "b": "2"}));
}

#[test]
fn attributes_of_an_item_are_what_headers_can_carry() {
    let mut service = Service::with_queue(json!({}));
    let sent = service.post_json(
        TARGET,
        json!([
            {"body": "", "attributes": {"Tenant": "acme, inc", "text": "\u{e4}\tb", "traceparent": "00-1"}},
            {"body": "", "attributes": {"a b": "c"}},
            {"body": "", "attributes": {"a": "b\r\nc"}},
            {"body": "", "attributes": {"A": "b", "a": "c"}},
            {"body": "", "content_type": "a\nb"},
        ]),
    );
    let (results, statuses) = results(&sent);
    assert_eq!(statuses, [201, 400, 400, 400, 400]);
    for (result, field) in
        results[1..].iter().zip(["attributes.a b", "attributes.a", "attributes.a", "content_type"])
    {
        assert_eq!(
            (&result["code"], &result["field"]),
            (&json!("invalid_parameter"), &json!(field))
        );
    }
    let raw = service.call("POST", "/v1/queues/q/receive", &[RAW], "");
    assert_eq!(raw.header("queue-attr-tenant"), Some("acme, inc"));
    assert_eq!(raw.header("queue-attr-text"), Some("\u{e4}\tb"));
    assert_eq!(raw.header("traceparent"), Some("00-1"));
}

#[test]
fn a_batch_of_strings_and_others_is_sent_as_one_of_strings_alone() {
    let mut service = Service::with_queue(json!({}));
    let strings = r#" [ "a\"\u00e4", "", "b" ] "#;
    let others = r#" [ "a\"\u00e4", "", {"body":"b"} ] "#;
    for body in [strings, others] {
        assert_eq!(results(&service.post(TARGET, body)).1, [201; 3]);
        assert_eq!(service.drain("q"), ["a\"\u{e4}", "", "b"]);
    }
    let (results, statuses) = results(&service.post(TARGET, r#"["a","\ud800","b"]"#));
    assert_eq!(statuses, [201, 400, 201]);
    assert_eq!(results[1]["code"], "invalid_body");
    assert_eq!(service.drain("q"), ["a", "b"]);
}

#[test]
fn malformed_items_are_told_each_and_the_others_are_sent() {
    let mut service = Service::with_queue(json!({}));
    let bad = [
        (json!(1), ""),
        (json!(null), ""),
        (json!(["a"]), ""),
        (json!({}), "body"),
        (json!({"body": 1}), ""),
        (json!({"body": "x", "body_base64": "AA=="}), "body"),
        (json!({"body_base64": "?"}), "body_base64"),
        (json!({"body": "x", "delay": "8d"}), "delay"),
        (json!({"body": "x", "ttl": 0}), "ttl"),
        (json!({"body": "x", "unknown": 1}), ""),
        (json!({"body": "x", "attributes": {"a": 1}}), ""),
    ];
    let mut items = vec![json!("first")];
    items.extend(bad.iter().map(|(item, _)| item.clone()));
    items.push(json!("last"));
    let lines: Vec<_> = items.iter().map(Value::to_string).collect();
    for body in [Value::from(items.clone()).to_string(), lines.join("\n")] {
        let (results, statuses) = results(&service.post(TARGET, body));
        assert_eq!(results.len(), items.len());
        assert_eq!((statuses[0], statuses[items.len() - 1]), (201, 201));
        for ((item, field), result) in bad.iter().zip(&results[1..]) {
            assert_eq!(result["status"], 400, "{item}: {result}");
            assert!(result["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{result}");
            if field.is_empty() {
                assert_eq!(result["code"], "invalid_body", "{item}: {result}");
            } else {
                assert_eq!(result["code"], "invalid_parameter", "{item}: {result}");
                assert_eq!(result["field"], *field, "{item}: {result}");
            }
        }
        assert_eq!(service.drain("q"), ["first", "last"]);
    }
}

#[test]
fn a_line_that_is_no_json_spoils_only_itself() {
    let mut service = Service::with_queue(json!({}));
    let (results, statuses) = results(&service.post(TARGET, "\"a\"\n{\"body\":\n\"b\"\n"));
    assert_eq!(statuses, [201, 400, 201]);
    assert_eq!(results[1]["code"], "invalid_body");
    assert_eq!(service.drain("q"), ["a", "b"]);
}

#[test]
fn items_that_do_not_fit_are_told_each() {
    let mut service = Service::with_queue(json!({"capacity": 3, "max_message_bytes": 4}));
    let sent = service.post_json(TARGET, json!(["a", "large", "b", "c", "d", "e"]));
    assert_eq!(marks(&sent), (3, 3));
    let (results, statuses) = results(&sent);
    assert_eq!(statuses, [201, 413, 201, 201, 429, 429]);
    assert_eq!(results[1]["code"], "message_too_large");
    assert_eq!(results[1]["limit"], 4);
    for result in &results[4..] {
        assert_eq!((&result["code"], &result["bound"]), (&json!("queue_full"), &json!("capacity")));
        let wait = result["retry_after_s"].as_u64().expect("seconds");
        assert!((1..=60).contains(&wait), "{result}");
    }
    assert_eq!(service.drain("q"), ["a", "b", "c"]);
}

#[test]
fn a_batch_that_is_none_is_refused_as_a_whole() {
    let mut service = Service::with_queue(json!({}));
    let too_many = Value::from(vec!["x"; 1001]).to_string();
    for body in ["", "[]", "\n \n", "[\"a\"", "[\"a\",]", &too_many] {
        service.post(TARGET, body).assert_problem(400, "invalid_body");
    }
    service.post(TARGET, [b'"', 0xff, b'"']).assert_problem(400, "invalid_body");
    assert_eq!(service.post(TARGET, &too_many).json()["limit"], 1000);
    assert_eq!(service.number("q", "/totals/sent"), 0);
}

#[test]
fn a_thousand_messages_go_and_come_at_once() {
    let mut service = Service::with_queue(json!({"capacity": 1000}));
    let all: Vec<_> = (0..1000).map(|number| number.to_string()).collect();
    let (_, statuses) = results(&service.post_json(TARGET, json!(all)));
    assert_eq!(statuses, [201; 1000]);
    let received = service.receive("q", "?max=1000");
    assert_eq!(bodies(&received), all);
    let receipts: Vec<_> = received.iter().map(super::receipt).collect();
    let acked = service.post_json("/v1/queues/q/leases/ack", json!({ "receipts": receipts }));
    assert_eq!(results(&acked).1, [204; 1000]);
    assert_eq!(service.number("q", "/counts/depth"), 0);
}
