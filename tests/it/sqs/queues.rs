//! Queues: make, find, list, delete; and the URLs that name them.

use serde_json::json;

use super::{Service, over_both, text};
use crate::support::client::request;

#[test]
fn a_queue_is_made_once_and_found_by_its_name() {
    over_both(|service| {
        let url = service.create("orders");
        assert_eq!(url, "http://ringmq/000000000000/orders");
        assert_eq!(service.create("orders"), url);
        let found = service.ok("GetQueueUrl", json!({"QueueName": "orders"}));
        assert_eq!(found, json!({"QueueUrl": url}));
        service.fail(
            "GetQueueUrl",
            json!({"QueueName": "other"}),
            "QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue",
        );
    });
}

#[test]
fn a_queue_with_other_attributes_is_another_queue() {
    over_both(|service| {
        let attributes = json!({"DelaySeconds": "5", "VisibilityTimeout": "60"});
        service.create_with("q", attributes.clone());
        service.create_with("q", attributes);
        service.create_with("q", json!({"VisibilityTimeout": "60"}));
        service.create("q");
        let failure = service.fail(
            "CreateQueue",
            json!({"QueueName": "q", "Attributes": {"DelaySeconds": "6"}}),
            "QueueNameExists",
            "QueueAlreadyExists",
        );
        let told = "A queue already exists with the same name and a different value for attribute DelaySeconds";
        assert_eq!((failure.status, failure.message.as_str()), (400, told));
    });
}

#[test]
fn names_are_those_that_sqs_allows() {
    over_both(|service| {
        let longest = "x".repeat(80);
        for name in ["A-z_0", &longest] {
            service.create(name);
        }
        for name in ["a.b", "a b", "ä", &"x".repeat(81), "q.fifo"] {
            service.refuse("CreateQueue", json!({"QueueName": name}), "1 to 80 in length");
        }
        let missing = "The request must contain the parameter QueueName.";
        for (action, document) in
            [("CreateQueue", json!({})), ("GetQueueUrl", json!({"QueueName": ""}))]
        {
            let shape = "MissingRequiredParameterException";
            assert_eq!(service.fail(action, document, shape, "MissingParameter").message, missing);
        }
    });
}

#[test]
fn queues_are_listed_by_prefix_and_in_pages() {
    over_both(|service| {
        for name in ["b1", "a", "b3", "b2"] {
            service.create(name);
        }
        let url = |name: &str| format!("http://ringmq/000000000000/{name}");
        let all = service.ok("ListQueues", json!({}));
        let names = ["a", "b1", "b2", "b3", "default"].map(url);
        assert_eq!(all, json!({"QueueUrls": names}));
        assert_eq!(service.ok("ListQueues", json!({"QueueNamePrefix": "zz"})), json!({}));

        let first = service.ok("ListQueues", json!({"QueueNamePrefix": "b", "MaxResults": 2}));
        assert_eq!(first["QueueUrls"], json!(["b1", "b2"].map(url)));
        let next = &first["NextToken"];
        let document = json!({"QueueNamePrefix": "b", "MaxResults": 2, "NextToken": next});
        let second = service.ok("ListQueues", document);
        assert_eq!(text(&second["QueueUrls"][0]).rsplit('/').next(), Some("b3"));
        assert!(second.get("NextToken").is_none(), "{second}");
        for max in [0, 1001, -1] {
            service.refuse("ListQueues", json!({"MaxResults": max}), "between 1 and 1000");
        }
    });
}

#[test]
fn a_deleted_queue_is_gone_and_can_be_made_again_at_once() {
    over_both(|service| {
        let url = service.create("q");
        service.send(&url, "x");
        service.ok("DeleteQueue", json!({"QueueUrl": url}));
        service.fail(
            "DeleteQueue",
            json!({"QueueUrl": url}),
            "QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue",
        );
        service.create("q");
        assert_eq!(service.counts(&url), [0, 0, 0]);
    });
}

#[test]
fn only_the_last_part_of_a_url_counts() {
    over_both(|service| {
        let url = service.create("q");
        service.send(&url, "x");
        for url in [
            "q",
            "/q",
            "https://sqs.eu-central-1.amazonaws.com/123456789012/q",
            "http://localhost:4566/000000000000/q",
        ] {
            assert_eq!(service.counts(url), [1, 0, 0], "{url}");
        }
        let nowhere = json!({"QueueUrl": "http://ringmq/000000000000/"});
        service.fail("PurgeQueue", nowhere, "InvalidAddress", "InvalidAddress");
    });
}

#[test]
fn the_path_names_a_queue_where_the_request_does_not() {
    let mut service = Service::json();
    service.create("q");
    let send = "Action=SendMessage&MessageBody=hello";
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let sent = service.client.call("POST", "/000000000000/q", &form, send);
    assert_eq!(sent.status, 200, "{}", sent.text());
    let received = service.client.get("/000000000000/q?Action=ReceiveMessage&Version=2012-11-05");
    assert!(received.text().contains("<Body>hello</Body>"), "{}", received.text());
    let json = [("X-Amz-Target", "AmazonSQS.PurgeQueue")];
    assert_eq!(service.client.call("POST", "/123456789012/q", &json, "{}").status, 200);
    assert_eq!(service.counts("q"), [0, 0, 0]);
}

#[test]
fn urls_lead_back_to_where_the_client_came_from() {
    let mut service = Service::json();
    service.create("q");
    for (headers, origin) in [
        ("Host: queue.example:9324\r\n", "http://queue.example:9324"),
        ("Host: [::1]:8080\r\n", "http://[::1]:8080"),
        ("Host: sqs.example\r\nX-Forwarded-Proto: https\r\n", "https://sqs.example"),
    ] {
        let body = "{\"QueueName\":\"q\"}";
        service.client.send(format!(
            "POST / HTTP/1.1\r\n{headers}X-Amz-Target: AmazonSQS.GetQueueUrl\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        let answer = service.client.answer().json();
        assert_eq!(answer["QueueUrl"], format!("{origin}/000000000000/q"));
    }
}

#[test]
fn account_and_region_are_settings() {
    let args = ["--sqs-account", "123456789012", "--sqs-region", "eu-central-1"];
    super::over_both_with(&args, |service| {
        let url = service.create("q");
        assert_eq!(url, "http://ringmq/123456789012/q");
        let arn = &service.attributes(&url)["QueueArn"];
        assert_eq!(arn, "arn:aws:sqs:eu-central-1:123456789012:q");
    });
}

#[test]
fn what_is_not_for_this_face_is_answered_as_before() {
    let mut service = Service::json();
    for bytes in [
        request("POST", "/", &[], b"{}"),
        request("POST", "/", &[("Content-Type", "application/json")], b"{}"),
        request("PUT", "/", &[], b""),
        request("PUT", "/000000000000/q", &[], b""),
        request("POST", "/00000000000/q", &[], b""),
    ] {
        service.client.send(bytes);
        service.client.answer().assert_error(404, "404 page not found");
    }
}
