//! Broken or hostile HTTP: refused, never mistaken for another request, and no harm done.

use crate::support::Victim;
use crate::support::client::post;

#[test]
fn the_body_of_a_refused_request_is_never_read_as_a_request() {
    let victim = Victim::start_with(&["--max-body-bytes", "100"]);
    let smuggled = "GET /dequeue HTTP/1.1\r\nHost: ringmq\r\n\r\n".repeat(5);
    let length = smuggled.len();
    for (start, status) in [
        ("DELETE /dequeue", 405),
        ("POST /dequeue", 405),
        ("PUT /enqueue", 405),
        ("POST /nowhere", 404),
        ("GET /nowhere", 404),
        ("GET /size", 413),
        ("POST /enqueue", 413),
    ] {
        for framing in ["length", "chunked"] {
            let request = match framing {
                "length" => format!(
                    "{start} HTTP/1.1\r\nHost: ringmq\r\nContent-Length: {length}\r\n\r\n{smuggled}"
                ),
                _ => format!(
                    "{start} HTTP/1.1\r\nHost: ringmq\r\nTransfer-Encoding: chunked\r\n\r\n\
                     {length:x}\r\n{smuggled}\r\n0\r\n\r\n"
                ),
            };
            let mut client = victim.client();
            client.send(request);
            assert_eq!(client.answer().status, status, "{start} {framing}");
            // Either the connection goes on in step or it is closed; more answers than requests
            // are never right.
            client.finish_sending();
            assert_eq!(client.until_closed(), b"", "{start} {framing}");
            victim.assert_unharmed();
        }
    }
}

#[test]
fn a_body_on_a_get_is_ignored_and_never_read_as_a_request() {
    let victim = Victim::start();
    for path in ["/size", "/capacity", "/isEmpty", "/isFull", "/status"] {
        let mut client = victim.client();
        client
            .send(format!("GET {path} HTTP/1.1\r\nHost: ringmq\r\nContent-Length: 5\r\n\r\nhello"));
        let answer = client.answer();
        assert_eq!(answer.status, 200, "{path}");
        // A server may close rather than read a body that nobody wants, if it says so.
        if answer.header("connection") == Some("close") {
            assert_eq!(client.until_closed(), b"", "{path}");
            victim.assert_unharmed();
        } else {
            victim.assert_unharmed_on(&mut client);
        }
    }
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let victim = Victim::start();
    let long = "x".repeat(1 << 20);
    let many = "X-Header: x\r\n".repeat(10_000);
    for request in [
        format!("GET /dequeue HTTP/1.1\r\nHost: ringmq\r\nX-Long: {long}\r\n\r\n"),
        format!("GET /dequeue?{long} HTTP/1.1\r\nHost: ringmq\r\n\r\n"),
        format!("GET /dequeue HTTP/1.1\r\nHost: ringmq\r\n{many}\r\n"),
        format!("{long} /dequeue HTTP/1.1\r\nHost: ringmq\r\n\r\n"),
    ] {
        let mut client = victim.client();
        let _ = client.try_send(&request);
        let answer = client.answer();
        assert!(
            matches!(answer.status, 400 | 414 | 431),
            "{} to {}...",
            answer.status,
            &request[..50]
        );
        victim.assert_unharmed();
    }
}

#[test]
fn what_is_not_http_is_refused() {
    let victim = Victim::start();
    for request in [
        "\0\0\0\0\r\n\r\n",
        "hello\r\n\r\n",
        "GET\r\n\r\n",
        "GET /dequeue\r\n\r\n",
        "GET /dequeue HTTP/3.7\r\n\r\n",
        "GET /dequeue FTP/1.1\r\n\r\n",
        "GET  /dequeue HTTP/1.1\r\nHost: ringmq\r\n\r\n",
        "GE\x01T /dequeue HTTP/1.1\r\nHost: ringmq\r\n\r\n",
        "GET /deq ueue HTTP/1.1\r\nHost: ringmq\r\n\r\n",
        "GET /dequeue HTTP/1.1\r\nHost ringmq\r\n\r\n",
        "GET /dequeue HTTP/1.1\r\nHost: ringmq\r\nX\x00: 1\r\n\r\n",
        "GET /dequeue HTTP/1.1\r\nHost: ringmq\r\nX: \x00\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\x00\x7f\x03\x03\r\n\r\n",
    ] {
        victim.assert_refused_and_closed(request, &[400]);
    }
}

#[test]
fn contradictory_or_broken_lengths_are_refused() {
    let victim = Victim::start();
    let body = r#"{"event":"x"}"#;
    for headers in [
        "Content-Length: 13\r\nContent-Length: 14\r\n",
        "Content-Length: 13\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 13\r\n",
        "Content-Length: +13\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x0d\r\n",
        "Content-Length: 13, 13\r\n",
        "Content-Length: ten\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: xchunked\r\n",
    ] {
        let request = format!("POST /enqueue HTTP/1.1\r\nHost: ringmq\r\n{headers}\r\n{body}");
        victim.assert_refused_and_closed(request, &[400, 501]);
    }
}

#[test]
fn a_broken_chunked_body_is_never_an_event() {
    let victim = Victim::start();
    for chunks in [
        "zz\r\n{\"event\":\"x\"}\r\n0\r\n\r\n",
        "-d\r\n{\"event\":\"x\"}\r\n0\r\n\r\n",
        "d\r\n{\"event\":\"x\"}XX0\r\n\r\n",
        "fffffffffffffffff\r\n{\"event\":\"x\"}\r\n0\r\n\r\n",
        "d\r\n{\"event\":\"x\"}\r\nnot a size\r\n",
    ] {
        let mut client = victim.client();
        client.send(format!(
            "POST /enqueue HTTP/1.1\r\nHost: ringmq\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
        ));
        client.finish_sending();
        let rest = client.until_closed();
        let ok = rest.is_empty() || rest.starts_with(b"HTTP/1.1 400 ");
        assert!(ok, "{chunks:?}: {}", rest.escape_ascii());
        victim.assert_unharmed();
    }
}

#[test]
fn bad_requests_in_a_pipeline_do_not_shift_the_answers_after_them() {
    let victim = Victim::start();
    let mut client = victim.client();
    let mut requests = Vec::new();
    for _ in 0..20 {
        requests.extend(post("/enqueue", b"no JSON"));
        requests.extend(b"DELETE /dequeue HTTP/1.1\r\nHost: ringmq\r\n\r\n");
        requests.extend(b"GET /nowhere HTTP/1.1\r\nHost: ringmq\r\n\r\n");
        requests.extend(b"GET /size HTTP/1.1\r\nHost: ringmq\r\n\r\n");
    }
    client.send(requests);
    for _ in 0..20 {
        client.answer().assert_error_line(400);
        client.answer().assert_error(405, "Method not allowed");
        client.answer().assert_error_line(404);
        client.answer().assert_json(r#"{"size":1}"#);
    }
    victim.assert_unharmed_on(&mut client);
}

#[test]
fn head_in_a_pipeline_does_not_shift_the_answers_after_it() {
    let victim = Victim::start();
    for path in ["/enqueue", "/dequeue", "/size", "/nowhere"] {
        let mut client = victim.client();
        client.send(format!(
            "GET /size HTTP/1.1\r\nHost: ringmq\r\n\r\n\
             HEAD {path} HTTP/1.1\r\nHost: ringmq\r\n\r\n\
             GET /capacity HTTP/1.1\r\nHost: ringmq\r\n\r\n"
        ));
        client.answer().assert_json(r#"{"size":1}"#);
        let head = client.answer_to_head();
        assert!(matches!(head.status, 404 | 405), "{head:?}");
        client.answer().assert_json(r#"{"capacity":1024}"#);
        victim.assert_unharmed_on(&mut client);
    }
}
