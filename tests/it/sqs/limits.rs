//! Sizes and characters, strict and relaxed.

use serde_json::json;

use super::{Protocol, Service, over_both, over_both_with};

const MIB: usize = 1 << 20;

#[test]
fn a_message_may_have_a_mebibyte_with_its_attributes() {
    over_both(|service| {
        let url = service.create("q");
        service.send(&url, &"x".repeat(MIB));
        service.send(&url, &"ä".repeat(MIB / 2));
        let told = "Message must be shorter than 1048576 bytes.";
        let document = json!({"QueueUrl": url, "MessageBody": "x".repeat(MIB + 1)});
        service.refuse("SendMessage", document, told);
        // Name, type and value count.
        let attributes = json!({"name": {"DataType": "String", "StringValue": "value"}});
        let sized = |size: usize| json!({"QueueUrl": url, "MessageBody": "x".repeat(size), "MessageAttributes": attributes});
        service.ok("SendMessage", sized(MIB - 15));
        service.refuse("SendMessage", sized(MIB - 14), told);
    });
}

#[test]
fn what_is_kept_beside_a_message_is_not_its_senders() {
    over_both(|service| {
        let attributes = json!({"FifoQueue": "true", "ContentBasedDeduplication": "true"});
        let fifo = service.create_with("q.fifo", attributes);
        let fifo = |size: usize| json!({"QueueUrl": fifo, "MessageBody": "x".repeat(size), "MessageGroupId": "g"});
        let told = "Message must be shorter than 1048576 bytes.";
        service.ok("SendMessage", fifo(MIB));
        service.refuse("SendMessage", fifo(MIB + 1), told);

        let url = service.create("q");
        let trace = json!({"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}});
        // One byte of name, six of type, three of value.
        let binary = json!({"b": {"DataType": "Binary", "BinaryValue": "AP8A"}});
        let entry = |size: usize| {
            json!({
                "Id": "a", "MessageBody": "x".repeat(size), "MessageAttributes": binary,
                "MessageSystemAttributes": trace,
            })
        };
        let alone = |size: usize| {
            let mut document = entry(size);
            document["QueueUrl"] = json!(url);
            document.as_object_mut().expect("a map").remove("Id");
            document
        };
        service.ok("SendMessage", alone(MIB - 10));
        service.refuse("SendMessage", alone(MIB - 9), told);
        let batch = json!({"QueueUrl": url, "Entries": [entry(MIB - 10)]});
        assert!(service.ok("SendMessageBatch", batch)["Successful"][0]["MessageId"].is_string());
    });
}

#[test]
fn a_queue_may_have_a_smaller_limit() {
    over_both(|service| {
        let url = service.create_with("q", json!({"MaximumMessageSize": "1024"}));
        service.send(&url, &"x".repeat(1024));
        let document = json!({"QueueUrl": url, "MessageBody": "x".repeat(1025)});
        service.refuse("SendMessage", document, "shorter than 1024 bytes");
    });
}

#[test]
fn a_batch_may_have_a_mebibyte_together() {
    over_both(|service| {
        let url = service.create("q");
        let batch = |size: usize| {
            let entry = |id: &str, size| json!({"Id": id, "MessageBody": "x".repeat(size)});
            json!({"QueueUrl": url, "Entries": [entry("a", MIB / 2), entry("b", size)]})
        };
        service.ok("SendMessageBatch", batch(MIB / 2));
        let (shape, code) = ("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong");
        let failure = service.fail("SendMessageBatch", batch(MIB / 2 + 1), shape, code);
        let told =
            "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.";
        assert_eq!(failure.message, told);
        // Also where one of them alone is too large.
        let failure = service.fail("SendMessageBatch", batch(MIB + 1), shape, code);
        assert!(failure.message.ends_with("You have sent 1572865 bytes."), "{failure:?}");
        assert_eq!(service.counts(&url), [2, 0, 0]);
    });
}

#[test]
fn bodies_have_the_characters_of_xml() {
    over_both(|service| {
        let url = service.create("q");
        service.send(&url, "\t\n\r \u{d7ff}\u{e000}\u{fffd}\u{10ffff}");
        for body in ["\u{0}", "a\u{8}", "\u{1f}", "\u{fffe}", "x\u{ffff}"] {
            let document = json!({"QueueUrl": url, "MessageBody": body});
            let code = "InvalidMessageContents";
            service.fail("SendMessage", document, code, code);
        }
        let document = json!({"QueueUrl": url, "MessageBody": ""});
        let failure = service.fail(
            "SendMessage",
            document,
            "MissingRequiredParameterException",
            "MissingParameter",
        );
        assert_eq!(failure.message, "The request must contain the parameter MessageBody.");
    });
}

#[test]
fn a_request_has_an_end() {
    let mut service = Service::start_with(Protocol::Json, &["--max-body-bytes", "1000"]);
    let url = service.create("q");
    service.send(&url, &"x".repeat(3000));
    let failure = service.fail(
        "SendMessage",
        json!({"QueueUrl": url, "MessageBody": "x".repeat(4000)}),
        "RequestEntityTooLargeException",
        "RequestEntityTooLarge",
    );
    assert_eq!(failure.status, 413);
    assert!(failure.message.contains("4000"), "{failure:?}");
}

#[test]
fn relaxed_limits_are_wider() {
    over_both_with(&["--sqs-limits", "relaxed"], |service| {
        let attributes = json!({
            "DelaySeconds": "604800", "MessageRetentionPeriod": "1", "MaximumMessageSize": "1",
            "ReceiveMessageWaitTimeSeconds": "60",
        });
        service.create_with("other", attributes);
        let url = service.create("q");
        let entries: Vec<_> =
            (0..200).map(|n| json!({"Id": n.to_string(), "MessageBody": "x"})).collect();
        let answer = service.ok("SendMessageBatch", json!({"QueueUrl": url, "Entries": entries}));
        assert_eq!(answer["Successful"].as_array().map(Vec::len), Some(200));
        assert_eq!(service.receive(&url, json!({"MaxNumberOfMessages": 150})).len(), 150);
        let document = json!({"QueueUrl": url, "MaxNumberOfMessages": 1001});
        service.refuse("ReceiveMessage", document, "between 1 and 1000");
    });
}
