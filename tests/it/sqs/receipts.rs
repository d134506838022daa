//! Receipt handles: what they are good for, and for how long.

use serde_json::{Value, json};

use super::{Service, over_both};

fn change(url: &str, message: &Value, seconds: i64) -> Value {
    json!({
        "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": seconds,
    })
}

#[test]
fn a_message_is_deleted_as_often_as_one_likes() {
    over_both(|service| {
        let url = service.create("q");
        service.send(&url, "x");
        let message = service.receive_one(&url, json!({}));
        for _ in 0..3 {
            service.delete(&url, &message);
            assert_eq!(service.counts(&url), [0, 0, 0]);
        }
    });
}

#[test]
fn what_is_no_handle_of_the_queue_is_told() {
    over_both(|service| {
        let (url, other) = (service.create("q"), service.create("other"));
        service.send(&other, "x");
        let message = service.receive_one(&other, json!({}));
        for handle in ["garbage", "", message["ReceiptHandle"].as_str().expect("a handle")] {
            for (action, mut document) in [
                ("DeleteMessage", json!({})),
                ("ChangeMessageVisibility", json!({"VisibilityTimeout": 1})),
            ] {
                document["QueueUrl"] = json!(url);
                document["ReceiptHandle"] = json!(handle);
                if handle.is_empty() {
                    let shape = "MissingRequiredParameterException";
                    service.fail(action, document, shape, "MissingParameter");
                    continue;
                }
                let code = "ReceiptHandleIsInvalid";
                let failure = service.fail(action, document, code, code);
                assert_eq!(failure.status, 404);
                let told =
                    format!("The input receipt handle \"{handle}\" is not a valid receipt handle.");
                assert_eq!(failure.message, told);
            }
        }
        assert_eq!(service.counts(&other), [0, 1, 0]);
    });
}

#[test]
fn every_delivery_has_its_own_handle_and_only_the_newest_counts() {
    over_both(|service| {
        let url = service.create("q");
        service.send(&url, "x");
        let first = service.receive_one(&url, json!({}));
        service.ok("ChangeMessageVisibility", change(&url, &first, 0));
        let second = service.receive_one(&url, json!({}));
        assert_eq!(second["MessageId"], first["MessageId"]);
        assert_ne!(second["ReceiptHandle"], first["ReceiptHandle"]);
        // No error, and nothing is deleted.
        service.delete(&url, &first);
        assert_eq!(service.counts(&url), [0, 1, 0]);
        service.delete(&url, &second);
        assert_eq!(service.counts(&url), [0, 0, 0]);
    });
}

#[test]
fn a_message_that_is_visible_again_is_deleted_by_its_old_handle() {
    over_both(|service| {
        let url = service.create_with("q", json!({"VisibilityTimeout": "0"}));
        for body in ["x", "y"] {
            service.send(&url, body);
        }
        let message = service.receive_one(&url, json!({}));
        wait_for_counts(service, &url, [2, 0, 0]);
        service.ok("ChangeMessageVisibility", change(&url, &message, 30));
        service.delete(&url, &message);
        assert_eq!(service.counts(&url), [1, 0, 0]);
    });
}

/// Asks until the counts are these.
fn wait_for_counts(service: &mut Service, url: &str, wanted: [u64; 3]) {
    let deadline = std::time::Instant::now() + crate::support::DEADLINE;
    while service.counts(url) != wanted {
        assert!(std::time::Instant::now() < deadline, "{:?}", service.counts(url));
    }
}

#[test]
fn visibility_is_changed_from_now_on() {
    over_both(|service| {
        let url = service.create_with("q", json!({"VisibilityTimeout": "1"}));
        service.send(&url, "x");
        let message = service.receive_one(&url, json!({}));
        service.ok("ChangeMessageVisibility", change(&url, &message, 43_200));
        assert_eq!(service.counts(&url), [0, 1, 0]);
        service.ok("ChangeMessageVisibility", change(&url, &message, 0));
        assert_eq!(service.counts(&url), [1, 0, 0]);
        // It is not remembered for the next time.
        service.receive_one(&url, json!({}));
        let again = service.receive_one(&url, json!({"WaitTimeSeconds": 20}));
        for seconds in [-1, 43_201] {
            let told = format!("Value {seconds} for parameter VisibilityTimeout is invalid.");
            service.refuse("ChangeMessageVisibility", change(&url, &again, seconds), &told);
        }
        let document = json!({"QueueUrl": url, "ReceiptHandle": again["ReceiptHandle"]});
        let shape = "MissingRequiredParameterException";
        service.fail("ChangeMessageVisibility", document, shape, "MissingParameter");
    });
}

#[test]
fn the_visibility_of_a_deleted_message_cannot_be_changed() {
    over_both(|service| {
        let url = service.create("q");
        service.send(&url, "x");
        let message = service.receive_one(&url, json!({}));
        service.delete(&url, &message);
        let told =
            "Reason: Message does not exist or is not available for visibility timeout change.";
        service.refuse("ChangeMessageVisibility", change(&url, &message, 10), told);
    });
}

#[test]
fn a_receive_sets_its_own_timeout() {
    over_both(|service| {
        let url = service.create_with("q", json!({"VisibilityTimeout": "43200"}));
        service.send(&url, "x");
        service.receive_one(&url, json!({"VisibilityTimeout": 1}));
        service.receive_one(&url, json!({"WaitTimeSeconds": 20}));
        for seconds in [-1, 43_201] {
            let document = json!({"QueueUrl": url, "VisibilityTimeout": seconds});
            service.refuse("ReceiveMessage", document, "parameter VisibilityTimeout is invalid");
        }
    });
}
