//! What is refused, and how it is told: RFC 9457 throughout, and the connection goes on.

use serde_json::json;

use super::{Service, marks};

/// Every path there is, its methods, and a good body for the first of them.
const PATHS: [(&str, &str); 16] = [
    ("/v1/queues", "GET, HEAD"),
    ("/v1/queues/q", "GET, HEAD, PUT, DELETE"),
    ("/v1/queues/q/messages", "GET, HEAD, POST"),
    ("/v1/queues/q/messages/batch", "POST"),
    ("/v1/queues/q/messages/1", "GET, HEAD"),
    ("/v1/queues/q/receive", "POST"),
    ("/v1/queues/q/leases/1", "PATCH, DELETE"),
    ("/v1/queues/q/leases/1/release", "POST"),
    ("/v1/queues/q/leases/ack", "POST"),
    ("/v1/queues/q/leases/extend", "POST"),
    ("/v1/queues/q/leases/release", "POST"),
    ("/v1/queues/q/purge", "POST"),
    ("/v1/queues/q/pause", "POST"),
    ("/v1/queues/q/resume", "POST"),
    ("/v1/queues/q/redrive", "POST"),
    ("/livez", "GET, HEAD"),
];

#[test]
fn an_unknown_path_is_404() {
    let mut service = Service::with_queue(json!({}));
    for path in [
        "/v1",
        "/v1?x=1",
        "/v1/",
        "/v1/queue",
        "/v1/queues/q/",
        "/v1/queues/q/nothing",
        "/v1/queues/q/messages/1/2",
        "/v1/queues/q/leases",
        "/v1/queues/q/leases/1/ack",
        "/v1/queues/q/receive/1",
        "/v1//queues",
        "/v1/Queues",
    ] {
        for method in ["GET", "POST", "PUT"] {
            service.call(method, path, &[], "{}").assert_problem(404, "unknown_path");
        }
        assert_eq!(service.call("HEAD", path, &[], "").status, 404);
    }
}

#[test]
fn another_method_is_405_with_those_that_are_allowed() {
    let mut service = Service::with_queue(json!({}));
    for (path, allowed) in PATHS {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
            if allowed.split(", ").any(|one| one == method) {
                continue;
            }
            let refused = service.call(method, path, &[], "");
            assert_eq!(refused.status, 405, "{method} {path}");
            assert_eq!(refused.header("allow"), Some(allowed), "{method} {path}");
            if method != "HEAD" {
                refused.assert_problem(405, "method_not_allowed");
            }
        }
    }
    assert_eq!(service.get("/v1/queues/q").status, 200);
}

#[test]
fn unknown_parameters_are_refused_by_name() {
    let mut service = Service::with_queue(json!({}));
    for (path, allowed) in PATHS {
        if path == "/livez" {
            continue;
        }
        let method = allowed.split(", ").next().expect("a method");
        let refused = service.call(method, &format!("{path}?maximum=1"), &[], "");
        let problem = refused.assert_problem(400, "invalid_parameter");
        assert_eq!(problem["field"], "maximum", "{method} {path}");
    }
    for (method, path) in [
        ("PUT", "/v1/queues/new?x"),
        ("DELETE", "/v1/queues/q?x"),
        ("POST", "/v1/queues/q/messages?x"),
        ("DELETE", "/v1/queues/q/leases/1?x"),
    ] {
        let refused = service.call(method, path, &[], "");
        assert_eq!(
            refused.assert_problem(400, "invalid_parameter")["field"],
            "x",
            "{method} {path}"
        );
    }
    assert_eq!(service.get("/v1/queues/q").status, 200);
    service.get("/v1/queues/new").assert_problem(404, "queue_not_found");
}

#[test]
fn parameters_that_are_given_twice_are_refused_by_name() {
    let mut service = Service::with_queue(json!({}));
    service.send("q", "kept");
    for (method, path, field) in [
        ("POST", "/v1/queues/q/receive?max=1&max=1", "max"),
        ("POST", "/v1/queues/q/receive?wait=0&max=1&wait=0", "wait"),
        ("POST", "/v1/queues/q/receive?lease=1&lease=0", "lease"),
        ("GET", "/v1/queues/q/messages?max=1&max=2", "max"),
        ("GET", "/v1/queues?prefix=a&prefix=b", "prefix"),
        ("PATCH", "/v1/queues/q/leases/1?lease=1&lease=2", "lease"),
        ("POST", "/v1/queues/q/leases/1/release?delay=1&delay=2", "delay"),
        ("POST", "/v1/queues/q/messages?wait=1&wait=2", "wait"),
    ] {
        let refused = service.call(method, path, &[], "");
        assert_eq!(refused.assert_problem(400, "invalid_parameter")["field"], field, "{path}");
    }
    assert_eq!(service.drain("q"), ["kept"]);
}

#[test]
fn a_body_that_is_no_json_is_refused_where_json_is_wanted() {
    let mut service = Service::with_queue(json!({}));
    for (method, path) in [
        ("PUT", "/v1/queues/new"),
        ("POST", "/v1/queues/q/messages/batch"),
        ("PATCH", "/v1/queues/q/leases/1"),
        ("POST", "/v1/queues/q/leases/ack"),
        ("POST", "/v1/queues/q/leases/extend"),
        ("POST", "/v1/queues/q/leases/release"),
        ("POST", "/v1/queues/q/redrive"),
    ] {
        for body in [&b"[\"a\""[..], b"[", b"\xff"] {
            let refused = service.call(method, path, &[], body);
            assert_eq!(refused.status, 400, "{method} {path}: {}", refused.text());
            refused.assert_problem(400, "invalid_body");
        }
    }
    service.get("/v1/queues/new").assert_problem(404, "queue_not_found");
}

#[test]
fn a_refusal_about_a_queue_that_is_there_tells_how_full_it_is() {
    let mut service = Service::with_queue(json!({"capacity": 2, "max_message_bytes": 10}));
    service.send("q", "x");
    for (method, path, body) in [
        ("POST", "/v1/queues/q/receive?max=0", ""),
        ("POST", "/v1/queues/q/receive?nothing=0", ""),
        ("POST", "/v1/queues/q/messages", "larger than ten"),
        ("POST", "/v1/queues/q/messages/batch", "[]"),
        ("GET", "/v1/queues/q/messages/1", ""),
        ("DELETE", "/v1/queues/q/leases/1", ""),
        ("POST", "/v1/queues/q/leases/ack", ""),
        ("POST", "/v1/queues/q/redrive", "{\"x\":1}"),
        ("PUT", "/v1/queues/q", "{\"x\":1}"),
        ("PUT", "/v1/queues/q", "{\"capacity\":0}"),
        ("PATCH", "/v1/queues/q", ""),
    ] {
        let refused = service.call(method, path, &[], body);
        assert!((400..500).contains(&refused.status), "{method} {path}: {}", refused.text());
        assert_eq!(marks(&refused), (1, 2), "{method} {path}");
    }
}

#[test]
fn bodies_that_nobody_looks_at_do_not_disturb_the_connection() {
    let mut service = Service::with_queue(json!({}));
    let body = "x".repeat(100_000);
    for (method, path, status) in [
        ("POST", "/v1/queues/q/purge", 200),
        ("POST", "/v1/queues/q/pause", 200),
        ("POST", "/v1/queues/q/resume", 200),
        ("POST", "/v1/queues/q/receive", 200),
        ("POST", "/v1/queues/q/leases/1/release", 404),
        ("DELETE", "/v1/queues/q/leases/1", 404),
        ("GET", "/v1/queues/q", 200),
        ("GET", "/v1/queues", 200),
        ("GET", "/v1/queues/q/messages", 200),
        ("DELETE", "/v1/queues/q", 200),
        ("GET", "/livez", 200),
        ("GET", "/readyz", 200),
        ("POST", "/readyz", 405),
    ] {
        let answer = service.call(method, path, &[], &body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        let next = service.client.try_send("GET /readyz HTTP/1.1\r\nHost: ringmq\r\n\r\n");
        let next = next.and_then(|()| service.client.try_answer());
        assert_eq!(next.map(|answer| answer.status).ok(), Some(200), "after {method} {path}");
    }
}

#[test]
fn the_body_of_a_refused_request_does_not_disturb_the_connection() {
    let mut service = Service::with_queue(json!({}));
    let body = "x".repeat(100_000);
    for (method, path, status) in [
        ("POST", "/v1", 404),
        ("POST", "/v1/nothing", 404),
        ("POST", "/v1/queues/q", 405),
        ("POST", "/v1/queues/none/messages", 404),
        ("POST", "/v1/queues/q/messages?x=1", 400),
        ("PUT", "/v1/queues/a%20b", 400),
    ] {
        assert_eq!(service.call(method, path, &[], &body).status, status, "{method} {path}");
        assert_eq!(service.get("/readyz").status, 200);
    }
}
