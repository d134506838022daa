//! Clients that are slow, or too many. Time is never asserted: what is waited for is the server's farewell.
//!
//! Where time has to pass, a receive that waits in vain lets it.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use crate::support::answer::Answer;
use crate::support::client::{ended_between_answers, request};
use crate::support::server::command;
use crate::support::{Client, Server};

const RECEIVE: &str = "/v1/queues/default/receive";

/// Lets some time pass on the server's clock.
fn pass(server: &Server, time: &str) {
    server.client().put_queue("idle");
    let answer = server.client().post(&format!("/v1/queues/idle/receive?wait={time}"), "");
    assert_eq!(answer.json()["messages"], serde_json::json!([]), "{}", answer.text());
}

impl Client {
    fn put_queue(&mut self, queue: &str) {
        let status = self.request("PUT", &format!("/v1/queues/{queue}")).status;
        assert!(matches!(status, 200 | 201), "{status}");
    }
}

/// An answer, and then the end.
#[track_caller]
fn assert_last(mut client: Client, status: u16) -> Answer {
    let answer = client.answer();
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(client.until_closed(), b"");
    answer
}

#[test]
fn a_head_that_stops_is_answered_408() {
    let server = Server::start_with(&["--head-timeout", "3s"]);
    let mut slow = Vec::new();
    for head in [
        "G",
        "GET /size HTTP/1.1\r\nHost: ringmq\r\n",
        "POST /enqueue HTTP/1.1\r\nContent-Length: 9\r\n",
    ] {
        // The first of a connection, and a later one.
        let mut client = server.client();
        client.send(head);
        slow.push(client);
        let mut client = server.client();
        client.get("/size").assert_json(r#"{"size":0}"#);
        client.send(head);
        slow.push(client);
        let mut client = server.client();
        client.put("x");
        assert_eq!(client.take().as_deref(), Some("x"));
        client.send(head);
        slow.push(client);
    }
    for client in slow {
        assert_last(client, 408);
    }
}

#[test]
fn a_head_that_drips_is_answered_408() {
    let server = Server::start_with(&["--head-timeout", "3s"]);
    let mut client = server.client();
    client.get("/size").assert_json(r#"{"size":0}"#);
    // A header more whenever a moment has passed in which nothing came.
    let mut stream = client.stream();
    stream.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
    stream.write_all(b"GET /size HTTP/1.1\r\n").expect("the server reads");
    let mut answer = Vec::new();
    loop {
        let mut bytes = [0; 1024];
        match stream.read(&mut bytes) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&bytes[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let _ = stream.write_all(b"X: y\r\n");
            }
            Err(error) if ended_between_answers(&error) => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(answer.starts_with(b"HTTP/1.1 408 "), "{}", answer.escape_ascii());
}

#[test]
fn a_body_that_stops_is_answered_408_in_the_form_of_its_face() {
    let server = Server::start_with(&["--body-timeout", "100ms"]);
    let length = "Content-Length: 9\r\n\r\nabc";
    let chunked = "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    for rest in [length, chunked, "Content-Length: 9\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"]
    {
        let send = |path: &str| {
            let mut client = server.client();
            client.get("/size").assert_json(r#"{"size":0}"#);
            client.send(format!("POST {path} HTTP/1.1\r\nHost: ringmq\r\n{rest}"));
            client
        };
        assert_last(send("/enqueue"), 408)
            .assert_error(408, "request body did not come within 100ms");
        let problem = assert_last(send("/v1/queues/default/messages"), 408);
        problem.assert_problem(408, "body_timeout");
        assert_eq!(problem.header("connection"), Some("close"));
        let answer = assert_last(send("/?Action=ListQueues"), 408);
        assert!(answer.text().contains("<Code>RequestTimeout</Code>"), "{}", answer.text());
        assert_last(send("/nowhere"), 408);
    }
    server.client().get("/size").assert_json(r#"{"size":0}"#);
}

#[test]
fn who_waits_for_an_answer_is_no_slow_client() {
    let server = Server::start_with(&["--head-timeout", "500ms", "--keep-alive", "500ms"]);
    let mut parked = server.client();
    parked.send(request("POST", &format!("{RECEIVE}?wait=60&lease=0"), &[], b""));
    pass(&server, "2s");
    server.client().put("late");
    assert_eq!(parked.answer().json()["messages"][0]["body"], "late");
    // And with a part of the next request behind it.
    let mut parked = server.client();
    parked.send(request("POST", &format!("{RECEIVE}?wait=60&lease=0"), &[], b""));
    parked.send("GET /si");
    pass(&server, "2s");
    parked.send("ze HTTP/1.1\r\nHost: x\r\n\r\n");
    server.client().put("later");
    assert_eq!(parked.answer().json()["messages"][0]["body"], "later");
    parked.answer().assert_json(r#"{"size":0}"#);
}

#[test]
fn an_idle_connection_is_kept_for_a_while() {
    let server = Server::start_with(&["--keep-alive", "500ms"]);
    let mut client = server.client();
    client.get("/size").assert_json(r#"{"size":0}"#);
    assert_eq!(client.until_closed(), b"");
}

#[test]
fn a_refused_body_that_does_not_come_keeps_no_connection() {
    let server = Server::start_with(&[
        "--head-timeout",
        "500ms",
        "--keep-alive",
        "500ms",
        "--max-body-bytes",
        "10",
    ]);
    for path in ["/enqueue", "/v1/queues/default/messages", "/nowhere"] {
        let mut client = server.client();
        client.send(format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{}\r\n",
            "x".repeat(20)
        ));
        let answer = client.answer();
        assert!(matches!(answer.status, 404 | 413), "{}", answer.text());
        client.until_closed();
    }
}

/// More than systems keep for a client that reads nothing.
const MUCH: usize = 64 << 20;

#[test]
fn who_does_not_read_is_not_read_from() {
    let server = Server::start();
    let client = server.client();
    let empty = format!(
        "POST {RECEIVE}?max=1 HTTP/1.1\r\nHost: x\r\nAccept: application/octet-stream\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let many = empty.repeat(1000);
    let mut stream = client.stream();
    stream.set_write_timeout(Some(Duration::from_millis(500))).expect("a timeout");
    let mut sent = 0;
    while sent < MUCH {
        match stream.write(&many.as_bytes()[sent % many.len()..]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(sent < MUCH, "{sent} bytes were taken from a client that reads nothing");

    // Once it reads, it is served as if nothing had been.
    let mut reader = stream.try_clone().expect("a second handle");
    let expected = sent / empty.len();
    let counted = std::thread::spawn(move || {
        let (mut answers, mut bytes, mut seen) = (0, vec![0; 1 << 16], Vec::new());
        while answers < expected {
            let count = reader.read(&mut bytes).expect("the server answers");
            assert_ne!(count, 0, "the server hangs up after {answers} of {expected}");
            seen.extend_from_slice(&bytes[..count]);
            answers += seen.windows(4).filter(|bytes| *bytes == b"\r\n\r\n").count();
            let rest = seen.len() - 3.min(seen.len());
            seen.drain(..rest);
        }
        answers
    });
    assert_eq!(counted.join().expect("a reader"), expected);
}

/// What a process has used of processors, in hundredths of a second.
#[cfg(target_os = "linux")]
fn ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let fields = stat.rsplit(')').next().expect("split yields at least one part");
    let numbers = fields.split_whitespace().skip(11).take(2);
    numbers.map(|number| number.parse::<u64>().expect("a number")).sum()
}

#[cfg(target_os = "linux")]
#[test]
fn who_goes_on_asking_behind_a_poll_keeps_no_worker_busy() {
    let server = Server::start();
    let poll = format!("POST {RECEIVE}?wait=60&lease=0 HTTP/1.1\r\nHost: x\r\n");
    let size = "GET /size HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut waiting = Vec::new();
    for body in ["Content-Length: 0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"] {
        let client = server.client();
        let mut stream = client.stream();
        stream.set_write_timeout(Some(Duration::from_millis(500))).expect("a timeout");
        stream.write_all(format!("{poll}{body}").as_bytes()).expect("the server reads");
        let many = size.repeat(10_000);
        let mut sent = 0;
        while sent < many.len() {
            match stream.write(&many.as_bytes()[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        waiting.push((client, sent / size.len()));
    }
    let before = ticks(server.process.id());
    pass(&server, "2s");
    let used = ticks(server.process.id()) - before;
    assert!(used < 20, "{used} hundredths of a second were used in two seconds");
    // And what was asked for is answered.
    for (mut client, count) in waiting {
        server.client().put("late");
        assert_eq!(client.answer().json()["messages"][0]["body"], "late");
        for _ in 0..count {
            client.answer().assert_json(r#"{"size":0}"#);
        }
    }
}

#[test]
fn who_does_not_read_is_cut() {
    let mut server = Server::launch(command().args([
        "--port",
        "0",
        "--body-timeout",
        "3s",
        "--log",
        "ringmq=debug",
        "--max-connections",
        "2",
    ]));
    let mut client = server.client();
    for _ in 0..100 {
        let sent = client.post("/v1/queues/default/messages", vec![b'x'; 200_000]);
        assert_eq!(sent.status, 201, "{}", sent.text());
    }
    drop(client);
    let mut client = server.client();
    client.send(request("GET", "/v1/queues/default/messages?max=100", &[], b"").repeat(4));
    server.process.stderr.wait_for(|line| line.contains("does not read its answer"));
    // What is on its way comes, and then the end.
    client.until_closed();
    assert_eq!(server.size(), 100);
}

#[test]
fn one_connection_too_many_is_told_so() {
    let server = Server::start_with(&["--max-connections", "2", "--workers", "2"]);
    let (mut one, mut two) = (server.client(), server.client());
    for client in [&mut one, &mut two] {
        client.get("/size").assert_json(r#"{"size":0}"#);
    }
    for _ in 0..20 {
        let mut three = server.client();
        let answer = three.answer();
        answer.assert_problem(503, "too_many_connections");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(three.until_closed(), b"");
    }
    one.get("/size").assert_json(r#"{"size":0}"#);
    drop(two);
    // As soon as the server has seen that.
    loop {
        let mut three = server.client();
        let _ = three.try_send(request("GET", "/size", &[], b""));
        if three.try_answer().is_ok_and(|answer| answer.status == 200) {
            break;
        }
    }
    one.get("/size").assert_json(r#"{"size":0}"#);
}

#[test]
fn a_flood_of_connections_leaves_those_that_are_there() {
    let server = Server::start_with(&["--max-connections", "10"]);
    let mut client = server.client();
    client.put("kept");
    let mut flood: Vec<_> = (0..400).map(|_| Client::try_connect(server.addr)).collect();
    client.get("/size").assert_json(r#"{"size":1}"#);
    flood.clear();
    assert_eq!(client.take().as_deref(), Some("kept"));
}

#[cfg(target_os = "linux")]
/// Started with this limit of open files; whether the limit was raised then, and whether the log warns.
fn started_with_open_files(limit: &str) -> (bool, bool) {
    let binary = command().get_program().to_owned();
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(format!("ulimit {limit} 700 && exec \"$0\" \"$@\"")).arg(binary);
    let server = Server::launch(shell.args(["--port", "0", "--max-connections", "400"]));
    let limits = format!("/proc/{}/limits", server.process.id());
    let limits = std::fs::read_to_string(limits).expect("Linux tells the limits of a process");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("a line");
    let mut numbers = line["Max open files".len()..].split_whitespace();
    let raised = numbers.next() == numbers.next();
    let log = server.stop(nix::sys::signal::Signal::SIGTERM).stderr;
    (raised, log.contains("WARN") && log.contains("at most 350 connections, not 400"))
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_takes_as_many_open_files_as_it_may() {
    assert_eq!(started_with_open_files("-Sn"), (true, false));
    assert_eq!(started_with_open_files("-n"), (true, true));
}
