//! `send`.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use super::{assert_failed, client, count, json, ok, run, run_fed, with_queue};
use crate::support::{Process, Server};

/// The one message that is next.
fn next(server: &Server) -> Value {
    json(server, &["receive", "q", "--lease", "0"])
}

#[test]
fn a_message_comes_from_the_line_a_file_or_standard_input() {
    let server = with_queue("{}");
    let path = format!("{}/send-{}.bin", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    std::fs::write(&path, [0, 255, b'\n']).expect("the test can write there");

    let id = json(&server, &["send", "q", "on the line"])["id"].clone();
    let message = next(&server);
    assert_eq!((&message["id"], &message["body"]), (&id, &"on the line".into()));
    assert_eq!(message["content_type"], "text/plain; charset=utf-8");

    ok(&server, &["send", "q", "--file", &path]);
    let message = next(&server);
    assert_eq!(message["body_base64"], "AP8K");
    assert_eq!(message["content_type"], "application/octet-stream");

    let exit = run_fed(&server, &["send", "q", "-"], "ä\n\n".as_bytes());
    assert!(exit.status.success(), "{exit:?}");
    assert_eq!(next(&server)["body"], "ä\n\n");

    ok(&server, &["send", "q", ""]);
    assert_eq!(next(&server)["body"], "");
}

#[test]
fn a_table_is_the_id_alone() {
    let server = with_queue("{}");
    let id = ok(&server, &["send", "q", "x", "--output", "table"]);
    assert_eq!(next(&server)["id"], id.trim_end());
}

#[test]
fn facts_travel_with_the_message() {
    let server = with_queue("{}");
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    ok(
        &server,
        &[
            "send",
            "q",
            "{}",
            "--content-type",
            "application/json",
            "--attribute",
            "kind=new=1",
            "-a",
            "who=me",
            "-a",
            &format!("traceparent={trace}"),
        ],
    );
    let message = next(&server);
    assert_eq!(message["content_type"], "application/json");
    let attributes = serde_json::json!({"kind": "new=1", "who": "me", "traceparent": trace});
    assert_eq!(message["attributes"], attributes);

    ok(&server, &["send", "q", "late", "--delay", "1h", "--ttl", "2h"]);
    assert_eq!(count(&server, "delayed"), 1);
}

#[test]
fn a_key_makes_it_the_same_message() {
    let server = with_queue("{}");
    let send = |body| run(&server, &["send", "q", body, "--idempotency-key", "k"]);
    assert_eq!(send("x").stdout, send("x").stdout);
    assert_eq!(count(&server, "depth"), 1);
    assert_failed(&send("y"), 2, &["422 idempotency_key_reused"]);
}

#[test]
fn it_tries_again_when_there_is_room() {
    let server = with_queue(r#"{"capacity":1}"#);
    // The server sees that the queue lets messages go, so it asks to come again after a second.
    ok(&server, &["send", "q", "before"]);
    assert_eq!(next(&server)["body"], "before");
    ok(&server, &["send", "q", "first"]);
    let second = Process::spawn(client(&server).args(["send", "q", "second"]));
    let refused = || server.client().get("/v1/queues/q").json()["totals"]["refused"].as_u64();
    while refused() == Some(0) {}
    assert_eq!(next(&server)["body"], "first");
    let exit = second.wait();
    assert!(exit.status.success(), "{exit:?}");
    assert_eq!(next(&server)["body"], "second");
}

#[test]
fn it_waits_for_room_in_the_server() {
    let server = with_queue(r#"{"capacity":1}"#);
    ok(&server, &["send", "q", "first"]);
    let second = Process::spawn(client(&server).args(["send", "q", "second", "--wait", "60s"]));
    while count(&server, "waiting_sends") == 0 {}
    assert_eq!(next(&server)["body"], "first");
    let exit = second.wait();
    assert!(exit.status.success(), "{exit:?}");
    assert_eq!(next(&server)["body"], "second");
}

#[test]
fn each_line_is_a_message_in_order() {
    let server = with_queue(r#"{"capacity":5000}"#);
    let lines: Vec<String> = (0..2500).map(|number| format!("line {number}")).collect();
    let input = format!("{}\r\n\n{}", lines[..2].join("\n"), lines[2..].join("\n"));
    let exit = run_fed(&server, &["send", "q", "--lines", "-a", "k=v"], input.as_bytes());
    assert!(exit.status.success(), "{}", exit.stderr);
    let told: Vec<Value> =
        exit.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(told.len(), 2501);
    assert!(told.iter().zip(1..).all(|(result, line)| result["line"] == line));

    let mut bodies = Vec::new();
    while let Ok(text) =
        String::from_utf8(run(&server, &["receive", "q", "-n", "1000", "--ack"]).stdout.into())
    {
        if text.is_empty() {
            break;
        }
        for line in text.lines() {
            let message: Value = serde_json::from_str(line).expect(line);
            assert_eq!(message["attributes"]["k"], "v");
            bodies.push(message["body"].as_str().expect("text").to_owned());
        }
    }
    // An empty line is an empty message.
    let expected: Vec<&str> = lines[..2].iter().map(String::as_str).chain([""]).collect();
    assert_eq!(bodies[..3], expected[..]);
    assert_eq!(bodies[3..], lines[2..]);
}

#[test]
fn a_slow_writers_lines_are_not_held_back() {
    let server = with_queue("{}");
    let (reader, mut writer) = std::io::pipe().expect("there are pipes");
    let process =
        Process::spawn_fed(client(&server).args(["send", "q", "--lines"]), Stdio::from(reader));
    for number in 0..3 {
        writeln!(writer, "line {number}").expect("it reads");
        // The next is written only when this one is there.
        let message = json(&server, &["receive", "q", "--wait", "30s", "--lease", "0"]);
        assert_eq!(message["body"], format!("line {number}"));
    }
    drop(writer);
    assert!(process.wait().status.success());
}

#[test]
fn lines_that_are_refused_are_told_by_number() {
    let server = with_queue(r#"{"capacity":2}"#);
    let exit = run_fed(
        &server,
        &["send", "q", "--lines", "--timeout", "100ms", "--output", "table"],
        b"a\nb\nc\n",
    );
    assert_eq!(exit.status.code(), Some(4), "{exit:?}");
    assert_eq!(exit.stdout.lines().count(), 2);
    assert!(exit.stderr.contains("line 3: "), "{}", exit.stderr);
    assert_eq!(count(&server, "depth"), 2);
}

#[test]
fn lines_are_as_large_in_a_batch_as_they_are_written_there() {
    let server = with_queue(r#"{"capacity":5000}"#);
    // Each line takes two kilobytes with what is said of it: as one batch they would be refused.
    let text = "x".repeat(500);
    let attributes = ["a", "b", "c", "d"].map(|name| format!("--attribute={name}={text}"));
    let mut args = vec!["send", "q", "--lines"];
    args.extend(attributes.iter().map(String::as_str));
    let exit = run_fed(&server, &args, "\u{1}\n".repeat(1000).as_bytes());
    assert!(exit.status.success(), "{}", exit.stderr);
    assert_eq!(count(&server, "depth"), 1000);
}

#[test]
fn lines_that_are_no_text_are_sent_as_they_are() {
    let server = with_queue("{}");
    assert!(run_fed(&server, &["send", "q", "--lines"], &[255, b'\n']).status.success());
    assert_eq!(next(&server)["body_base64"], "/w==");
}
