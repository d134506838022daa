//! Attributes of queues: ranges, texts, and what of the queue they are.

use serde_json::{Value, json};

use super::{Service, over_both};

fn set(url: &str, name: &str, value: &str) -> Value {
    json!({"QueueUrl": url, "Attributes": {name: value}})
}

#[test]
fn a_new_queue_has_the_values_that_sqs_gives_it() {
    over_both(|service| {
        let url = service.create("q");
        let attributes = service.attributes(&url);
        for (name, value) in [
            ("VisibilityTimeout", "30"),
            ("DelaySeconds", "0"),
            ("MaximumMessageSize", "1048576"),
            ("MessageRetentionPeriod", "345600"),
            ("ReceiveMessageWaitTimeSeconds", "0"),
            ("ApproximateNumberOfMessages", "0"),
            ("ApproximateNumberOfMessagesNotVisible", "0"),
            ("ApproximateNumberOfMessagesDelayed", "0"),
            ("QueueArn", "arn:aws:sqs:us-east-1:000000000000:q"),
        ] {
            assert_eq!(attributes[name], value, "{name}");
        }
        assert_eq!(attributes["CreatedTimestamp"], attributes["LastModifiedTimestamp"]);
        for absent in ["FifoQueue", "RedrivePolicy", "Policy", "ContentBasedDeduplication"] {
            assert!(attributes.get(absent).is_none(), "{attributes}");
        }
    });
}

#[test]
fn attributes_are_set_within_their_ranges() {
    over_both(|service| {
        let url = service.create("q");
        for (name, least, most, below, above) in [
            ("VisibilityTimeout", "0", "43200", "-1", "43201"),
            ("DelaySeconds", "0", "900", "-1", "901"),
            ("MaximumMessageSize", "1024", "1048576", "1023", "1048577"),
            ("MessageRetentionPeriod", "60", "1209600", "59", "1209601"),
            ("ReceiveMessageWaitTimeSeconds", "0", "20", "-1", "21"),
            ("KmsDataKeyReusePeriodSeconds", "60", "86400", "59", "86401"),
            ("SqsManagedSseEnabled", "true", "false", "yes", "1"),
        ] {
            for value in [least, most] {
                service.ok("SetQueueAttributes", set(&url, name, value));
                assert_eq!(service.attributes(&url)[name], value, "{name}");
            }
            for value in [below, above, "x", "1.5"] {
                let failure = service.fail(
                    "SetQueueAttributes",
                    set(&url, name, value),
                    "InvalidAttributeValue",
                    "InvalidAttributeValue",
                );
                assert_eq!(failure.message, format!("Invalid value for the parameter {name}."));
                let document = json!({"QueueName": "new", "Attributes": {name: value}});
                let code = "InvalidAttributeValue";
                service.fail("CreateQueue", document, code, code);
            }
            assert_eq!(service.attributes(&url)[name], most, "{name}");
        }
    });
}

#[test]
fn unknown_attributes_are_named() {
    over_both(|service| {
        let url = service.create("q");
        let code = "InvalidAttributeName";
        for name in ["Nope", "QueueArn", "FifoQueue", "ContentBasedDeduplication"] {
            let failure = service.fail("SetQueueAttributes", set(&url, name, "false"), code, code);
            assert_eq!(failure.message, format!("Unknown Attribute {name}."));
        }
        let document = json!({"QueueUrl": url, "AttributeNames": ["QueueArn", "Nope"]});
        assert_eq!(
            service.fail("GetQueueAttributes", document, code, code).message,
            "Unknown Attribute Nope."
        );
    });
}

#[test]
fn only_what_is_asked_for_is_told() {
    over_both(|service| {
        let url = service.create("q");
        assert_eq!(service.ok("GetQueueAttributes", json!({"QueueUrl": url})), json!({}));
        let names = ["DelaySeconds", "Policy", "QueueArn"];
        let told =
            service.ok("GetQueueAttributes", json!({"QueueUrl": url, "AttributeNames": names}));
        let arn = "arn:aws:sqs:us-east-1:000000000000:q";
        assert_eq!(told, json!({"Attributes": {"DelaySeconds": "0", "QueueArn": arn}}));
    });
}

#[test]
fn what_means_nothing_here_is_kept_and_told_again() {
    over_both(|service| {
        let url = service.create("q");
        for (name, value) in [
            ("Policy", "{\"Version\":\"2012-10-17\",\"Statement\":[]}"),
            ("KmsMasterKeyId", "alias/aws/sqs"),
            ("SqsManagedSseEnabled", "true"),
            ("RedriveAllowPolicy", "{\"redrivePermission\":\"denyAll\"}"),
        ] {
            service.ok("SetQueueAttributes", set(&url, name, value));
            assert_eq!(service.attributes(&url)[name], value);
            service.ok("SetQueueAttributes", set(&url, name, ""));
            assert!(service.attributes(&url).get(name).is_none(), "{name}");
        }
        let code = "InvalidAttributeValue";
        service.fail("SetQueueAttributes", set(&url, "Policy", "x"), code, code);
        service.fail("SetQueueAttributes", set(&url, "RedriveAllowPolicy", "{}"), code, code);
    });
}

#[test]
fn attributes_are_settings_of_the_queue() {
    let mut service = Service::json();
    let attributes = json!({
        "VisibilityTimeout": "60", "DelaySeconds": "5", "MaximumMessageSize": "2048",
        "MessageRetentionPeriod": "120", "ReceiveMessageWaitTimeSeconds": "7",
    });
    service.create_with("q", attributes);
    let settings = service.describe("q")["settings"].take();
    for (setting, value) in [
        ("lease", json!("60s")),
        ("delay", json!("5s")),
        ("max_message_bytes", json!(2048)),
        ("ttl", json!("120s")),
        ("receive_wait", json!("7s")),
    ] {
        assert_eq!(settings[setting], value, "{settings}");
    }
    let changed = json!({"lease": "10s", "ttl": null}).to_string();
    service.server.client().call("PUT", "/v1/queues/q", &[], changed);
    let attributes = service.attributes("q");
    assert_eq!(attributes["VisibilityTimeout"], "10");
    // No number would be true.
    assert!(attributes.get("MessageRetentionPeriod").is_none(), "{attributes}");
}

#[test]
fn permissions_are_kept_in_the_policy() {
    over_both(|service| {
        let url = service.create("q");
        let add = |label: &str| {
            json!({
                "QueueUrl": url, "Label": label,
                "AWSAccountIds": ["111122223333", "444455556666"],
                "Actions": ["SendMessage", "ReceiveMessage"],
            })
        };
        service.ok("AddPermission", add("one"));
        service.refuse("AddPermission", add("one"), "Already exists");
        service.ok("AddPermission", add("two"));
        let policy = service.attributes(&url)["Policy"].take();
        let policy: Value = serde_json::from_str(&super::text(&policy)).expect("JSON");
        assert_eq!(policy["Statement"][1]["Sid"], "two");
        assert_eq!(
            policy["Statement"][1]["Action"],
            json!(["SQS:SendMessage", "SQS:ReceiveMessage"])
        );
        for label in ["one", "two"] {
            let document = json!({"QueueUrl": url, "Label": label});
            service.ok("RemovePermission", document.clone());
            service.refuse("RemovePermission", document, "can't find label");
        }
        assert!(service.attributes(&url).get("Policy").is_none());
        let mut many = add("many");
        many["Actions"] = json!(["*", "*", "*", "*", "*", "*", "*", "*"]);
        let failure = service.fail("AddPermission", many, "OverLimit", "OverLimit");
        assert_eq!(failure.status, 403);
    });
}
