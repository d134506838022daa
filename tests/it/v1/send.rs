//! Sending one message: any bytes, and what travels with them.

use serde_json::json;

use super::{RAW, Service, marks};
use crate::support::client::post_chunked;

/// Every byte there is, in no text's order.
fn all_bytes() -> Vec<u8> {
    (0..=255).rev().collect()
}

#[test]
fn any_bytes_come_back_raw_with_their_content_type() {
    let mut service = Service::with_queue(json!({}));
    let whole = vec![0xab; 1 << 20];
    for (content_type, body) in [
        ("image/png", all_bytes()),
        ("text/plain", b"order 1".to_vec()),
        ("application/json; charset=utf-8", b"{\"a\":1}".to_vec()),
        ("x/empty", Vec::new()),
        ("application/octet-stream", b"\r\n\r\nHTTP/1.1 500\r\n\r\n".to_vec()),
        ("x/", whole[..(1 << 20) - 2].to_vec()),
    ] {
        let sent = service.try_send("q", &[("Content-Type", content_type)], &body);
        assert_eq!(sent.status, 201, "{}", sent.text());
        let id = super::text(&sent.json()["id"]);
        let raw = service.call("POST", "/v1/queues/q/receive?max=1", &[RAW], "");
        assert_eq!(raw.status, 200);
        assert_eq!(raw.header("content-type"), Some(content_type));
        assert_eq!(raw.header("queue-message-id"), Some(&*id));
        assert_eq!(raw.header("queue-receive-count"), Some("1"));
        assert!(raw.header("queue-age-ms").is_some_and(|age| age.parse::<u64>().is_ok()));
        assert!(raw.body == body, "{content_type}: {} bytes", raw.body.len());
        let receipt = raw.header("queue-receipt").expect("a receipt").to_owned();
        assert_eq!(service.ack("q", &receipt).status, 204);
    }
}

#[test]
fn a_body_in_chunks_is_one_message() {
    let mut service = Service::with_queue(json!({}));
    service.client.send(post_chunked("/v1/queues/q/messages", b"abcdefghij", &[1, 2, 3]));
    assert_eq!(service.client.answer().status, 201);
    let message = service.receive_one("q", "");
    assert_eq!(message["body"], "abcdefghij");
    // Nothing was said of its type.
    assert_eq!(message["content_type"], "application/octet-stream");
}

#[test]
fn bytes_that_are_no_text_are_base64_in_json() {
    let mut service = Service::with_queue(json!({}));
    service.send("q", [0, 0xff]);
    let message = service.receive_one("q", "");
    assert_eq!(message["body_base64"], "AP8=");
    assert!(message.get("body").is_none(), "{message}");
}

#[test]
fn text_comes_back_in_json_as_it_was() {
    let mut service = Service::with_queue(json!({}));
    for body in ["", "ä\u{1f600}\"\\\n\u{0}\u{7f}", "{\"a\": [1]}", "</script>", "\u{2028}"] {
        service.send_with("q", &[("Content-Type", "text/plain; x=\"y\"")], body);
        let message = service.receive_one("q", "?lease=0");
        assert_eq!(message["body"], body);
        assert_eq!(message["content_type"], "text/plain; x=\"y\"");
    }
}

#[test]
fn nothing_to_receive_raw_is_204() {
    let mut service = Service::with_queue(json!({"capacity": 5}));
    let none = service.call("POST", "/v1/queues/q/receive", &[RAW], "");
    assert_eq!((none.status, marks(&none)), (204, (0, 5)));
    assert_eq!(none.body, b"");
}

#[test]
fn a_message_is_raw_only_where_that_is_wanted_most() {
    let mut service = Service::with_queue(json!({}));
    for (accept, content_type) in [
        ("application/octet-stream, */*;q=0.1", "text/plain"),
        ("application/octet-stream;q=0", "application/json"),
        ("application/octet-stream;q=0.5, application/json", "application/json"),
        ("*/*", "application/json"),
    ] {
        service.send_with("q", &[("Content-Type", "text/plain")], "x");
        let target = "/v1/queues/q/receive?lease=0";
        let received = service.call("POST", target, &[("Accept", accept)], "");
        assert_eq!(received.header("content-type"), Some(content_type), "{accept}");
    }
}

#[test]
fn raw_without_a_lease_has_no_receipt() {
    let mut service = Service::with_queue(json!({}));
    service.send("q", "x");
    let raw = service.call("POST", "/v1/queues/q/receive?lease=0", &[RAW], "");
    assert_eq!((raw.status, raw.header("queue-receipt")), (200, None));
    assert_eq!(service.number("q", "/counts/depth"), 0);
}

#[test]
fn attributes_and_trace_context_travel_with_the_message() {
    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut service = Service::with_queue(json!({}));
    let headers = [
        ("Queue-Attr-Tenant", "acme, inc"),
        ("QUEUE-ATTR-X-Empty", ""),
        ("queue-attr-text", "ä"),
        ("Traceparent", PARENT),
        ("tracestate", "a=1,b=2"),
        ("X-Other", "stays here"),
    ];
    for _ in 0..2 {
        service.send_with("q", &headers, "x");
    }
    let message = service.receive_one("q", "?lease=0");
    let expected = json!({
        "tenant": "acme, inc", "x-empty": "", "text": "ä",
        "traceparent": PARENT, "tracestate": "a=1,b=2",
    });
    assert_eq!(message["attributes"], expected);
    let raw = service.call("POST", "/v1/queues/q/receive", &[RAW], "");
    assert_eq!(raw.header("queue-attr-tenant"), Some("acme, inc"));
    assert_eq!(raw.header("queue-attr-x-empty"), Some(""));
    assert_eq!(raw.header("queue-attr-text"), Some("ä"));
    assert_eq!(raw.header("traceparent"), Some(PARENT));
    assert_eq!(raw.header("tracestate"), Some("a=1,b=2"));
    assert_eq!(raw.header("x-other"), None);
}

#[test]
fn the_location_of_a_sent_message_can_be_fetched_wherever_it_is() {
    let mut service = Service::with_queue(json!({"capacity": 5}));
    let headers = [("Content-Type", "text/plain"), ("Queue-Attr-a", "1"), ("Queue-Delay", "60")];
    let delayed = service.try_send("q", &headers, "delayed");
    let sent = service.try_send("q", &headers[..2], "sent");
    assert_eq!(marks(&sent), (2, 5));
    let location =
        |answer: &crate::support::Answer| answer.header("location").expect("a location").to_owned();
    let (delayed, location) = (location(&delayed), location(&sent));
    assert_eq!(service.get(&delayed).json()["body"], "delayed");
    let look = service.get(&location);
    assert_eq!((look.status, marks(&look)), (200, (2, 5)));
    let look = look.json();
    assert_eq!(look["id"], sent.json()["id"]);
    assert_eq!((&look["body"], &look["content_type"]), (&json!("sent"), &json!("text/plain")));
    assert_eq!((&look["receive_count"], &look["attributes"]), (&json!(0), &json!({"a": "1"})));
    assert!(look.get("receipt").is_none(), "who only looks gets no receipt: {look}");

    let receipt = super::receipt(&service.receive_one("q", ""));
    assert_eq!(service.get(&location).json()["receive_count"], 1);
    assert_eq!(service.ack("q", &receipt).status, 204);
    service.get(&location).assert_problem(404, "message_not_found");
    // Its place is another's now.
    service.send("q", "next");
    service.get(&location).assert_problem(404, "message_not_found");
}

#[test]
fn a_delayed_message_comes_when_it_is_due() {
    let mut service = Service::with_queue(json!({}));
    service.send_with("q", &[("Queue-Delay", "200ms")], "late");
    service.send("q", "now");
    assert_eq!(service.receive_one("q", "?lease=0")["body"], "now");
    let late = service.receive_one("q", "?wait=30");
    assert_eq!(late["body"], "late");
    // The age is that of the message, its delay included.
    assert!(late["age_ms"].as_u64().is_some_and(|age| age >= 200), "{late}");
}

#[test]
fn a_message_expires_when_its_time_is_over() {
    let mut service = Service::with_queue(json!({}));
    let sent = service.try_send("q", &[("Queue-TTL", "20ms")], "short");
    service.send_with("q", &[("Queue-TTL", "1h")], "long");
    service.wait_for("q", "/totals/expired", 1);
    let location = sent.header("location").expect("a location").to_owned();
    service.get(&location).assert_problem(404, "message_not_found");
    assert_eq!(service.number("q", "/counts/depth"), 1);
    assert_eq!(service.drain("q"), ["long"]);
}

#[test]
fn bad_headers_are_refused_by_name() {
    let mut service = Service::with_queue(json!({}));
    let long_key = "k".repeat(256);
    let long_name = format!("Queue-Attr-{}", "n".repeat(65));
    for (header, value) in [
        ("Queue-Delay", "soon"),
        ("Queue-Delay", "-1"),
        ("Queue-Delay", ""),
        ("Queue-Delay", "8d"),
        ("Queue-TTL", "0"),
        ("Queue-TTL", "1w"),
        ("Idempotency-Key", ""),
        ("Idempotency-Key", "ä"),
        ("Idempotency-Key", &long_key),
        ("Content-Type", "ä"),
        ("Queue-Attr-", "x"),
        (&long_name, "x"),
    ] {
        let refused = service.try_send("q", &[(header, value)], "x");
        let problem = refused.assert_problem(400, "invalid_parameter");
        assert_eq!(problem["field"], header.to_lowercase(), "{value}: {problem}");
    }
    assert_eq!(service.number("q", "/totals/sent"), 0);
}

#[test]
fn headers_that_are_given_twice_are_refused_by_name() {
    let mut service = Service::with_queue(json!({}));
    for header in [
        "queue-delay",
        "queue-ttl",
        "idempotency-key",
        "content-type",
        "queue-attr-a",
        "traceparent",
    ] {
        let refused = service.try_send("q", &[(header, "1"), (header, "1")], "x");
        let problem = refused.assert_problem(400, "invalid_parameter");
        assert_eq!(problem["field"], header, "{problem}");
    }
    assert_eq!(service.number("q", "/totals/sent"), 0);
}

#[test]
fn a_tracestate_in_several_headers_is_one_list() {
    let mut service = Service::with_queue(json!({}));
    service.send_with("q", &[("tracestate", "a=1"), ("tracestate", "b=2")], "x");
    assert_eq!(service.receive_one("q", "")["attributes"], json!({"tracestate": "a=1,b=2"}));
}
