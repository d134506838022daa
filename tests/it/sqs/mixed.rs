//! The same queues through several faces.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Value, json};

use super::{Service, bodies, over_both};

/// Receives one message through v1, and takes it.
fn take(service: &Service, queue: &str) -> Value {
    let target = format!("/v1/queues/{queue}/receive?lease=0");
    service.server.client().post(&target, "").json()["messages"][0].take()
}

/// Sends through v1.
fn put(service: &Service, queue: &str, headers: &[(&str, &str)], body: &[u8]) {
    let target = format!("/v1/queues/{queue}/messages");
    let answer = service.server.client().call("POST", &target, headers, body);
    assert_eq!(answer.status, 201, "{}", answer.text());
}

#[test]
fn what_sqs_sends_v1_receives() {
    over_both(|service| {
        let url = service.create("q");
        let attributes = json!({
            "text": {"DataType": "String", "StringValue": "x"},
            "number": {"DataType": "Number", "StringValue": "7"},
            "bytes": {"DataType": "Binary", "BinaryValue": "AP8="},
        });
        let sent = service.ok(
            "SendMessage",
            json!({"QueueUrl": url, "MessageBody": "ä", "MessageAttributes": attributes}),
        );
        let message = take(service, "q");
        let id = message["id"].as_str().expect("an id");
        assert_eq!(super::text(&sent["MessageId"]).replace('-', ""), id);
        assert_eq!(message["body"], "ä");
        assert_eq!(message["content_type"], "text/plain; charset=utf-8");
        let expected = json!({
            "bytes": "AP8=", "sqs-type-bytes": "Binary",
            "number": "7", "sqs-type-number": "Number",
            "text": "x",
        });
        assert_eq!(message["attributes"], expected);
    });
}

#[test]
fn what_v1_sends_sqs_receives() {
    over_both(|service| {
        let url = service.create("q");
        let headers = [
            ("Queue-Attr-team", "a"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ];
        put(service, "q", &headers, b"hello");
        let message = service.receive_one(&url, json!({"MessageAttributeNames": ["All"]}));
        assert_eq!(message["Body"], "hello");
        let attributes = &message["MessageAttributes"];
        assert_eq!(attributes["team"], json!({"StringValue": "a", "DataType": "String"}));
        assert_eq!(attributes["traceparent"]["DataType"], "String");
        // A receipt is a receipt.
        let handle = super::text(&message["ReceiptHandle"]);
        let acked =
            service.server.client().request("DELETE", &format!("/v1/queues/q/leases/{handle}"));
        assert_eq!(acked.status, 204);
        service.delete(&url, &message);
    });
}

#[test]
fn a_body_that_is_no_text_comes_in_base64_and_says_so() {
    over_both(|service| {
        let url = service.create("q");
        for body in [&b"\xff\x00"[..], b"null \x00", "\u{ffff}".as_bytes()] {
            put(service, "q", &[], body);
            let message = service.receive_one(&url, json!({}));
            assert_eq!(message["Body"], BASE64.encode(body));
            let told =
                json!({"ringmq.body-encoding": {"StringValue": "base64", "DataType": "String"}});
            assert_eq!(message["MessageAttributes"], told);
            assert!(message["MD5OfMessageAttributes"].is_string(), "{message}");
            service.delete(&url, &message);
        }
    });
}

#[test]
fn the_queue_of_the_classic_routes_is_a_queue() {
    over_both(|service| {
        service.server.client().put("event");
        let message = service.receive_one("default", json!({}));
        assert_eq!(message["Body"], "event");
        service.delete("default", &message);
        service.send("default", "from sqs");
        assert_eq!(service.server.drain(), ["from sqs"]);
        service.fail(
            "DeleteQueue",
            json!({"QueueUrl": "default"}),
            "UnsupportedOperation",
            "AWS.SimpleQueueService.UnsupportedOperation",
        );
    });
}

#[test]
fn order_holds_across_the_faces() {
    over_both(|service| {
        let url = service.create("q");
        for number in 0..10 {
            let body = number.to_string();
            if number % 2 == 0 {
                put(service, "q", &[], body.as_bytes());
            } else {
                service.send(&url, &body);
            }
        }
        let received = service.receive(&url, json!({"MaxNumberOfMessages": 10}));
        assert_eq!(bodies(&received), (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
    });
}
