//! Tags, and the one that is the queue's capacity.

use serde_json::json;

use super::over_both;

#[test]
fn tags_come_and_go() {
    over_both(|service| {
        let made = json!({"QueueName": "q", "tags": {"team": "a", "empty": ""}});
        let url = super::text(&service.ok("CreateQueue", made)["QueueUrl"]);
        let list = json!({"QueueUrl": url});
        let tags = service.ok("ListQueueTags", list.clone());
        assert_eq!(tags, json!({"Tags": {"empty": "", "team": "a"}}));
        service.ok("TagQueue", json!({"QueueUrl": url, "Tags": {"team": "b", "more": "c"}}));
        service.ok("UntagQueue", json!({"QueueUrl": url, "TagKeys": ["empty", "unknown"]}));
        let tags = service.ok("ListQueueTags", list.clone());
        assert_eq!(tags, json!({"Tags": {"more": "c", "team": "b"}}));
        service.ok("UntagQueue", json!({"QueueUrl": url, "TagKeys": ["team", "more"]}));
        assert_eq!(service.ok("ListQueueTags", list), json!({}));
    });
}

#[test]
fn a_tag_sets_the_capacity() {
    over_both(|service| {
        let made = json!({"QueueName": "q", "tags": {"capacity": "2"}});
        let url = super::text(&service.ok("CreateQueue", made)["QueueUrl"]);
        assert_eq!(service.describe("q")["settings"]["capacity"], 2);
        service.send(&url, "1");
        service.send(&url, "2");
        let send = json!({"QueueUrl": url, "MessageBody": "3"});
        service.fail("SendMessage", send.clone(), "RequestThrottled", "RequestThrottled");

        service.ok("TagQueue", json!({"QueueUrl": url, "Tags": {"capacity": "3"}}));
        service.ok("SendMessage", send);
        for value in ["", "0", "many", "2147483649"] {
            let tag = json!({"QueueUrl": url, "Tags": {"capacity": value}});
            service.refuse("TagQueue", tag, "from 1 to 2147483648");
            let made = json!({"QueueName": "new", "tags": {"capacity": value}});
            service.refuse("CreateQueue", made, "from 1 to 2147483648");
        }
        // There are three messages.
        service.refuse(
            "TagQueue",
            json!({"QueueUrl": url, "Tags": {"capacity": "2"}}),
            "more than 2",
        );
        assert_eq!(service.describe("q")["settings"]["capacity"], 3);
        assert_eq!(service.ok("ListQueueTags", json!({"QueueUrl": url}))["Tags"]["capacity"], "3");

        service.ok("UntagQueue", json!({"QueueUrl": url, "TagKeys": ["capacity"]}));
        assert_eq!(service.describe("q")["settings"]["capacity"], 1024);
    });
}

#[test]
fn tags_are_few_and_not_reserved() {
    over_both(|service| {
        let url = service.create("q");
        let many: serde_json::Map<_, _> = (0..51).map(|n| (n.to_string(), json!("x"))).collect();
        service.refuse("TagQueue", json!({"QueueUrl": url, "Tags": many}), "Too many tags");
        service.refuse("TagQueue", json!({"QueueUrl": url, "Tags": {"aws:x": "y"}}), "reserved");
        let missing = "MissingParameter";
        let shape = "MissingRequiredParameterException";
        service.fail("TagQueue", json!({"QueueUrl": url}), shape, missing);
        service.fail("UntagQueue", json!({"QueueUrl": url}), shape, missing);
    });
}

#[test]
fn a_queue_that_is_there_keeps_its_tags() {
    over_both(|service| {
        let create = |capacity: &str| json!({"QueueName": "q", "tags": {"capacity": capacity}});
        let made = service.ok("CreateQueue", create("7"));
        assert_eq!(service.ok("CreateQueue", create("9")), made);
        let tags = service.ok("ListQueueTags", json!({"QueueUrl": made["QueueUrl"]}));
        assert_eq!(tags["Tags"]["capacity"], "7");
        assert_eq!(service.describe("q")["settings"]["capacity"], 7);
    });
}
