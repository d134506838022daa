//! A queue that is full says so in the one way that every SDK repeats by itself.

use serde_json::{Value, json};

use super::{Service, bodies, over_both};

fn small(service: &mut Service, capacity: u32) -> String {
    let tags = json!({"capacity": capacity.to_string()});
    super::text(&service.ok("CreateQueue", json!({"QueueName": "q", "tags": tags}))["QueueUrl"])
}

fn batch(url: &str, bodies: &[&str]) -> Value {
    let entries: Vec<_> = bodies
        .iter()
        .map(|body| json!({"Id": format!("id-{body}"), "MessageBody": body}))
        .collect();
    json!({"QueueUrl": url, "Entries": entries})
}

#[test]
fn a_send_to_a_full_queue_is_throttled_and_told_for_how_long() {
    over_both(|service| {
        let url = small(service, 1);
        service.send(&url, "x");
        let document = json!({"QueueUrl": url, "MessageBody": "y"});
        let code = "RequestThrottled";
        let failure = service.fail("SendMessage", document.clone(), code, code);
        assert_eq!((failure.status, failure.side.as_str()), (403, "Sender"));
        let wait = failure.retry_after.expect("it is told when to come again");
        assert!((50..=1000).contains(&wait), "{wait}");

        // What is in flight may come back, so it still has its place.
        let message = service.receive_one(&url, json!({}));
        service.fail("SendMessage", document.clone(), code, code);
        service.delete(&url, &message);
        service.ok("SendMessage", document);
    });
}

#[test]
fn a_batch_that_fits_in_part_says_which() {
    over_both(|service| {
        let url = small(service, 3);
        service.send(&url, "0");
        let answer = service.ok("SendMessageBatch", batch(&url, &["1", "2", "3", "4"]));
        let sent: Vec<_> = answer["Successful"].as_array().expect("a list").iter().collect();
        assert_eq!(sent.len(), 2, "{answer}");
        let failed = answer["Failed"].as_array().expect("a list");
        assert_eq!(failed.len(), 2, "{answer}");
        for entry in failed {
            assert_eq!(
                (&entry["SenderFault"], &entry["Code"]),
                (&json!(false), &json!("RequestThrottled"))
            );
        }
        let received = service.receive(&url, json!({"MaxNumberOfMessages": 10}));
        assert_eq!(bodies(&received), ["0", "1", "2"]);
    });
}

#[test]
fn a_batch_of_which_nothing_fits_is_throttled_as_a_whole() {
    over_both(|service| {
        let url = small(service, 1);
        service.send(&url, "0");
        let code = "RequestThrottled";
        let failure = service.fail("SendMessageBatch", batch(&url, &["1", "2"]), code, code);
        assert_eq!(failure.status, 403);
        assert!(failure.retry_after.is_some(), "{failure:?}");
        assert_eq!(service.counts(&url), [1, 0, 0]);
    });
}

#[test]
fn memory_for_all_queues_is_told_likewise() {
    let mut service = Service::start_with(super::Protocol::Json, &["--max-memory-bytes", "2000"]);
    let url = service.create("q");
    service.send(&url, &"x".repeat(1500));
    let document = json!({"QueueUrl": url, "MessageBody": "x".repeat(1500)});
    let failure = service.fail("SendMessage", document, "RequestThrottled", "RequestThrottled");
    assert!(failure.retry_after.is_some(), "{failure:?}");
}
