//! `receive --follow`.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use nix::sys::signal::Signal;

use super::{assert_failed, client, count, with_queue};
use crate::support::server::command;
use crate::support::{Process, Server};

fn follow(server: &Server, args: &[&str]) -> Process {
    Process::spawn(client(server).args(["receive", "--follow"]).args(args))
}

fn send(server: &Server, queue: &str, body: &str) {
    let answer = server.client().post(&format!("/v1/queues/{queue}/messages"), body);
    assert_eq!(answer.status, 201, "{}", answer.text());
}

#[test]
fn it_goes_on_until_ctrl_c_and_acknowledges_what_it_wrote() {
    let server = with_queue("{}");
    let mut process = follow(&server, &["q", "--ack", "--raw"]);
    for body in ["one", "two", "three"] {
        send(&server, "q", body);
        assert_eq!(process.stdout.wait_for(|_| true), body);
    }
    // It asks again only once it has acknowledged.
    while count(&server, "waiting_receives") == 0 {}
    assert_eq!(count(&server, "depth"), 0);
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let process = follow(&server, &["q"]);
        while count(&server, "waiting_receives") < 2 {}
        process.signal(signal);
        let exit = process.wait();
        assert_eq!((exit.status.code(), exit.stderr.as_str()), (Some(0), ""), "{signal}");
    }
    process.signal(Signal::SIGINT);
    let exit = process.wait();
    assert_eq!((exit.status.code(), exit.stdout.as_str()), (Some(0), "one\ntwo\nthree\n"));
}

/// Messages are ready all the time, so Ctrl-C comes while an answer is on its way.
#[test]
fn ctrl_c_strands_no_message() {
    const ALL: u64 = 3000;
    for (args, leased) in [(&[][..], true), (&["--ack"], false), (&["--lease", "0"], false)] {
        let server = with_queue(r#"{"capacity":10000,"lease":"12h"}"#);
        let thousand = serde_json::to_vec(&vec!["x"; 1000]).expect("JSON");
        for _ in 0..ALL / 1000 {
            let sent = server.client().post("/v1/queues/q/messages/batch", &thousand);
            assert_eq!(sent.status, 200, "{}", sent.text());
        }
        let mut process = follow(&server, &[&["q", "-n", "1"], args].concat());
        process.stdout.wait_for(|_| true);
        process.signal(Signal::SIGINT);
        let exit = process.wait();
        assert_eq!((exit.status.code(), exit.stderr.as_str()), (Some(0), ""), "{args:?}");
        let written = exit.stdout.lines().count() as u64;
        assert!(written < ALL, "it ended by itself");
        let (depth, in_flight) = if leased { (ALL, written) } else { (ALL - written, 0) };
        // What was not written of an answer is given back when the server sees that nobody reads it.
        while count(&server, "in_flight") > in_flight {}
        assert_eq!(
            (count(&server, "depth"), count(&server, "in_flight")),
            (depth, in_flight),
            "{args:?}"
        );
    }
}

/// A server that answers a poll only after Ctrl-C was pressed, and where the client has gone by then, not at all.
#[test]
fn what_a_poll_brings_after_ctrl_c_is_not_lost() {
    for receipt in [None, Some("ffff")] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let mut command = command();
        command.args(["receive", "q", "--follow", "--ack", "--raw", "--url", &url]);
        let process = Process::spawn(&mut command);
        let (mut poll, head) = accept(&listener);
        assert!(head.starts_with("POST /v1/queues/q/receive?"), "{head}");
        process.signal(Signal::SIGINT);
        let a_while = std::time::Duration::from_millis(50);
        poll.set_read_timeout(Some(a_while)).expect("it can be set");
        let gone = poll.read(&mut [0]);
        assert!(gone.is_err(), "it did not wait for the answer: {gone:?}");
        let messages = serde_json::json!({ "messages": [{ "body": "one", "receipt": receipt }] });
        answer(&mut poll, &messages.to_string());
        if receipt.is_some() {
            let (mut release, head) = accept(&listener);
            assert!(head.starts_with("POST /v1/queues/q/leases/release "), "{head}");
            answer(&mut release, r#"{"results":[{"status":204}]}"#);
        }
        let exit = process.wait();
        assert_eq!((exit.status.code(), exit.stderr.as_str()), (Some(0), ""));
        assert_eq!(exit.stdout, if receipt.is_some() { "" } else { "one\n" });
    }
}

/// The next connection, and what its request begins with.
fn accept(listener: &TcpListener) -> (TcpStream, String) {
    let (mut stream, _) = listener.accept().expect("somebody connects");
    let mut request = Vec::new();
    while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).expect("a request comes");
        assert!(count > 0, "it went away");
        request.extend_from_slice(&bytes[..count]);
    }
    (stream, String::from_utf8_lossy(&request).into_owned())
}

fn answer(stream: &mut TcpStream, body: &str) {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n");
    let answer = format!("{head}Content-Type: application/json\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).expect("the client reads");
}

#[test]
fn a_second_ctrl_c_ends_it_at_once() {
    let server = with_queue("{}");
    send(&server, "q", &"x".repeat(200_000));
    let (reader, writer) = std::io::pipe().expect("there are pipes");
    let mut command = client(&server);
    let mut child =
        command.args(["receive", "q", "--follow"]).stdout(writer).spawn().expect("it starts");
    drop(command);
    while count(&server, "in_flight") == 0 {}
    // Nobody reads, so it cannot go on to see the first.
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    let status = loop {
        nix::sys::signal::kill(pid, Signal::SIGINT).expect("it has not been waited for");
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        std::thread::yield_now();
    };
    assert_eq!(status.code(), Some(130));
    drop(reader);
}

#[test]
fn without_ack_messages_stay_in_flight() {
    let server = with_queue("{}");
    let mut process = follow(&server, &["q"]);
    send(&server, "q", "one");
    let line = process.stdout.wait_for(|_| true);
    let message: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert!(message["receipt"].is_string(), "{message}");
    assert_eq!(count(&server, "in_flight"), 1);
}

#[test]
fn it_outlives_a_restart_of_the_server() {
    let server = Server::start_to_be_restarted();
    let addr = server.addr;
    let mut process = follow(&server, &["default", "--ack", "--raw"]);
    send(&server, "default", "before");
    assert_eq!(process.stdout.wait_for(|_| true), "before");
    assert!(server.stop(Signal::SIGTERM).status.success());
    process.stderr.wait_for(|line| line.contains("trying again until it works"));
    let server = Server::start_at(addr);
    send(&server, "default", "after");
    assert_eq!(process.stdout.wait_for(|_| true), "after");
    process.signal(Signal::SIGINT);
    assert_eq!(process.wait().status.code(), Some(0));
}

#[test]
fn it_can_be_ended_while_the_server_is_away() {
    let server = Server::start_to_be_restarted();
    let mut process = follow(&server, &["default"]);
    send(&server, "default", "one");
    process.stdout.wait_for(|_| true);
    server.stop(Signal::SIGKILL);
    process.stderr.wait_for(|line| line.contains("trying again"));
    process.signal(Signal::SIGINT);
    assert_eq!(process.wait().status.code(), Some(0));
}

#[test]
fn a_queue_that_never_was_ends_it() {
    let server = with_queue("{}");
    assert_failed(&follow(&server, &["none"]).wait(), 3, &["`none`"]);
}
