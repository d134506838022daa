//! Receives that wait, and who leaves them.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Service, bodies, over_both};

#[test]
fn a_receive_that_waits_is_woken_by_the_send() {
    over_both(|service| {
        let url = service.create("q");
        let mut waiting = service.park(&url, json!({"WaitTimeSeconds": 20}));
        let mut behind = service.park(&url, json!({"WaitTimeSeconds": 20}));
        service.send(&url, "x");
        assert_eq!(bodies(&waiting.messages()), ["x"]);
        service.send(&url, "y");
        assert_eq!(bodies(&behind.messages()), ["y"]);
    });
}

#[test]
fn a_receive_waits_as_long_as_it_says_or_the_queue_does() {
    over_both(|service| {
        let begun = Instant::now();
        let url = service.create_with("q", json!({"ReceiveMessageWaitTimeSeconds": "1"}));
        assert!(service.receive(&url, json!({})).is_empty());
        assert!(begun.elapsed() >= Duration::from_secs(1));
        assert!(service.receive(&url, json!({"WaitTimeSeconds": 1})).is_empty());
        assert!(begun.elapsed() >= Duration::from_secs(2));
        // Nothing waits where the request says so.
        service.receive(&url, json!({"WaitTimeSeconds": 0}));
        for seconds in [-1, 21] {
            let document = json!({"QueueUrl": url, "WaitTimeSeconds": seconds});
            let told = format!(
                "Value {seconds} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, \
                 if provided."
            );
            service.refuse("ReceiveMessage", document, &told);
        }
    });
}

#[test]
fn who_leaves_a_receive_takes_nothing() {
    over_both(|service| {
        let url = service.create("q");
        let gone = service.park(&url, json!({"WaitTimeSeconds": 20}));
        drop(gone);
        service.wait_for_waiting("q", 0);
        service.send(&url, "x");
        let message =
            service.receive_one(&url, json!({"AttributeNames": ["ApproximateReceiveCount"]}));
        assert_eq!(message["Attributes"]["ApproximateReceiveCount"], "1");
    });
}

#[test]
fn a_receive_whose_queue_is_deleted_is_told() {
    let mut service = Service::json();
    let url = service.create("q");
    let mut waiting = service.park(&url, json!({"WaitTimeSeconds": 20}));
    service.ok("DeleteQueue", json!({"QueueUrl": url}));
    let answer = waiting.client.answer();
    let failure = waiting.protocol.decode("ReceiveMessage", &answer).expect_err("it is gone");
    assert_eq!(failure.code, "AWS.SimpleQueueService.NonExistentQueue");
}
