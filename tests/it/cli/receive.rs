//! `receive` and `browse`, once.

use std::io::Read as _;
use std::process::{Command, Stdio};

use super::terminal::show;
use super::{client, count, json, ok, run, with_queue};
use crate::support::{Process, Server};

fn send(server: &Server, body: &[u8]) {
    let answer = server.client().post("/v1/queues/q/messages", body);
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// What is written byte for byte.
fn output(command: &mut Command) -> Vec<u8> {
    let output = command.stdin(Stdio::null()).output().expect("it starts");
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

#[test]
fn a_message_is_one_line_of_json_with_its_receipt() {
    let server = with_queue("{}");
    send(&server, b"one");
    send(&server, &[0, 255]);
    let text = ok(&server, &["receive", "q", "--max", "10"]);
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!((&lines[0]["body"], &lines[1]["body_base64"]), (&"one".into(), &"AP8=".into()));
    assert!(lines.iter().all(|line| line["receipt"].is_string()));
    assert_eq!(count(&server, "in_flight"), 2);
}

#[test]
fn what_was_written_is_acknowledged() {
    let server = with_queue("{}");
    send(&server, b"one");
    assert_eq!(json(&server, &["receive", "q", "--ack"])["body"], "one");
    assert_eq!(count(&server, "depth"), 0);
}

#[test]
fn a_lease_of_0_takes_it_for_good() {
    let server = with_queue("{}");
    send(&server, b"one");
    let message = json(&server, &["receive", "q", "--lease", "0", "--ack"]);
    assert_eq!((&message["body"], message["receipt"].is_null()), (&"one".into(), true));
    assert_eq!(count(&server, "depth"), 0);
}

#[test]
fn raw_is_the_body_as_it_was_sent() {
    let server = with_queue("{}");
    let body = [0, b'\n', 255, b'\r'];
    send(&server, &body);
    assert_eq!(output(client(&server).args(["receive", "q", "--raw", "--ack"])), body);
    send(&server, b"one");
    send(&server, b"two");
    let both = output(client(&server).args(["receive", "q", "--raw", "--ack", "--max", "5"]));
    assert_eq!(both, b"one\ntwo\n");
}

#[test]
fn it_waits_for_the_first_one() {
    let server = with_queue("{}");
    let waiting = Process::spawn(client(&server).args(["receive", "q", "--wait", "60s", "--ack"]));
    while count(&server, "waiting_receives") == 0 {}
    send(&server, b"late");
    let exit = waiting.wait();
    assert!(exit.status.success() && exit.stdout.contains("late"), "{exit:?}");
}

#[test]
fn people_see_facts_and_body() {
    let server = with_queue("{}");
    send(&server, "grüße \x1b[2J".as_bytes());
    let seen = show(&server, &["receive", "q"]);
    for part in ["received 1 ×", "receipt ", "grüße \u{fffd}[2J"] {
        assert!(seen.contains(part), "{part} in {seen:?}");
    }
    assert!(!seen.contains("\x1b[2J"), "{seen:?}");
}

#[test]
fn what_cannot_be_written_is_given_back_and_not_acknowledged() {
    let server = with_queue(r#"{"lease":"12h"}"#);
    send(&server, b"one");
    for args in [&["receive", "q", "--ack"][..], &["receive", "q", "--ack", "--follow"]] {
        let (reader, writer) = std::io::pipe().expect("there are pipes");
        drop(reader);
        let status = client(&server).args(args).stdout(writer).status().expect("it starts");
        assert_eq!(status.code(), Some(141), "{args:?}");
        assert_eq!((count(&server, "ready"), count(&server, "in_flight")), (1, 0), "{args:?}");
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    if let Ok(full) = full {
        let mut command = client(&server);
        let output =
            command.args(["receive", "q", "--ack"]).stdout(full).output().expect("it starts");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write"), "{output:?}");
        assert_eq!((count(&server, "ready"), count(&server, "in_flight")), (1, 0));
    }
}

#[test]
fn of_a_batch_that_is_written_in_part_the_rest_is_given_back() {
    let server = with_queue(r#"{"lease":"12h"}"#);
    // More than fits into a pipe.
    let body = vec![b'x'; 200_000];
    for _ in 0..4 {
        send(&server, &body);
    }
    let (mut reader, writer) = std::io::pipe().expect("there are pipes");
    let mut command = client(&server);
    command.args(["receive", "q", "--raw", "--ack", "-n", "4"]).stdout(writer);
    let mut child = command.spawn().expect("it starts");
    // It has the other end of the pipe as well.
    drop(command);
    reader.read_exact(&mut vec![0; body.len() + 1]).expect("a message");
    drop(reader);
    assert_eq!(child.wait().expect("it ends").code(), Some(141));
    assert_eq!((count(&server, "ready"), count(&server, "in_flight")), (3, 0));
}

#[test]
fn leases_are_extended_while_the_reader_takes_his_time() {
    let server = with_queue(r#"{"lease":"3s"}"#);
    let body = vec![b'x'; 200_000];
    for _ in 0..2 {
        send(&server, &body);
    }
    for lease in [&["--lease", "3s"][..], &[]] {
        let (mut reader, writer) = std::io::pipe().expect("there are pipes");
        let mut command = client(&server);
        command.args(["receive", "q", "--raw", "-n", "2"]).args(lease).stdout(writer);
        if !lease.is_empty() {
            command.env("RINGMQ_RECEIVE_ACK", "0");
        } else {
            command.arg("--ack");
        }
        let mut child = command.spawn().expect("it starts");
        drop(command);
        while count(&server, "in_flight") < 2 {}
        // Another lease of the same length tells the time: it begins later, and is over.
        let mut clock = server.client();
        assert_eq!(clock.post("/v1/queues/default/messages", "tick").status, 201);
        assert_eq!(clock.post("/v1/queues/default/receive?lease=4s", "").status, 200);
        let again = clock.post("/v1/queues/default/receive?lease=0&wait=30s", "");
        assert_eq!(again.json()["messages"].as_array().map(Vec::len), Some(1));
        let mut all = Vec::new();
        reader.read_to_end(&mut all).expect("both messages");
        assert_eq!(all.len(), 2 * (body.len() + 1));
        assert!(child.wait().expect("it ends").success());
        let queue = server.client().get("/v1/queues/q").json();
        assert_eq!(queue["totals"]["leases_run_out"], 0, "{queue}");
        // For the second time.
        if count(&server, "depth") > 0 {
            assert_eq!(server.client().post("/v1/queues/q/purge", "").status, 200);
            send(&server, &body);
            send(&server, &body);
        }
    }
    assert_eq!(count(&server, "depth"), 0);
}

#[test]
fn browsing_receives_nothing() {
    let server = with_queue("{}");
    send(&server, b"one");
    send(&server, b"two");
    let text = ok(&server, &["browse", "q"]);
    assert_eq!(text.lines().count(), 2, "{text}");
    assert_eq!(output(client(&server).args(["browse", "q", "--raw", "-n", "1"])), b"one");
    assert_eq!((count(&server, "ready"), count(&server, "in_flight")), (2, 0));
    assert!(show(&server, &["browse", "q"]).contains("received 0 ×"));
    assert_eq!(run(&server, &["browse", "default"]).status.code(), Some(3));
}
