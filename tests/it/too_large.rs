//! Bodies over the limit: refused early, with an answer that arrives.

use crate::support::client::{post, post_chunked};
use crate::support::{Answer, Victim, event_body};

/// A body of exactly this many bytes that is a good event.
fn body_of(length: usize) -> Vec<u8> {
    let body = event_body(&"x".repeat(length - r#"{"event":""}"#.len()));
    assert_eq!(body.len(), length);
    body
}

#[track_caller]
fn assert_too_large(answer: &Answer, limit: usize) {
    let line = answer.assert_error_line(413);
    assert!(line.contains(&limit.to_string()), "the limit is not named: {line}");
}

#[test]
fn a_body_over_the_limit_is_refused_by_its_length() {
    for limit in [1 << 20, 100] {
        let flag = limit.to_string();
        let victim = Victim::start_with(&["--max-body-bytes", &flag]);
        let mut client = victim.client();
        assert_eq!(client.post("/enqueue", body_of(limit)).status, 200);
        victim.client().put("kept");
        assert_eq!(victim.client().take().as_deref(), Some("kept"));
        assert_eq!(victim.client().take().map(|event| event.len()), Some(limit - 12));

        for over in [limit + 1, 2 * limit] {
            let mut client = victim.client();
            assert_too_large(&client.post("/enqueue", body_of(over)), limit);
            victim.assert_unharmed();
        }
    }
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_sent() {
    let victim = Victim::start();
    for length in ["1048577", "1099511627776", "18446744073709551615"] {
        let mut client = victim.client();
        client.send(format!(
            "POST /enqueue HTTP/1.1\r\nHost: ringmq\r\nContent-Length: {length}\r\n\r\n"
        ));
        assert_too_large(&client.answer(), 1 << 20);
        victim.assert_unharmed();
    }
}

#[test]
fn a_chunked_body_over_the_limit_is_refused() {
    for limit in [1 << 20, 100] {
        let flag = limit.to_string();
        let victim = Victim::start_with(&["--max-body-bytes", &flag]);
        let piece = limit / 10;
        let mut client = victim.client();
        client.send(post_chunked("/enqueue", &body_of(limit), &[piece; 10]));
        assert_eq!(client.answer().status, 200);
        assert_eq!(victim.client().take().as_deref(), Some("kept"));

        victim.client().put("kept");
        assert_eq!(victim.client().take().map(|event| event.len()), Some(limit - 12));
        let mut client = victim.client();
        client.send(post_chunked("/enqueue", &body_of(limit + 1), &[piece; 10]));
        assert_too_large(&client.answer(), limit);
        victim.assert_unharmed();
    }
}

#[test]
fn a_body_over_the_limit_is_refused_where_nobody_would_look_at_it_too() {
    let victim = Victim::start();
    for path in ["/dequeue", "/size"] {
        let mut client = victim.client();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n"));
        assert_too_large(&client.answer(), 1 << 20);
        victim.assert_unharmed();
    }
}

#[test]
fn a_client_in_the_middle_of_a_huge_upload_gets_its_refusal() {
    let victim = Victim::start();
    let huge = body_of(32 << 20);
    for request in [post("/enqueue", &huge), post_chunked("/enqueue", &huge, &vec![65536; 512])] {
        let mut client = victim.client();
        // The server need not read all of it: the upload may be cut, the answer may not.
        let _ = client.try_send(&request);
        assert_too_large(&client.answer(), 1 << 20);
        victim.assert_unharmed();
    }
}

#[test]
fn a_refused_upload_may_come_to_its_end() {
    let victim = Victim::start();
    let request = post("/enqueue", &body_of(4 << 20));
    let (early, late) = request.split_at(100_000);
    let mut client = victim.client();
    client.send(early);
    assert_too_large(&client.answer(), 1 << 20);
    // Not every client looks for an answer while it sends. Were the connection cut now, with bytes
    // under way that nobody reads, the answer could be lost to it.
    client.send(late);
    client.finish_sending();
    assert_eq!(client.read_to_end().expect("a farewell, no reset"), b"");
    victim.assert_unharmed();
}

#[test]
fn a_connection_goes_on_behind_a_refused_body_that_came_to_its_end() {
    let victim = Victim::start_with(&["--max-body-bytes", "100"]);
    let request = post_chunked("/enqueue", &body_of(200), &[150]);
    let (early, late) = request.split_at(request.len() - 20);
    let mut client = victim.client();
    client.send(early);
    let refused = client.answer();
    assert_too_large(&refused, 100);
    assert_eq!(refused.header("connection"), None);
    client.send(late);
    assert_eq!(client.get("/size").status, 200);
}
