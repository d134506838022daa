//! Message attributes: what may be one, which come back, and their digest.

use serde_json::{Value, json};

use super::{over_both, text};

fn send(url: &str, attributes: Value) -> Value {
    json!({"QueueUrl": url, "MessageBody": "x", "MessageAttributes": attributes})
}

#[test]
fn attributes_of_every_type_come_back() {
    over_both(|service| {
        let url = service.create("q");
        let attributes = json!({
            "Number": {"StringValue": "-12.5e3", "DataType": "Number"},
            "binary": {"BinaryValue": "AP+A", "DataType": "Binary.png"},
            "custom": {"StringValue": "7", "DataType": "Number.int"},
            "text": {"StringValue": "ä <&> \r\n", "DataType": "String"},
        });
        let sent = service.ok("SendMessage", send(&url, attributes.clone()));
        let message = service.receive_one(&url, json!({"MessageAttributeNames": ["All"]}));
        assert_eq!(message["MessageAttributes"], attributes);
        assert_eq!(message["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"]);
        assert_eq!(text(&sent["MD5OfMessageAttributes"]).len(), 32);
    });
}

#[test]
fn the_digest_is_the_one_that_the_service_gives() {
    over_both(|service| {
        let url = service.create("q");
        let attributes = json!({"Foo": {"StringValue": "Bar", "DataType": "String"}});
        let sent = service.ok("SendMessage", send(&url, attributes));
        assert_eq!(sent["MD5OfMessageAttributes"], "ae7155c6026991b6d54b11589678bf9c");
        assert!(sent.get("MD5OfMessageSystemAttributes").is_none(), "{sent}");
    });
}

#[test]
fn only_those_asked_for_come_and_are_in_the_digest() {
    over_both(|service| {
        let url = service.create("q");
        let string = |value: &str| json!({"StringValue": value, "DataType": "String"});
        let all = json!({"Foo": string("Bar"), "a.x": string("1"), "a.y": string("2")});
        service.ok("SendMessage", send(&url, all));
        for (names, expected) in [
            (json!(["Foo"]), &["Foo"][..]),
            (json!(["a.*"]), &["a.x", "a.y"]),
            (json!([".*"]), &["Foo", "a.x", "a.y"]),
            (json!(["a.x", "Foo", "unknown"]), &["Foo", "a.x"]),
            (json!(["unknown"]), &[]),
        ] {
            let fields = json!({
                "MessageAttributeNames": names, "VisibilityTimeout": 0, "WaitTimeSeconds": 20,
            });
            let message = service.receive_one(&url, fields);
            let came = message["MessageAttributes"].as_object();
            let came: Vec<_> = came.map(|all| all.keys().collect()).unwrap_or_default();
            assert_eq!(came, expected, "{names}");
            assert_eq!(message.get("MD5OfMessageAttributes").is_some(), !expected.is_empty());
            if expected == ["Foo"] {
                assert_eq!(message["MD5OfMessageAttributes"], "ae7155c6026991b6d54b11589678bf9c");
            }
        }
    });
}

#[test]
fn what_is_no_attribute_is_refused() {
    over_both(|service| {
        let url = service.create("q");
        let string = json!({"StringValue": "x", "DataType": "String"});
        for (attributes, told) in [
            (json!({"a": {"StringValue": "x"}}), "non-empty message attribute type"),
            (json!({"a": {"StringValue": "x", "DataType": "Text"}}), "supported type prefixes"),
            (
                json!({"a": {"StringValue": "", "DataType": "String"}}),
                "non-empty message attribute value",
            ),
            (
                json!({"a": {"BinaryValue": "AA==", "DataType": "String"}}),
                "non-empty message attribute value",
            ),
            (json!({"a": {"BinaryValue": "?", "DataType": "Binary"}}), "not base64"),
            (json!({"a": {"StringValue": "one", "DataType": "Number"}}), "to a number"),
            (json!({"a b": string}), "A-Z, a-z, 0-9"),
            (json!({"AWS.a": string}), "reserved"),
            (json!({"sqs-type-a": string}), "reserved"),
            (json!({"x-amzn-trace-id": string}), "reserved"),
        ] {
            service.refuse("SendMessage", send(&url, attributes), told);
        }
        let attributes = |count: u32| {
            Value::Object((0..count).map(|n| (n.to_string(), string.clone())).collect())
        };
        service.ok("SendMessage", send(&url, attributes(10)));
        service.refuse(
            "SendMessage",
            send(&url, attributes(11)),
            "[11] exceeds the allowed maximum [10]",
        );
        assert_eq!(service.counts(&url), [1, 0, 0]);
    });
}
