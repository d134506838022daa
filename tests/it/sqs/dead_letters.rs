//! Dead letters by `RedrivePolicy`, and who may send them where.

use serde_json::{Value, json};

use super::{bodies, over_both};

const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:";

fn policy(target: &str, most: Value) -> String {
    json!({"deadLetterTargetArn": format!("{ARN}{target}"), "maxReceiveCount": most}).to_string()
}

#[test]
fn a_message_that_was_received_too_often_goes_to_the_other_queue() {
    over_both(|service| {
        let dead = service.create("dead");
        let attributes = json!({"RedrivePolicy": policy("dead", json!("2"))});
        let url = service.create_with("q", attributes);
        let attribute = json!({"DataType": "Number", "StringValue": "7"});
        let document =
            json!({"QueueUrl": url, "MessageBody": "x", "MessageAttributes": {"a": attribute}});
        let sent = service.ok("SendMessage", document);
        for _ in 0..2 {
            service.receive_one(&url, json!({"VisibilityTimeout": 1, "WaitTimeSeconds": 20}));
        }
        let fields = json!({
            "AttributeNames": ["All"], "MessageAttributeNames": ["All"], "WaitTimeSeconds": 20,
        });
        let message = service.receive_one(&dead, fields);
        assert_eq!(message["Body"], "x");
        assert_eq!(message["MessageAttributes"], json!({"a": attribute}));
        assert_eq!(message["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"]);
        assert_eq!(message["Attributes"]["DeadLetterQueueSourceArn"], format!("{ARN}q"));
        assert_eq!(service.counts(&url), [0, 0, 0]);
    });
}

#[test]
fn visibility_zero_counts_as_a_receive() {
    over_both(|service| {
        let dead = service.create("dead");
        let url = service.create_with("q", json!({"RedrivePolicy": policy("dead", json!(1))}));
        service.send(&url, "x");
        let message = service.receive_one(&url, json!({}));
        let handle = &message["ReceiptHandle"];
        let document = json!({"QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 0});
        service.ok("ChangeMessageVisibility", document);
        assert_eq!(bodies(&service.receive(&dead, json!({"WaitTimeSeconds": 20}))), ["x"]);
    });
}

#[test]
fn a_policy_is_told_and_taken_away() {
    over_both(|service| {
        let dead = service.create("dead");
        let given = json!({"RedrivePolicy": policy("dead", json!("5"))});
        let url = service.create_with("q", given.clone());
        // The same, with the number as text.
        service.create_with("q", given);
        assert_eq!(service.attributes(&url)["RedrivePolicy"], policy("dead", json!(5)));
        let sources = service.ok("ListDeadLetterSourceQueues", json!({"QueueUrl": dead}));
        assert_eq!(sources, json!({"queueUrls": [url]}));
        let document = json!({"QueueUrl": url, "Attributes": {"RedrivePolicy": ""}});
        service.ok("SetQueueAttributes", document);
        assert!(service.attributes(&url).get("RedrivePolicy").is_none());
        let sources = service.ok("ListDeadLetterSourceQueues", json!({"QueueUrl": dead}));
        assert!(sources["queueUrls"].as_array().is_none_or(Vec::is_empty), "{sources}");
    });
}

#[test]
fn a_policy_that_makes_no_sense_is_refused() {
    over_both(|service| {
        let url = service.create("q");
        service.create("dead");
        for (value, told) in [
            (policy("none", json!(1)), "Dead letter target does not exist."),
            (policy("q", json!(1)), "the queue itself"),
            (policy("dead", json!(0)), "maxReceiveCount"),
            (policy("dead", json!(1001)), "maxReceiveCount"),
            ("{}".to_owned(), "not a valid JSON map"),
            ("x".to_owned(), "not a valid JSON map"),
        ] {
            let document = json!({"QueueUrl": url, "Attributes": {"RedrivePolicy": value}});
            service.refuse("SetQueueAttributes", document, told);
        }
    });
}

#[test]
fn a_queue_says_whose_dead_letters_it_takes() {
    over_both(|service| {
        let dead = service.create("dead");
        let url = service.create("q");
        let allow = |service: &mut super::Service, value: Value| {
            let attributes = json!({"RedriveAllowPolicy": value.to_string()});
            service.ok("SetQueueAttributes", json!({"QueueUrl": dead, "Attributes": attributes}));
        };
        let attributes = json!({"RedrivePolicy": policy("dead", json!(3))});
        let document = json!({"QueueUrl": url, "Attributes": attributes});
        allow(service, json!({"redrivePermission": "denyAll"}));
        service.refuse("SetQueueAttributes", document.clone(), "not permitted");
        let arns = json!([format!("{ARN}other")]);
        allow(service, json!({"redrivePermission": "byQueue", "sourceQueueArns": arns}));
        service.refuse("SetQueueAttributes", document.clone(), "not permitted");
        let arns = json!([format!("{ARN}q")]);
        allow(service, json!({"redrivePermission": "byQueue", "sourceQueueArns": arns}));
        service.ok("SetQueueAttributes", document);
    });
}
