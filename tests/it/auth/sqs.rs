//! Tokens and the SQS face: the name is the access key, the token the secret.

use serde_json::{Value, json};

use super::{TOKENS, ask, create, start, start_with};
use crate::support::client::request;
use crate::support::server::command;
use crate::support::{Answer, Client, Server, Signer};

/// Action, what it says, and the role that it needs. What else is wrong with it is found behind the guard.
fn actions() -> Vec<(&'static str, Value, &'static str)> {
    let url = "http://x/000000000000/orders-eu";
    let arn = "arn:aws:sqs:us-east-1:000000000000:orders-eu";
    vec![
        ("CreateQueue", json!({"QueueName": "orders-eu"}), "admin"),
        ("GetQueueUrl", json!({"QueueName": "orders-eu"}), "any"),
        ("GetQueueAttributes", json!({"QueueUrl": url}), "any"),
        (
            "SetQueueAttributes",
            json!({"QueueUrl": url, "Attributes": {"DelaySeconds": "0"}}),
            "admin",
        ),
        ("ListQueueTags", json!({"QueueUrl": url}), "any"),
        ("TagQueue", json!({"QueueUrl": url, "Tags": {"a": "b"}}), "admin"),
        ("UntagQueue", json!({"QueueUrl": url, "TagKeys": ["a"]}), "admin"),
        ("ListDeadLetterSourceQueues", json!({"QueueUrl": url}), "any"),
        ("ListMessageMoveTasks", json!({"SourceArn": arn}), "any"),
        ("StartMessageMoveTask", json!({"SourceArn": arn}), "admin"),
        ("CancelMessageMoveTask", json!({"TaskHandle": "orders-eu/0"}), "admin"),
        ("AddPermission", json!({"QueueUrl": url}), "admin"),
        ("RemovePermission", json!({"QueueUrl": url, "Label": "x"}), "admin"),
        ("SendMessage", json!({"QueueUrl": url, "MessageBody": "x"}), "sender"),
        (
            "SendMessageBatch",
            json!({"QueueUrl": url, "Entries": [{"Id": "a", "MessageBody": "x"}]}),
            "sender",
        ),
        ("ReceiveMessage", json!({"QueueUrl": url}), "receiver"),
        ("DeleteMessage", json!({"QueueUrl": url, "ReceiptHandle": "x"}), "receiver"),
        (
            "DeleteMessageBatch",
            json!({"QueueUrl": url, "Entries": [{"Id": "a", "ReceiptHandle": "x"}]}),
            "receiver",
        ),
        (
            "ChangeMessageVisibility",
            json!({"QueueUrl": url, "ReceiptHandle": "x", "VisibilityTimeout": 1}),
            "receiver",
        ),
        (
            "ChangeMessageVisibilityBatch",
            json!({"QueueUrl": url, "Entries":
                [{"Id": "a", "ReceiptHandle": "x", "VisibilityTimeout": 1}]}),
            "receiver",
        ),
        ("PurgeQueue", json!({"QueueUrl": url}), "admin"),
        ("DeleteQueue", json!({"QueueUrl": url}), "admin"),
    ]
}

const ON_ORDERS: &str = "sender=sender-token-0123456789 send:orders-*; \
                         receiver=receiver-token-0123456789 receive:orders-*; \
                         monitor=monitor-token-0123456789 monitor:orders-*; \
                         admin=admin-token-0123456789 admin:orders-*; \
                         stranger=stranger-token-0123456789 admin:other; \
                         root=root-token-0123456789 admin";

fn signed(client: &mut Client, who: &str, action: &str, document: &Value) -> Answer {
    let secret = format!("{who}-token-0123456789");
    let signer = Signer { access: who, secret: &secret, action, ..Signer::default() };
    client.send(signer.bytes(&document.to_string()));
    client.answer()
}

fn is_denied(answer: &Answer) -> bool {
    answer.status == 403
        && answer.header("x-amzn-query-error") == Some("AccessDenied;Sender")
        && answer.json()["__type"] == "com.amazon.coral.service#AccessDeniedException"
}

#[test]
fn a_role_opens_its_actions_and_no_others() {
    let server = start_with(ON_ORDERS);
    let mut client = server.client();
    for (action, document, needed) in actions() {
        for who in ["sender", "receiver", "monitor", "admin", "stranger", "root"] {
            let made = ask(&mut client, "root", "PUT", "/v1/queues/orders-eu", "");
            assert!(matches!(made.status, 200 | 201), "{}", made.text());
            let answer = signed(&mut client, who, action, &document);
            let may =
                (needed == "any" && who != "stranger") || [needed, "admin", "root"].contains(&who);
            assert_eq!(!is_denied(&answer), may, "{who} {action}: {}", answer.text());
            let known = answer.header("x-amzn-query-error");
            assert!(
                !known.is_some_and(|code| code.contains("Signature") || code.contains("Token")),
                "{who} {action}: {}",
                answer.text()
            );
        }
    }
}

#[test]
fn every_action_is_in_the_table_of_this_test() {
    let server = start_with(ON_ORDERS);
    let mut client = server.client();
    // But for the one that is about no queue.
    assert_eq!(actions().len(), 22);
    let answer = signed(&mut client, "stranger", "ListQueues", &json!({}));
    assert_eq!(answer.json(), json!({}));
    create(&mut client, "orders-eu");
    let answer = signed(&mut client, "sender", "ListQueues", &json!({}));
    let urls = answer.json()["QueueUrls"].take();
    assert_eq!(urls, json!(["http://ringmq/000000000000/orders-eu"]));
}

#[test]
fn a_denial_is_told_in_both_protocols() {
    let server = start_with(ON_ORDERS);
    let mut client = server.client();
    let headers = [
        ("Authorization", "Bearer sender-token-0123456789"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let form = "Action=PurgeQueue&QueueUrl=http://x/000000000000/orders-eu";
    let answer = client.call("POST", "/", &headers, form);
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("<Code>AccessDenied</Code>"), "{}", answer.text());
    assert!(answer.text().contains("role admin on the queue orders-eu"), "{}", answer.text());
}

#[test]
fn a_bearer_token_will_do_instead_of_a_signature() {
    let server = start_with(ON_ORDERS);
    let mut client = server.client();
    create(&mut client, "orders-eu");
    let target = ("X-Amz-Target", "AmazonSQS.SendMessage");
    let body = json!({"QueueUrl": "orders-eu", "MessageBody": "x"}).to_string();
    for (who, status) in [("sender", 200), ("receiver", 403), ("unknown", 403)] {
        let bearer = format!("Bearer {who}-token-0123456789");
        let answer = client.call("POST", "/", &[target, ("Authorization", &bearer)], &body);
        assert_eq!(answer.status, status, "{who}: {}", answer.text());
    }
    // Nor may one come twice, or none at all.
    let bearer = ("Authorization", "Bearer sender-token-0123456789");
    let twice = client.call("POST", "/", &[target, bearer, bearer], &body);
    assert_eq!(twice.header("x-amzn-query-error"), Some("IncompleteSignature;Sender"));
    let none = client.call("POST", "/", &[target], &body);
    assert_eq!(none.header("x-amzn-query-error"), Some("MissingAuthenticationToken;Sender"));
}

#[test]
fn only_a_token_that_the_server_knows_as_such_can_sign() {
    let digest = base16ct::lower::encode_string(&<sha2::Sha256 as sha2::Digest>::digest(
        "digest-token-0123456789",
    ));
    let server =
        start_with(&format!("digest=sha256:{digest} admin; plain=plain-token-0123456789 admin"));
    let mut client = server.client();
    assert_eq!(signed(&mut client, "plain", "ListQueues", &json!({})).status, 200);
    // Who has read the file must not be able to sign with what is in it.
    let signer =
        Signer { access: "digest", secret: &digest, action: "ListQueues", ..Signer::default() };
    for answer in [signed(&mut client, "digest", "ListQueues", &json!({})), {
        client.send(signer.bytes("{}"));
        client.answer()
    }] {
        assert_eq!(answer.header("x-amzn-query-error"), Some("InvalidClientTokenId;Sender"));
    }
    let wrong = Signer { access: "plain", secret: "digest-token-0123456789", ..Signer::default() };
    client.send(wrong.bytes("{}"));
    let answer = client.answer();
    assert_eq!(answer.header("x-amzn-query-error"), Some("SignatureDoesNotMatch;Sender"));
}

#[test]
fn the_key_of_the_server_goes_on_to_open_everything() {
    let server = Server::launch(command().env("RINGMQ_AUTH_TOKENS", TOKENS).args([
        "--port",
        "0",
        "--sqs-access-key",
        "AKIDEXAMPLE",
        "--sqs-secret-key",
        "secret+/key",
    ]));
    let mut client = server.client();
    let signer = Signer { action: "CreateQueue", ..Signer::default() };
    client.send(signer.bytes(&json!({"QueueName": "any"}).to_string()));
    let answer = client.answer();
    assert_eq!(answer.status, 200, "{}", answer.text());
    // But opens the other faces for nobody.
    client.get("/size").assert_problem(401, "unauthorized");
}

#[test]
fn a_further_queue_needs_the_right_to_send_to_it() {
    let server = start_with(ON_ORDERS);
    let mut client = server.client();
    for queue in ["orders-eu", "orders-dead", "bills"] {
        create(&mut client, queue);
    }
    let policy = |target: &str| {
        let arn = format!("arn:aws:sqs:us-east-1:000000000000:{target}");
        let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": 3}).to_string();
        json!({"QueueUrl": "orders-eu", "Attributes": {"RedrivePolicy": policy}})
    };
    let answer = signed(&mut client, "admin", "SetQueueAttributes", &policy("bills"));
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("Not permitted"), "{}", answer.text());
    let answer = signed(&mut client, "admin", "SetQueueAttributes", &policy("orders-dead"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let arn = |queue: &str| format!("arn:aws:sqs:us-east-1:000000000000:{queue}");
    let document = json!({"SourceArn": arn("orders-dead"), "DestinationArn": arn("bills")});
    assert!(is_denied(&signed(&mut client, "admin", "StartMessageMoveTask", &document)));
}

#[test]
fn what_is_refused_touches_nothing() {
    let server = start();
    let mut client = server.client();
    client.send(request(
        "POST",
        "/",
        &[("X-Amz-Target", "AmazonSQS.CreateQueue")],
        b"{\"QueueName\":\"q\"}",
    ));
    assert_eq!(client.answer().status, 403);
    assert_eq!(ask(&mut client, "root", "GET", "/v1/queues/q", "").status, 404);
}
