//! Tasks that move dead letters back.

use std::time::Instant;

use serde_json::{Value, json};

use super::{Service, bodies, over_both, text};
use crate::support::DEADLINE;

const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:";

/// `dead` with these messages, which came from `q`.
fn with_dead_letters(service: &mut Service, letters: &[&str]) -> [String; 2] {
    let dead = service.create("dead");
    let policy = json!({"deadLetterTargetArn": format!("{ARN}dead"), "maxReceiveCount": 1});
    let url = service.create_with("q", json!({"RedrivePolicy": policy.to_string()}));
    for letter in letters {
        service.send(&url, letter);
        let message = service.receive_one(&url, json!({}));
        let document = json!({
            "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0,
        });
        service.ok("ChangeMessageVisibility", document);
    }
    let deadline = Instant::now() + DEADLINE;
    while service.counts(&dead) != [letters.len() as u64, 0, 0] {
        assert!(Instant::now() < deadline, "{:?}", service.counts(&dead));
    }
    [url, dead]
}

/// The last task of `dead`, once it is over.
fn wait_for_end(service: &mut Service) -> Value {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let list = json!({"SourceArn": format!("{ARN}dead")});
        let task = service.ok("ListMessageMoveTasks", list)["Results"][0].take();
        if !matches!(task["Status"].as_str(), Some("RUNNING" | "CANCELLING")) {
            return task;
        }
        assert!(Instant::now() < deadline, "{task}");
    }
}

/// A number, which XML has as text.
fn number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn dead_letters_go_back_to_where_they_came_from() {
    over_both(|service| {
        let [url, dead] = with_dead_letters(service, &["1", "2", "3"]);
        let source = json!({"SourceArn": format!("{ARN}dead")});
        let started = service.ok("StartMessageMoveTask", source);
        assert!(!text(&started["TaskHandle"]).is_empty());
        let task = wait_for_end(service);
        assert_eq!(task["Status"], "COMPLETED", "{task}");
        assert_eq!(task["SourceArn"], format!("{ARN}dead"));
        assert_eq!(number(&task["ApproximateNumberOfMessagesMoved"]), 3);
        assert_eq!(number(&task["ApproximateNumberOfMessagesToMove"]), 3);
        assert!(number(&task["StartedTimestamp"]) > 1_700_000_000_000);
        assert!(task.get("TaskHandle").is_none(), "{task}");
        assert_eq!(service.counts(&dead), [0, 0, 0]);
        let received = service.receive(&url, json!({"MaxNumberOfMessages": 10}));
        assert_eq!(bodies(&received), ["1", "2", "3"]);
    });
}

#[test]
fn a_task_goes_where_it_is_told_as_fast_as_it_is_told_and_until_it_is_told() {
    over_both(|service| {
        with_dead_letters(service, &["1", "2", "3", "4", "5"]);
        let other = service.create("other");
        let start = json!({
            "SourceArn": format!("{ARN}dead"), "DestinationArn": format!("{ARN}other"),
            "MaxNumberOfMessagesPerSecond": 1,
        });
        let started = service.ok("StartMessageMoveTask", start.clone());
        let code = "AWS.SimpleQueueService.UnsupportedOperation";
        service.fail("StartMessageMoveTask", start, "UnsupportedOperation", code);
        // There is one at once, or after a while.
        service.receive_one(&other, json!({"WaitTimeSeconds": 20}));
        let handle = json!({"TaskHandle": started["TaskHandle"]});
        let cancelled = service.ok("CancelMessageMoveTask", handle.clone());
        assert!(number(&cancelled["ApproximateNumberOfMessagesMoved"]) < 5, "{cancelled}");
        let task = wait_for_end(service);
        assert_eq!(task["Status"], "CANCELLED", "{task}");
        assert_eq!(task["DestinationArn"], format!("{ARN}other"));
        assert_eq!(number(&task["MaxNumberOfMessagesPerSecond"]), 1);
        service.fail("CancelMessageMoveTask", handle, "UnsupportedOperation", code);
    });
}

#[test]
fn a_task_that_cannot_be_is_refused() {
    over_both(|service| {
        with_dead_letters(service, &[]);
        let missing = "ResourceNotFoundException";
        for (action, document, told) in [
            ("StartMessageMoveTask", json!({"SourceArn": format!("{ARN}none")}), "SourceArn"),
            (
                "StartMessageMoveTask",
                json!({"SourceArn": format!("{ARN}dead"), "DestinationArn": format!("{ARN}none")}),
                "DestinationArn",
            ),
            ("ListMessageMoveTasks", json!({"SourceArn": "none"}), "SourceArn"),
            ("CancelMessageMoveTask", json!({"TaskHandle": "none"}), "Task does not exist"),
        ] {
            let failure = service.fail(action, document, missing, missing);
            assert_eq!(failure.status, 404);
            assert!(failure.message.contains(told), "{failure:?}");
        }
        let own = json!({"SourceArn": format!("{ARN}q")});
        service.refuse("StartMessageMoveTask", own, "configured as a Dead Letter Queue");
        let mut fast =
            json!({"SourceArn": format!("{ARN}dead"), "MaxNumberOfMessagesPerSecond": 501});
        service.refuse("StartMessageMoveTask", fast.take(), "<= 500");
        let none = service.ok("ListMessageMoveTasks", json!({"SourceArn": format!("{ARN}dead")}));
        assert!(none["Results"].as_array().is_none_or(Vec::is_empty), "{none}");
    });
}
