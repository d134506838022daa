//! Errors of the protocol itself, and those that every action has.

use serde_json::json;

use super::{Protocol, Service, over_both};
use crate::support::client::request;

/// All actions about a queue.
const ABOUT_A_QUEUE: [&str; 18] = [
    "AddPermission",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "DeleteMessage",
    "DeleteMessageBatch",
    "DeleteQueue",
    "GetQueueAttributes",
    "ListDeadLetterSourceQueues",
    "ListQueueTags",
    "PurgeQueue",
    "ReceiveMessage",
    "RemovePermission",
    "SendMessage",
    "SendMessageBatch",
    "SetQueueAttributes",
    "TagQueue",
    "UntagQueue",
    "GetQueueUrl",
];

#[test]
fn a_queue_that_is_not_there_is_told_by_every_action() {
    over_both(|service| {
        for action in ABOUT_A_QUEUE {
            let document = json!({
                "QueueUrl": "http://ringmq/000000000000/none", "QueueName": "none",
                "MessageBody": "x", "ReceiptHandle": "x", "VisibilityTimeout": 1, "Label": "x",
                "Entries": [{"Id": "a", "MessageBody": "x"}],
            });
            let code = "AWS.SimpleQueueService.NonExistentQueue";
            let failure = service.fail(action, document, "QueueDoesNotExist", code);
            assert_eq!((failure.status, failure.side.as_str()), (400, "Sender"), "{action}");
            let told = match service.protocol {
                super::Protocol::Json => "The specified queue does not exist.",
                super::Protocol::Query => {
                    "The specified queue does not exist for this wsdl version."
                }
            };
            assert_eq!(failure.message, told, "{action}");
        }
    });
}

#[test]
fn a_request_that_names_no_queue_is_told() {
    over_both(|service| {
        for action in &ABOUT_A_QUEUE[..17] {
            let shape = "MissingRequiredParameterException";
            let failure = service.fail(action, json!({}), shape, "MissingParameter");
            assert_eq!(failure.message, "The request must contain the parameter QueueUrl.");
        }
    });
}

#[test]
fn an_action_that_is_none_is_told() {
    over_both(|service| {
        let failure = service.fail("Nope", json!({}), "UnknownOperationException", "InvalidAction");
        assert_eq!(failure.status, 400);
    });
    let mut service = Service::json();
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let answer = service.client.call("POST", "/", &form, "Version=2012-11-05");
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("<Code>MissingAction</Code>"), "{}", answer.text());
    let other = [("X-Amz-Target", "AmazonSNS.Publish")];
    let answer = service.client.call("POST", "/", &other, "{}");
    assert_eq!(answer.header("x-amzn-query-error"), Some("InvalidAction;Sender"));
}

#[test]
fn a_document_that_is_none_is_told() {
    let mut service = Service::json();
    service.create("q");
    let target = [("X-Amz-Target", "AmazonSQS.SendMessage")];
    for body in [
        &b"{"[..],
        b"[]",
        b"\"x\"",
        b"{\"QueueUrl\":1}",
        b"{\"QueueUrl\":\"q\",\"MessageBody\":\"x\",\"DelaySeconds\":\"soon\"}",
        b"{\"QueueUrl\":\"q\",\"MessageBody\":\"\xff\"}",
    ] {
        service.client.send(request("POST", "/", &target, body));
        let answer = service.client.answer();
        let failure = service.protocol.decode("SendMessage", &answer).expect_err("no document");
        assert_eq!(failure.code, "SerializationException", "{failure:?}");
        assert_eq!(failure.status, 400);
    }
    assert_eq!(service.counts("q"), [0, 0, 0]);
}

#[test]
fn a_name_of_a_form_is_as_long_as_it_likes() {
    let mut service = Service::start_with(Protocol::Query, &[]);
    let url = service.create("q");
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    for name in ["SendMessageBatchRequestEntry.", "SendMessageBatchRequestEntry.1."] {
        let name = name.repeat(100_000);
        let form = format!("Action=SendMessageBatch&QueueUrl={url}&{name}Id=a");
        let answer = service.client.call("POST", "/", &headers, &form);
        assert!((400..500).contains(&answer.status), "{}", answer.text());
        service.send(&url, "still served");
    }
}

#[test]
fn null_is_nothing() {
    let mut service = Service::json();
    let made =
        service.ok("CreateQueue", json!({"QueueName": "q", "Attributes": null, "tags": null}));
    let url = made["QueueUrl"].clone();
    service.ok(
        "SendMessage",
        json!({
            "QueueUrl": url, "MessageBody": "x", "DelaySeconds": null, "MessageAttributes": null,
            "MessageSystemAttributes": null, "MessageGroupId": null, "MessageDeduplicationId": null,
        }),
    );
    let received = service.ok(
        "ReceiveMessage",
        json!({
            "QueueUrl": url, "MaxNumberOfMessages": null, "AttributeNames": null,
            "MessageSystemAttributeNames": null, "MessageAttributeNames": null,
        }),
    );
    assert_eq!(received["Messages"][0]["Body"], "x");
    let listed = service.ok("ListQueues", json!({"QueueNamePrefix": null, "NextToken": null}));
    assert!(listed["QueueUrls"].is_array());
    let document = json!({"QueueUrl": url, "MessageBody": null});
    service.fail("SendMessage", document, "MissingRequiredParameterException", "MissingParameter");
    let document = json!({"QueueUrl": url, "Entries": null});
    let code = "AWS.SimpleQueueService.EmptyBatchRequest";
    service.fail("SendMessageBatch", document, "EmptyBatchRequest", code);
}
