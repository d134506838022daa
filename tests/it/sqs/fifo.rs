//! FIFO queues: names, groups, duplicates, sequence numbers.

use serde_json::{Value, json};

use super::{Service, bodies, over_both, text};

fn fifo(service: &mut Service, mut attributes: Value) -> String {
    attributes["FifoQueue"] = json!("true");
    service.create_with("q.fifo", attributes)
}

fn send(url: &str, body: &str, group: &str, id: Option<&str>) -> Value {
    let mut document = json!({"QueueUrl": url, "MessageBody": body, "MessageGroupId": group});
    if let Some(id) = id {
        document["MessageDeduplicationId"] = json!(id);
    }
    document
}

#[test]
fn a_fifo_queue_is_one_by_name_and_by_attribute() {
    over_both(|service| {
        let url = fifo(service, json!({}));
        let attributes = service.attributes(&url);
        for (name, value) in [
            ("FifoQueue", "true"),
            ("ContentBasedDeduplication", "false"),
            ("DeduplicationScope", "queue"),
            ("FifoThroughputLimit", "perQueue"),
        ] {
            assert_eq!(attributes[name], value, "{name}");
        }
        let named = json!({"QueueName": "other.fifo"});
        service.refuse("CreateQueue", named, "1 to 80 in length");
        let said = json!({"QueueName": "other", "Attributes": {"FifoQueue": "true"}});
        service.refuse("CreateQueue", said, "must end with .fifo");
        let changed = json!({"QueueUrl": url, "Attributes": {"FifoQueue": "false"}});
        service.fail(
            "SetQueueAttributes",
            changed,
            "InvalidAttributeValue",
            "InvalidAttributeValue",
        );
    });
}

#[test]
fn a_message_has_a_group_and_is_told_from_others() {
    over_both(|service| {
        let url = fifo(service, json!({}));
        let shape = "MissingRequiredParameterException";
        let document = json!({"QueueUrl": url, "MessageBody": "x", "MessageDeduplicationId": "1"});
        let failure = service.fail("SendMessage", document, shape, "MissingParameter");
        assert_eq!(failure.message, "The request must contain the parameter MessageGroupId.");
        let told = "ContentBasedDeduplication enabled or MessageDeduplicationId provided";
        service.refuse("SendMessage", send(&url, "x", "g", None), told);
        service.refuse("SendMessage", send(&url, "x", "a b", Some("1")), "MessageGroupId");
        service.refuse("SendMessage", send(&url, "x", "g", Some(&"x".repeat(129))), "128");
        let mut delayed = send(&url, "x", "g", Some("1"));
        delayed["DelaySeconds"] = json!(5);
        let told = "Value 5 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type";
        service.refuse("SendMessage", delayed, told);
        assert_eq!(service.counts(&url), [0, 0, 0]);

        let sent = service.ok("SendMessage", send(&url, "x", "g", Some("1")));
        let number = text(&sent["SequenceNumber"]);
        assert!(
            number.len() == 20 && number.bytes().all(|digit| digit.is_ascii_digit()),
            "{number}"
        );
        let message = service.receive_one(&url, json!({"AttributeNames": ["All"]}));
        let attributes = &message["Attributes"];
        assert_eq!(attributes["MessageGroupId"], "g");
        assert_eq!(attributes["MessageDeduplicationId"], "1");
        assert_eq!(attributes["SequenceNumber"], sent["SequenceNumber"]);
    });
}

#[test]
fn a_message_that_is_sent_twice_is_there_once() {
    over_both(|service| {
        let url = fifo(service, json!({}));
        let first = service.ok("SendMessage", send(&url, "x", "g", Some("1")));
        // By its id alone, also after it was deleted.
        let again = service.ok("SendMessage", send(&url, "other", "g", Some("1")));
        assert_eq!(again["MessageId"], first["MessageId"]);
        assert_eq!(again["SequenceNumber"], first["SequenceNumber"]);
        let message = service.receive_one(&url, json!({"MaxNumberOfMessages": 10}));
        assert_eq!(message["Body"], "x");
        service.delete(&url, &message);
        service.ok("SendMessage", send(&url, "x", "g", Some("1")));
        assert_eq!(service.counts(&url), [0, 0, 0]);
        let next = service.ok("SendMessage", send(&url, "x", "g", Some("2")));
        assert!(text(&next["SequenceNumber"]) > text(&first["SequenceNumber"]));
    });
}

#[test]
fn content_stands_for_an_id_where_the_queue_says_so() {
    over_both(|service| {
        let url = fifo(service, json!({"ContentBasedDeduplication": "true"}));
        for group in ["a", "b"] {
            service.ok("SendMessage", send(&url, "x", group, None));
        }
        service.ok("SendMessage", send(&url, "y", "a", None));
        assert_eq!(service.counts(&url), [2, 0, 0]);
        let message = service.receive_one(&url, json!({"AttributeNames": ["All"]}));
        let sha256_of_x = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
        assert_eq!(message["Attributes"]["MessageDeduplicationId"], sha256_of_x);
    });
}

#[test]
fn duplicates_may_be_looked_for_in_each_group() {
    over_both(|service| {
        let attributes =
            json!({"ContentBasedDeduplication": "true", "DeduplicationScope": "messageGroup"});
        let url = fifo(service, attributes);
        for group in ["a", "b", "a", "b"] {
            service.ok("SendMessage", send(&url, "x", group, None));
        }
        assert_eq!(service.counts(&url), [2, 0, 0]);
    });
}

#[test]
fn a_batch_keeps_its_order() {
    over_both(|service| {
        let url = fifo(service, json!({"ContentBasedDeduplication": "true"}));
        let entries: Vec<_> = ["1", "2", "1", "3"]
            .iter()
            .enumerate()
            .map(|(id, body)| json!({"Id": id.to_string(), "MessageBody": body, "MessageGroupId": "g"}))
            .collect();
        let answer = service.ok("SendMessageBatch", json!({"QueueUrl": url, "Entries": entries}));
        let sent = &answer["Successful"];
        assert_eq!(sent.as_array().map(Vec::len), Some(4), "{answer}");
        assert_eq!(sent[0]["SequenceNumber"], sent[2]["SequenceNumber"]);
        let received = service.receive(&url, json!({"MaxNumberOfMessages": 10}));
        assert_eq!(bodies(&received), ["1", "2", "3"]);
    });
}

#[test]
fn a_standard_queue_carries_a_group_along() {
    over_both(|service| {
        let url = service.create("q");
        service.ok("SendMessage", send(&url, "x", "g", None));
        let message = service.receive_one(&url, json!({"AttributeNames": ["All"]}));
        assert_eq!(message["Attributes"]["MessageGroupId"], "g");
        assert!(message["Attributes"].get("SequenceNumber").is_none(), "{message}");
        service.refuse(
            "SendMessage",
            send(&url, "x", "g", Some("1")),
            "not valid for this queue type",
        );
    });
}

#[test]
fn a_group_waits_for_its_message_in_flight() {
    over_both(|service| {
        let url = fifo(service, json!({"ContentBasedDeduplication": "true"}));
        for (body, group) in [("a1", "a"), ("b1", "b"), ("a2", "a"), ("b2", "b")] {
            service.ok("SendMessage", send(&url, body, group, None));
        }
        let a1 = service.receive_one(&url, json!({}));
        assert_eq!(a1["Body"], "a1");
        let b = service.receive(&url, json!({"MaxNumberOfMessages": 10}));
        assert_eq!(bodies(&b), ["b1", "b2"]);
        assert!(service.receive(&url, json!({"MaxNumberOfMessages": 10})).is_empty());
        service.delete(&url, &a1);
        assert_eq!(service.receive_one(&url, json!({}))["Body"], "a2");
    });
}

#[test]
fn a_message_that_comes_back_stays_in_front_of_its_group() {
    over_both(|service| {
        let url = fifo(service, json!({"ContentBasedDeduplication": "true"}));
        for body in ["1", "2"] {
            service.ok("SendMessage", send(&url, body, "g", None));
        }
        let first = service.receive_one(&url, json!({}));
        let handle = &first["ReceiptHandle"];
        let back = json!({"QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 0});
        service.ok("ChangeMessageVisibility", back);
        let both = service.receive(&url, json!({"MaxNumberOfMessages": 10}));
        assert_eq!(bodies(&both), ["1", "2"]);
    });
}

#[test]
fn a_handle_is_good_until_its_time_is_over() {
    over_both(|service| {
        let url = fifo(service, json!({"ContentBasedDeduplication": "true"}));
        service.ok("SendMessage", send(&url, "x", "g", None));
        let first = service.receive_one(&url, json!({"VisibilityTimeout": 1}));
        let second = service.receive_one(&url, json!({"WaitTimeSeconds": 20}));
        let document = json!({"QueueUrl": url, "ReceiptHandle": first["ReceiptHandle"]});
        service.refuse("DeleteMessage", document.clone(), "The receipt handle has expired.");
        let mut change = document;
        change["VisibilityTimeout"] = json!(10);
        service.refuse("ChangeMessageVisibility", change, "The receipt handle has expired.");
        service.delete(&url, &second);
        service.delete(&url, &second);
        assert_eq!(service.counts(&url), [0, 0, 0]);
    });
}

#[test]
fn an_attempt_that_comes_again_is_given_the_same_messages() {
    over_both(|service| {
        let url = fifo(service, json!({"ContentBasedDeduplication": "true"}));
        for (body, group) in [("a", "a"), ("b", "b")] {
            service.ok("SendMessage", send(&url, body, group, None));
        }
        let attempt = json!({"ReceiveRequestAttemptId": "one"});
        let first = service.receive_one(&url, attempt.clone());
        let again = service.receive_one(&url, attempt.clone());
        assert_eq!(again["ReceiptHandle"], first["ReceiptHandle"]);
        let other = service.receive_one(&url, json!({"ReceiveRequestAttemptId": "two"}));
        assert_eq!(other["Body"], "b");
        service.delete(&url, &first);
        assert!(service.receive(&url, attempt).is_empty());
    });
}

#[test]
fn a_limit_for_each_group_needs_deduplication_in_each() {
    over_both(|service| {
        let fifo = |more: Value| {
            let mut attributes = json!({"FifoQueue": "true"});
            attributes
                .as_object_mut()
                .expect("a map")
                .extend(more.as_object().expect("a map").clone());
            attributes
        };
        let code = "InvalidAttributeValue";
        let limit = json!({"FifoThroughputLimit": "perMessageGroupId"});
        let both = json!({"FifoThroughputLimit": "perMessageGroupId", "DeduplicationScope": "messageGroup"});
        let document = json!({"QueueName": "a.fifo", "Attributes": fifo(limit.clone())});
        service.fail("CreateQueue", document, code, code);
        let url = service.create_with("a.fifo", fifo(both));
        let scope = json!({"DeduplicationScope": "queue"});
        service.fail(
            "SetQueueAttributes",
            json!({"QueueUrl": url, "Attributes": scope}),
            code,
            code,
        );

        let url = service.create_with("b.fifo", fifo(json!({})));
        let document = json!({"QueueUrl": url, "Attributes": limit});
        service.fail("SetQueueAttributes", document.clone(), code, code);
        let scope = json!({"DeduplicationScope": "messageGroup"});
        service.ok("SetQueueAttributes", json!({"QueueUrl": url, "Attributes": scope}));
        service.ok("SetQueueAttributes", document);
    });
}
