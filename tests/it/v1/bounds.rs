//! Sizes: of a body, of a message, and what is said of them.

use serde_json::json;

use super::Service;

#[test]
fn a_body_over_the_limit_of_the_server_is_413_with_the_limit() {
    let mut service = Service::start_with(&["--max-body-bytes", "100"]);
    for target in ["/v1/queues/default/messages", "/v1/queues/default/messages/batch"] {
        let refused = service.post(target, "x".repeat(101));
        let problem = refused.assert_problem(413, "body_too_large");
        assert_eq!(problem["limit"], 100);
        // A connection whose body was refused may have been closed.
        service.client = service.server.client();
    }
    service.send("default", "x".repeat(100));
    assert_eq!(service.number("default", "/counts/bytes"), 100);
}

#[test]
fn a_message_over_the_limit_of_the_queue_is_413_with_the_limit() {
    let mut service = Service::with_queue(json!({"max_message_bytes": 10}));
    let problem =
        service.try_send("q", &[], "x".repeat(11)).assert_problem(413, "message_too_large");
    assert_eq!((&problem["limit"], &problem["size"]), (&json!(10), &json!(11)));
    // No wait will make it fit, so none is begun.
    let waiting = [("Prefer", "wait=60")];
    service.try_send("q", &waiting, "x".repeat(11)).assert_problem(413, "message_too_large");
    service.send("q", "x".repeat(10));
    // Content type and attributes are a part of it.
    let attribute = [("Queue-Attr-name", "value")];
    let problem = service.try_send("q", &attribute, "xx").assert_problem(413, "message_too_large");
    assert_eq!(problem["size"], 11);
    assert_eq!(service.number("q", "/counts/depth"), 1);
}

#[test]
fn a_message_larger_than_all_together_may_be_never_fits() {
    let mut service = Service::start_with(&["--max-memory-bytes", "50"]);
    service.create("q", json!({"max_bytes": 20}));
    let problem =
        service.try_send("q", &[], "x".repeat(21)).assert_problem(413, "message_too_large");
    assert_eq!(problem["limit"], 20);
    let refused = service.try_send("default", &[], "x".repeat(51));
    assert_eq!(refused.assert_problem(413, "message_too_large")["limit"], 50);
}
