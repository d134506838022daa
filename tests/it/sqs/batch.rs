//! Batches: a result for each entry, and what spoils all of them.

use serde_json::{Value, json};

use super::{Service, bodies, over_both};

/// Batches, with what an entry needs beside its id.
const BATCHES: [(&str, &str, &str); 3] = [
    ("SendMessageBatch", "MessageBody", "x"),
    ("DeleteMessageBatch", "ReceiptHandle", "x"),
    ("ChangeMessageVisibilityBatch", "ReceiptHandle", "x"),
];

#[test]
fn every_entry_has_a_result() {
    over_both(|service| {
        let url = service.create("q");
        let entries = json!([
            {"Id": "a", "MessageBody": "one"},
            {"Id": "b"},
            {"Id": "c", "MessageBody": "two", "DelaySeconds": 901},
            {"Id": "d", "MessageBody": "three",
             "MessageAttributes": {"Foo": {"DataType": "String", "StringValue": "Bar"}}},
            {"Id": "e", "MessageBody": "later", "DelaySeconds": 900},
        ]);
        let answer = service.ok("SendMessageBatch", json!({"QueueUrl": url, "Entries": entries}));
        assert_eq!(ids(&answer["Successful"]), ["a", "d", "e"]);
        let digest = "ae7155c6026991b6d54b11589678bf9c";
        assert_eq!(answer["Successful"][1]["MD5OfMessageAttributes"], digest);
        assert_eq!(
            answer["Failed"],
            json!([
                {"Id": "b", "SenderFault": true, "Code": "MissingParameter",
                 "Message": "The request must contain the parameter MessageBody."},
                {"Id": "c", "SenderFault": true, "Code": "InvalidParameterValue",
                 "Message": "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."},
            ])
        );
        assert_eq!(service.counts(&url), [2, 0, 1]);

        let received = service.receive(&url, json!({"MaxNumberOfMessages": 10}));
        assert_eq!(bodies(&received), ["one", "three"]);
        let handle = |number: usize| received[number]["ReceiptHandle"].clone();
        let entries = json!([
            {"Id": "a", "ReceiptHandle": handle(0), "VisibilityTimeout": 0},
            {"Id": "b", "ReceiptHandle": handle(1), "VisibilityTimeout": 43201},
            {"Id": "c", "ReceiptHandle": "garbage", "VisibilityTimeout": 1},
        ]);
        let document = json!({"QueueUrl": url, "Entries": entries});
        let answer = service.ok("ChangeMessageVisibilityBatch", document);
        assert_eq!(answer["Successful"], json!([{"Id": "a"}]));
        assert_eq!(codes(&answer["Failed"]), ["InvalidParameterValue", "ReceiptHandleIsInvalid"]);
        assert_eq!(service.counts(&url), [1, 1, 1]);

        let entries = json!([
            {"Id": "x", "ReceiptHandle": handle(1)},
            {"Id": "y", "ReceiptHandle": "garbage"},
            {"Id": "z", "ReceiptHandle": handle(1)},
        ]);
        let answer = service.ok("DeleteMessageBatch", json!({"QueueUrl": url, "Entries": entries}));
        assert_eq!(ids(&answer["Successful"]), ["x", "z"]);
        assert_eq!(codes(&answer["Failed"]), ["ReceiptHandleIsInvalid"]);
        assert_eq!(service.counts(&url), [1, 0, 1]);
    });
}

#[test]
fn a_batch_that_makes_no_sense_is_refused_as_a_whole() {
    over_both(|service| {
        let url = service.create("q");
        for (action, field, value) in BATCHES {
            let entries = |ids: &[&str]| -> Value {
                ids.iter()
                    .map(|id| json!({"Id": id, field: value, "VisibilityTimeout": 1}))
                    .collect()
            };
            let numbers: Vec<String> = (0..20).map(|number| number.to_string()).collect();
            let twenty: Vec<&str> = numbers.iter().map(String::as_str).collect();
            for (entries, code, told) in [
                (json!([]), "EmptyBatchRequest", "at least one"),
                (
                    entries(&twenty),
                    "TooManyEntriesInBatchRequest",
                    "Maximum number of entries per request are 10. You have sent 20.",
                ),
                (entries(&["a", "b", "a"]), "BatchEntryIdsNotDistinct", "Id a repeated."),
                (entries(&["a", "b c"]), "InvalidBatchEntryId", "alphanumeric"),
                (entries(&[&"x".repeat(81)]), "InvalidBatchEntryId", "80"),
            ] {
                let document = json!({"QueueUrl": url, "Entries": entries});
                let legacy = format!("AWS.SimpleQueueService.{code}");
                let failure = service.fail(action, document, code, &legacy);
                assert!(failure.message.contains(told), "{failure:?}");
                assert_eq!(failure.status, 400);
            }
        }
        assert_eq!(service.counts(&url), [0, 0, 0]);
    });
}

fn ids(entries: &Value) -> Vec<&str> {
    let entries = entries.as_array().expect("a list").iter();
    entries.map(|entry| entry["Id"].as_str().expect("an id")).collect()
}

fn codes(entries: &Value) -> Vec<&str> {
    let entries = entries.as_array().expect("a list").iter();
    entries.map(|entry| entry["Code"].as_str().expect("a code")).collect()
}

#[test]
fn a_million_entries_are_counted() {
    let mut service = Service::json();
    let url = service.create("q");
    for action in ["SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"] {
        let entries = vec![json!({}); 1_000_000];
        let failure = service.fail(
            action,
            json!({"QueueUrl": url, "Entries": entries}),
            "TooManyEntriesInBatchRequest",
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        );
        let told = "Maximum number of entries per request are 10. You have sent 1000000.";
        assert_eq!(failure.message, told);
    }
}
