//! The classic routes, and what no face is about; and what is wrong with `Authorization`.

use super::{ask, start, start_with};
use crate::support::client::post_chunked;

const CLASSIC: &str = "sender=sender-token-0123456789 send:default; \
                       receiver=receiver-token-0123456789 receive:default; \
                       monitor=monitor-token-0123456789 monitor:def*; \
                       other=other-token-0123456789 admin:orders";

#[test]
fn the_classic_routes_are_about_the_queue_default() {
    let server = start_with(CLASSIC);
    let mut client = server.client();
    let event = "{\"event\":\"x\"}";
    for (who, enqueue, dequeue, look) in [
        ("sender", 200, 403, 200),
        ("monitor", 403, 403, 200),
        ("receiver", 403, 200, 200),
        ("other", 403, 403, 403),
    ] {
        let answer = ask(&mut client, who, "POST", "/enqueue", event);
        assert_eq!(answer.status, enqueue, "{who}: {}", answer.text());
        let answer = ask(&mut client, who, "GET", "/dequeue", "");
        assert_eq!(answer.status, dequeue, "{who}: {}", answer.text());
        for path in ["/size", "/capacity", "/isEmpty", "/isFull", "/status"] {
            let answer = ask(&mut client, who, "GET", path, "");
            assert_eq!(answer.status, look, "{who} {path}: {}", answer.text());
            if look == 403 {
                answer.assert_problem(403, "forbidden");
            }
        }
    }
}

#[test]
fn without_a_token_nothing_is_done() {
    let server = start();
    let mut client = server.client();
    for (method, path) in [
        ("POST", "/enqueue"),
        ("GET", "/dequeue"),
        ("GET", "/status"),
        ("GET", "/v1/queues"),
        ("PUT", "/v1/queues/q"),
        ("POST", "/v1/queues/q/messages"),
        ("GET", "/v1/nowhere"),
        ("GET", "/metrics"),
        ("GET", "/ui/events"),
        ("GET", "/nowhere"),
    ] {
        let answer = client.call(method, path, &[], "{\"event\":\"x\"}");
        answer.assert_problem(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"ringmq\""), "{path}");
    }
    assert_eq!(ask(&mut client, "root", "GET", "/size", "").json()["size"], 0);
}

#[test]
fn probes_and_pages_need_no_token() {
    let server = start();
    let mut client = server.client();
    for path in ["/livez", "/readyz"] {
        assert_eq!(client.get(path).status, 200, "{path}");
        assert_eq!(client.request("HEAD", path).status, 200, "{path}");
    }
    // They may not be there, but nobody is asked who he is.
    for path in ["/", "/ui", "/ui/app.js", "/openapi.json", "/docs"] {
        assert!(!matches!(client.get(path).status, 401 | 403), "{path}");
    }
}

#[test]
fn figures_of_all_queues_need_a_role_on_all_queues() {
    let server = start();
    let mut client = server.client();
    for path in ["/metrics", "/ui/events", "/%6detrics", "/ui/%65vents", "/ui/%2565vents"] {
        for who in ["sender", "receiver", "monitor", "admin"] {
            let problem = ask(&mut client, who, "GET", path, "").assert_problem(403, "forbidden");
            assert_eq!((&problem["role"], &problem["queue"]), (&"monitor".into(), &"*".into()));
        }
    }
    for who in ["figures", "root"] {
        let status = ask(&mut client, who, "GET", "/metrics", "").status;
        assert!(!matches!(status, 401 | 403), "{who}: {status}");
    }
}

#[test]
fn what_is_no_token_of_the_server_is_refused() {
    let server = start();
    let mut client = server.client();
    for value in [
        "Bearer root-token-012345678",
        "Bearer root-token-01234567890",
        "Bearer Root-token-0123456789",
        "Bearer root",
        "Bearer ",
        "Bearer",
        "Basic cm9vdDpyb290LXRva2VuLTAxMjM0NTY3ODk=",
        "root-token-0123456789",
        "Bearer root-token-0123456789, Bearer root-token-0123456789",
    ] {
        let answer = client.call("GET", "/size", &[("Authorization", value)], "");
        answer.assert_problem(401, "unauthorized");
        let challenge = answer.header("www-authenticate").expect("a challenge");
        assert_eq!(challenge, "Bearer realm=\"ringmq\", error=\"invalid_token\"", "{value}");
        assert!(!answer.text().contains("root-token"), "{}", answer.text());
    }
    let root = ("Authorization", "Bearer root-token-0123456789");
    client.call("GET", "/size", &[root, root], "").assert_problem(401, "unauthorized");
    for value in ["bearer root-token-0123456789", "BEARER  root-token-0123456789 "] {
        let answer = client.call("GET", "/size", &[("Authorization", value)], "");
        answer.assert_json(r#"{"size":0}"#);
    }
}

#[test]
fn a_refused_request_leaves_its_connection_in_step() {
    let server = start();
    let mut client = server.client();
    for _ in 0..3 {
        client.post("/enqueue", "{\"event\":\"x\"}").assert_problem(401, "unauthorized");
        client.send(post_chunked("/v1/queues/q/messages", &[b'x'; 50_000], &[10, 40_000]));
        client.answer().assert_problem(401, "unauthorized");
    }
    assert_eq!(ask(&mut client, "root", "GET", "/size", "").json()["size"], 0);
}

#[test]
fn who_is_not_known_fills_no_memory() {
    let server = start();
    for path in ["/enqueue", "/v1/queues/q/messages"] {
        let mut client = server.client();
        // Announced, allowed, and not waited for.
        client.send(format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"));
        let answer = client.answer();
        answer.assert_problem(401, "unauthorized");
        assert_eq!(answer.header("connection"), Some("close"));
    }
}

#[test]
fn who_is_not_known_to_the_sqs_face_fills_no_memory_either() {
    let server = start();
    let signed = |access: &str, date: &str| {
        format!(
            "X-Amz-Date: {date}\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential={access}/20200101/us-east-1/sqs/aws4_request, \
             SignedHeaders=host;x-amz-date;x-amz-target, Signature=00\r\n"
        )
    };
    let bearer = "Authorization: Bearer root-token-0123456789\r\n";
    for (claims, code) in [
        (String::new(), "MissingAuthenticationToken"),
        ("Authorization: Bearer nobodys-token-0123456789\r\n".into(), "InvalidClientTokenId"),
        (bearer.repeat(2), "IncompleteSignature"),
        (signed("nobody", "20200101T000000Z"), "InvalidClientTokenId"),
        // Somebody's, of years ago.
        (signed("root", "20200101T000000Z"), "SignatureDoesNotMatch"),
    ] {
        for path in ["/", "/000000000000/q"] {
            let mut client = server.client();
            client.send(format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonSQS.SendMessage\r\n\
                 {claims}Content-Length: 1000000\r\n\r\n"
            ));
            let answer = client.answer();
            let expected = format!("{code};Sender");
            assert_eq!(answer.header("x-amzn-query-error"), Some(&*expected), "{claims}");
            assert_eq!(answer.header("connection"), Some("close"));
        }
    }
}
