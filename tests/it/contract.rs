//! The classic contract: six routes and `/status`, byte for byte.

use crate::support::answer::{EMPTY, FULL};
use crate::support::client::{post, post_chunked};
use crate::support::{Client, Server};

#[test]
fn enqueue_answers_with_the_event() {
    let server = Server::start();
    server
        .client()
        .post("/enqueue", r#"{"event":"Event 1"}"#)
        .assert_json(r#"{"message":"Successfully enqueued event","event":"Event 1"}"#);
}

#[test]
fn dequeue_answers_with_the_event() {
    let server = Server::start();
    let mut client = server.client();
    client.put("Event 1");
    client.dequeue().assert_json(r#"{"message":"Successfully dequeued event","event":"Event 1"}"#);
}

#[test]
fn a_new_queue_is_empty_and_says_so_everywhere() {
    let server = Server::with_capacity(3);
    let mut client = server.client();
    client.get("/size").assert_json(r#"{"size":0}"#);
    client.get("/capacity").assert_json(r#"{"capacity":3}"#);
    client.get("/isEmpty").assert_json(r#"{"isEmpty":true}"#);
    client.get("/isFull").assert_json(r#"{"isFull":false}"#);
    client
        .get("/status")
        .assert_json(r#"{"status":"OK","size":0,"capacity":3,"isEmpty":true,"isFull":false}"#);
}

#[test]
fn a_partly_filled_queue_is_neither_empty_nor_full() {
    let server = Server::with_capacity(3);
    let mut client = server.client();
    client.put("one");
    client.put("two");
    client.get("/size").assert_json(r#"{"size":2}"#);
    client.get("/capacity").assert_json(r#"{"capacity":3}"#);
    client.get("/isEmpty").assert_json(r#"{"isEmpty":false}"#);
    client.get("/isFull").assert_json(r#"{"isFull":false}"#);
    client
        .get("/status")
        .assert_json(r#"{"status":"OK","size":2,"capacity":3,"isEmpty":false,"isFull":false}"#);
}

#[test]
fn a_full_queue_says_so_everywhere() {
    let server = Server::with_capacity(2);
    let mut client = server.client();
    client.put("one");
    client.put("two");
    client.get("/size").assert_json(r#"{"size":2}"#);
    client.get("/capacity").assert_json(r#"{"capacity":2}"#);
    client.get("/isEmpty").assert_json(r#"{"isEmpty":false}"#);
    client.get("/isFull").assert_json(r#"{"isFull":true}"#);
    client
        .get("/status")
        .assert_json(r#"{"status":"OK","size":2,"capacity":2,"isEmpty":false,"isFull":true}"#);
}

#[test]
fn events_leave_in_the_order_they_came() {
    let server = Server::with_capacity(100);
    let mut client = server.client();
    for event in 0..100 {
        client.put(&event.to_string());
    }
    for event in 0..100 {
        assert_eq!(client.take(), Some(event.to_string()));
    }
    assert_eq!(client.take(), None);
}

#[test]
fn a_full_queue_refuses_and_keeps_what_it_has() {
    for capacity in [1, 2, 3, 5] {
        let server = Server::with_capacity(capacity);
        let mut client = server.client();
        for event in 0..capacity {
            client.put(&event.to_string());
        }
        for _ in 0..3 {
            client.enqueue("one too many").assert_error(500, FULL.trim_end());
        }
        assert_eq!(client.take().as_deref(), Some("0"));
        client.put("fits again");
        let rest: Vec<_> = (1..capacity).map(|event| event.to_string()).collect();
        assert_eq!(server.drain(), [rest.as_slice(), &["fits again".to_owned()]].concat());
    }
}

#[test]
fn an_empty_queue_refuses_until_an_event_comes() {
    let server = Server::start();
    let mut client = server.client();
    for _ in 0..3 {
        client.dequeue().assert_error(500, EMPTY.trim_end());
    }
    client.get("/size").assert_json(r#"{"size":0}"#);
    client.put("at last");
    assert_eq!(client.take().as_deref(), Some("at last"));
    client.dequeue().assert_error(500, EMPTY.trim_end());
}

#[test]
fn a_queue_of_any_capacity_can_be_filled_and_emptied_many_times() {
    for capacity in [1, 2, 3, 7] {
        let server = Server::with_capacity(capacity);
        let mut client = server.client();
        for lap in 0..20 {
            let events: Vec<_> = (0..capacity).map(|n| format!("{lap}-{n}")).collect();
            events.iter().for_each(|event| client.put(event));
            client.get("/isFull").assert_json(r#"{"isFull":true}"#);
            assert_eq!(server.drain(), events);
        }
    }
}

#[test]
fn every_client_sees_the_same_queue() {
    let server = Server::start_with(&["--workers", "4"]);
    let mut clients: Vec<_> = (0..16).map(|_| server.client()).collect();
    for (event, client) in clients.iter_mut().enumerate() {
        client.put(&event.to_string());
    }
    for (event, client) in clients.iter_mut().rev().enumerate() {
        client.get("/size").assert_json(&format!(r#"{{"size":{}}}"#, 16 - event));
        assert_eq!(client.take(), Some(event.to_string()));
    }
}

#[test]
fn an_event_left_out_or_null_is_the_empty_string() {
    let server = Server::start();
    let mut client = server.client();
    for body in ["{}", r#"{"event":null}"#, r#"{"event":""}"#, r#"{"other":1}"#, "null"] {
        client
            .post("/enqueue", body)
            .assert_json(r#"{"message":"Successfully enqueued event","event":""}"#);
        client.dequeue().assert_json(r#"{"message":"Successfully dequeued event","event":""}"#);
    }
}

#[test]
fn bodies_are_read_as_generously_as_before() {
    let cases = [
        (r#"{"id":7,"event":"x","tags":["a",{"event":"no"}],"note":{"event":"no"}}"#, "x"),
        (r#"{"event":"first","event":"last"}"#, "last"),
        (r#"{"event":"x","event":null}"#, "x"),
        (r#"{"event":"y","Event":"x"}"#, "x"),
        (r#"{"Event":"x"}"#, "x"),
        (r#"{"EVENT":"x"}"#, "x"),
        (r#"{"\u0065vent":"x"}"#, "x"),
        (" \r\n\t{ \"event\" :\n\"x\" }\r\n", "x"),
        (r#"{"event":"x"} and more"#, "x"),
        (r#"{"event":"x"}{"event":"y"}"#, "x"),
    ];
    let server = Server::start();
    let mut client = server.client();
    for (body, event) in cases {
        let answer = client.post("/enqueue", body);
        assert_eq!(answer.status, 200, "{body}: {}", answer.text());
        assert_eq!(answer.event(), event, "{body}");
        assert_eq!(client.take().as_deref(), Some(event), "{body}");
        assert_eq!(client.take(), None, "{body}");
    }
}

#[test]
fn an_event_comes_with_any_content_type_or_none() {
    let server = Server::start();
    let mut client = server.client();
    let body = r#"{"event":"x"}"#;
    for line in [
        "",
        "Content-Type: application/json\r\n",
        "Content-Type: application/json; charset=utf-8\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: text/plain\r\n",
        "Content-Type: no type at all\r\n",
    ] {
        let length = body.len();
        client.send(format!(
            "POST /enqueue HTTP/1.1\r\nHost: ringmq\r\n{line}Content-Length: {length}\r\n\r\n{body}"
        ));
        assert_eq!(client.answer().status, 200, "{line:?}");
        assert_eq!(client.take().as_deref(), Some("x"), "{line:?}");
    }
}

#[test]
fn a_query_string_changes_nothing() {
    let server = Server::with_capacity(3);
    let mut client = server.client();
    assert_eq!(client.post("/enqueue?event=other&x=%00", r#"{"event":"x"}"#).event(), "x");
    client.get("/size?").assert_json(r#"{"size":1}"#);
    client.get("/capacity?a=b").assert_json(r#"{"capacity":3}"#);
    assert_eq!(client.get("/dequeue?max=10").event(), "x");
}

#[test]
fn a_chunked_body_is_an_event_like_any_other() {
    let server = Server::start();
    let mut client = server.client();
    let body = r#"{"event":"in \u00e9 pieces ✓"}"#.as_bytes();
    // Cut everywhere, in the middle of an escape and of a UTF-8 sequence too.
    for cut in 0..=body.len() {
        client.send(post_chunked("/enqueue", body, &[cut]));
        assert_eq!(client.answer().status, 200, "cut at {cut}");
        assert_eq!(client.take().as_deref(), Some("in é pieces ✓"), "cut at {cut}");
    }
    client.send(post_chunked("/enqueue", body, &vec![1; body.len()]));
    assert_eq!(client.answer().event(), "in é pieces ✓");
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let server = Server::start();
    let mut client = server.client();
    for byte in post("/enqueue", br#"{"event":"slowly"}"#) {
        client.send([byte]);
    }
    assert_eq!(client.answer().event(), "slowly");
    for byte in b"GET /dequeue HTTP/1.1\r\nHost: ringmq\r\n\r\n" {
        client.send([*byte]);
    }
    assert_eq!(client.answer().event(), "slowly");
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start();
    let mut client = server.client();
    let mut requests = Vec::new();
    for event in 0..50 {
        requests.extend(post("/enqueue", format!(r#"{{"event":"{event}"}}"#).as_bytes()));
        requests.extend(b"GET /size HTTP/1.1\r\nHost: ringmq\r\n\r\n");
        requests.extend(b"GET /dequeue HTTP/1.1\r\nHost: ringmq\r\n\r\n");
        requests.extend(b"GET /dequeue HTTP/1.1\r\nHost: ringmq\r\n\r\n");
    }
    client.send(requests);
    for event in 0..50 {
        assert_eq!(client.answer().event(), event.to_string());
        client.answer().assert_json(r#"{"size":1}"#);
        assert_eq!(client.answer().event(), event.to_string());
        client.answer().assert_error(500, EMPTY.trim_end());
    }
}

#[test]
fn a_connection_serves_many_requests_unless_the_client_wants_it_closed() {
    let server = Server::start();
    let mut client = server.client();
    for _ in 0..100 {
        client.get("/size").assert_json(r#"{"size":0}"#);
        client.dequeue().assert_error(500, EMPTY.trim_end());
        assert_eq!(client.get("/nowhere").status, 404);
    }
    client.send("GET /size HTTP/1.1\r\nHost: ringmq\r\nConnection: close\r\n\r\n");
    client.answer().assert_json(r#"{"size":0}"#);
    assert_eq!(client.until_closed(), b"");
}

#[test]
fn http_1_0_is_served_and_closed() {
    let server = Server::start();
    let mut client = server.client();
    client.send("POST /enqueue HTTP/1.0\r\nContent-Length: 13\r\n\r\n{\"event\":\"x\"}");
    assert_eq!(client.answer().event(), "x");
    assert_eq!(client.until_closed(), b"");

    let mut client = server.client();
    client.send("GET /dequeue HTTP/1.0\r\n\r\n");
    assert_eq!(client.answer().event(), "x");
    assert_eq!(client.until_closed(), b"");
}

#[test]
fn a_client_that_asks_before_it_sends_its_body_is_told_to_go_on() {
    let server = Server::start();
    let mut client = server.client();
    client.send(
        "POST /enqueue HTTP/1.1\r\nHost: ringmq\r\nContent-Length: 13\r\n\
         Expect: 100-continue\r\n\r\n",
    );
    assert_eq!(client.answer().status, 100);
    client.send(r#"{"event":"x"}"#);
    assert_eq!(client.answer().event(), "x");
    assert_eq!(client.take().as_deref(), Some("x"));
}

#[test]
fn the_length_is_stated_and_the_server_is_not_named() {
    let server = Server::start();
    let mut client: Client = server.client();
    for answer in [
        client.enqueue("x"),
        client.dequeue(),
        client.dequeue(),
        client.get("/status"),
        client.get("/nowhere"),
        client.get("/enqueue"),
        client.post("/enqueue", "no JSON"),
    ] {
        assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
        assert_eq!(answer.header("server"), None);
        assert_eq!(answer.header("transfer-encoding"), None);
        assert_eq!(answer.version, "HTTP/1.1");
    }
}
