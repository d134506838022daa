//! Messages in and out: bodies, digests, what a receive tells.

use base16ct::lower::encode_string;
use md5::{Digest as _, Md5};
use serde_json::json;

use super::{bodies, over_both, text};

#[test]
fn a_message_comes_as_it_was_sent() {
    over_both(|service| {
        let url = service.create("q");
        for body in ["This is a test message", "ä\u{1f600} <&>\"'\t\r\n]]>", " "] {
            let sent = service.send(&url, body);
            let message = service.receive_one(&url, json!({}));
            assert_eq!(message["Body"], body);
            let digest = encode_string(&Md5::digest(body));
            assert_eq!(sent["MD5OfMessageBody"], digest);
            assert_eq!(message["MD5OfBody"], digest);
            assert_eq!(message["MessageId"], sent["MessageId"]);
            assert_eq!(
                text(&sent["MessageId"]).split('-').map(str::len).collect::<Vec<_>>(),
                [8, 4, 4, 4, 12]
            );
            // Only what is asked for.
            let fields: Vec<_> = message.as_object().expect("an object").keys().cloned().collect();
            assert_eq!(fields, ["MessageId", "ReceiptHandle", "MD5OfBody", "Body"]);
            service.delete(&url, &message);
        }
        assert_eq!(service.counts(&url), [0, 0, 0]);
    });
}

#[test]
fn an_empty_receive_has_no_list() {
    over_both(|service| {
        let url = service.create("q");
        assert_eq!(service.ok("ReceiveMessage", json!({"QueueUrl": url})), json!({}));
    });
}

#[test]
fn as_many_come_as_are_asked_for() {
    over_both(|service| {
        let url = service.create("q");
        for number in 0..12 {
            service.send(&url, &number.to_string());
        }
        assert_eq!(bodies(&service.receive(&url, json!({}))), ["0"]);
        let ten = service.receive(&url, json!({"MaxNumberOfMessages": 10}));
        assert_eq!(bodies(&ten), (1..11).map(|number| number.to_string()).collect::<Vec<_>>());
        assert_eq!(service.counts(&url), [1, 11, 0]);
        for max in [0, 11, -1] {
            let document = json!({"QueueUrl": url, "MaxNumberOfMessages": max});
            let told = format!("Value {max} for parameter MaxNumberOfMessages is invalid.");
            service.refuse("ReceiveMessage", document, &told);
        }
    });
}

#[test]
fn system_attributes_are_told_where_they_are_asked_for() {
    over_both(|service| {
        let url = service.create("q");
        service.send(&url, "x");
        let mut first_received = None;
        for (round, field) in [(1, "AttributeNames"), (2, "MessageSystemAttributeNames")] {
            let message = service.receive_one(
                &url,
                json!({field: ["All"], "VisibilityTimeout": 0, "WaitTimeSeconds": 20}),
            );
            let attributes = &message["Attributes"];
            assert_eq!(attributes["ApproximateReceiveCount"], round.to_string());
            assert_eq!(attributes["SenderId"], "000000000000");
            let at = |name: &str| text(&attributes[name]).parse::<u64>().expect("milliseconds");
            let (sent, first) = (at("SentTimestamp"), at("ApproximateFirstReceiveTimestamp"));
            assert!(sent > 1_700_000_000_000 && first >= sent, "{attributes}");
            // The first time of all.
            assert_eq!(*first_received.get_or_insert(first), first, "{attributes}");
            for absent in ["SequenceNumber", "MessageGroupId", "AWSTraceHeader"] {
                assert!(attributes.get(absent).is_none(), "{attributes}");
            }
        }
        let fields = json!({"AttributeNames": ["ApproximateReceiveCount"], "WaitTimeSeconds": 20});
        let message = service.receive_one(&url, fields);
        assert_eq!(message["Attributes"], json!({"ApproximateReceiveCount": "3"}));
        let document = json!({"QueueUrl": url, "MessageSystemAttributeNames": ["Nope"]});
        service.fail("ReceiveMessage", document, "InvalidAttributeName", "InvalidAttributeName");
    });
}

#[test]
fn a_trace_header_travels_with_a_message() {
    over_both(|service| {
        let url = service.create("q");
        let trace = "Root=1-5759e988-bd862e3fe1be46a994272793";
        let system = |name: &str, data_type: &str| {
            let attribute = json!({"DataType": data_type, "StringValue": trace});
            json!({"QueueUrl": url, "MessageBody": "x", "MessageSystemAttributes": {name: attribute}})
        };
        let sent = service.ok("SendMessage", system("AWSTraceHeader", "String"));
        assert_eq!(text(&sent["MD5OfMessageSystemAttributes"]).len(), 32);
        assert!(sent.get("MD5OfMessageAttributes").is_none(), "{sent}");
        let fields =
            json!({"AttributeNames": ["AWSTraceHeader"], "MessageAttributeNames": ["All"]});
        let message = service.receive_one(&url, fields);
        assert_eq!(message["Attributes"], json!({"AWSTraceHeader": trace}));
        assert!(message.get("MessageAttributes").is_none(), "{message}");
        service.refuse("SendMessage", system("Other", "String"), "AWSTraceHeader");
        service.refuse("SendMessage", system("AWSTraceHeader", "Number"), "must be a string");
    });
}

#[test]
fn a_message_waits_for_its_delay() {
    over_both(|service| {
        let url = service.create_with("q", json!({"DelaySeconds": "900"}));
        service.send(&url, "later");
        let now = json!({"QueueUrl": url, "MessageBody": "now", "DelaySeconds": 0});
        service.ok("SendMessage", now);
        assert_eq!(service.counts(&url), [1, 0, 1]);
        let soon = json!({"QueueUrl": url, "MessageBody": "soon", "DelaySeconds": 1});
        service.ok("SendMessage", soon);
        assert_eq!(service.counts(&url), [1, 0, 2]);
        assert_eq!(bodies(&service.receive(&url, json!({"MaxNumberOfMessages": 10}))), ["now"]);
        assert_eq!(bodies(&service.receive(&url, json!({"WaitTimeSeconds": 20}))), ["soon"]);
        for delay in [-1, 901] {
            let document = json!({"QueueUrl": url, "MessageBody": "x", "DelaySeconds": delay});
            let told = format!("Value {delay} for parameter DelaySeconds is invalid.");
            service.refuse("SendMessage", document, &told);
        }
    });
}

#[test]
fn a_purge_removes_everything_as_often_as_one_likes() {
    over_both(|service| {
        let url = service.create("q");
        for _ in 0..2 {
            service.send(&url, "x");
            service.send(&url, "y");
            service.receive_one(&url, json!({}));
            service.ok("PurgeQueue", json!({"QueueUrl": url}));
            assert_eq!(service.counts(&url), [0, 0, 0]);
        }
    });
}
