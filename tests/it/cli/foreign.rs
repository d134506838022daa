//! Servers that are not ours, and what is sent to one.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use super::assert_failed;
use crate::support::Process;
use crate::support::server::command;

/// Answers one request with these bytes, and gives back its head.
fn answer_once(answer: impl Into<String>) -> (String, JoinHandle<Vec<String>>) {
    let (url, served) = answer_in_turn(vec![answer.into()]);
    (url, thread::spawn(move || served.join().expect("it was asked").remove(0)))
}

/// Answers requests with these bytes, each on a connection of its own, and gives back their heads.
fn answer_in_turn(answers: Vec<String>) -> (String, JoinHandle<Vec<Vec<String>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it has an address"));
    let served = thread::spawn(move || {
        let answer = |answer: String| {
            let (mut stream, _) = listener.accept().expect("somebody connects");
            let lines = BufReader::new(stream.try_clone().expect("a socket can be cloned")).lines();
            let lines = lines.map(|line| line.expect("the head is text"));
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            stream.write_all(answer.as_bytes()).expect("the client reads");
            head
        };
        answers.into_iter().map(answer).collect()
    });
    (url, served)
}

/// An answer as a server sends it, the last on its connection.
fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
    )
}

fn problem(status: &str, headers: &str, code: &str, detail: &str) -> String {
    let body = json!({ "status": 1, "code": code, "detail": detail }).to_string();
    answer(status, &format!("Content-Type: application/problem+json\r\n{headers}"), &body)
}

fn header(head: &[String], name: &str) -> Option<String> {
    let pairs = head.iter().filter_map(|line| line.split_once(':'));
    let mut found = pairs.filter(|(known, _)| known.eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| value.trim().to_owned())
}

const NO_QUEUES: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\
                         Connection: close\r\n\r\n{\"queues\":[]}";

#[test]
fn what_does_not_answer_as_ringmq_does_is_told_so() {
    for answer in [
        answer("200 OK", "Content-Type: text/html\r\n", "<html>"),
        answer("404 Not Found", "Content-Type: text/html\r\n", "<html>"),
        answer("302 Found", "Location: http://127.0.0.1:1/\r\n", ""),
        answer("500 Error", "", ""),
        "SSH-2.0-OpenSSH_9.9\r\n\r\n".to_owned(),
    ] {
        let (url, served) = answer_once(answer);
        let exit = Process::run(command().args(["queues", "--url", &url]));
        assert_failed(&exit, 1, &[&url, "does not answer as ringmq does"]);
        served.join().expect("it was asked");
    }
}

#[test]
fn the_token_is_sent_and_nothing_without_one() {
    for (token, sent) in [(Some("hush"), Some("Bearer hush")), (None, None)] {
        for by_flag in [true, false] {
            let (url, served) = answer_once(NO_QUEUES);
            let mut command = command();
            command.args(["queues", "--url", &url]);
            match (token, by_flag) {
                (Some(token), true) => command.args(["--token", token]),
                (Some(token), false) => command.env("RINGMQ_TOKEN", token),
                (None, _) => &mut command,
            };
            let exit = Process::run(&mut command);
            assert!(exit.status.success(), "{exit:?}");
            let head = served.join().expect("it was asked");
            assert_eq!(header(&head, "authorization").as_deref(), sent);
        }
    }
}

#[test]
fn a_missing_or_too_weak_token_is_6() {
    for (status, code) in [("401 Unauthorized", "unauthorized"), ("403 Forbidden", "forbidden")] {
        let (url, served) = answer_once(problem(status, "", code, "no"));
        let exit = Process::run(command().args(["queues", "--url", &url]));
        assert_failed(&exit, 6, &[code]);
        served.join().expect("it was asked");
    }
}

#[test]
fn a_url_may_have_a_path_in_front() {
    let (url, served) = answer_once(NO_QUEUES);
    let exit = Process::run(command().args(["queues", "--url", &format!("{url}/behind/a/proxy/")]));
    assert!(exit.status.success(), "{exit:?}");
    let head = served.join().expect("it was asked");
    assert_eq!(head[0], "GET /behind/a/proxy/v1/queues?prefix= HTTP/1.1");
}

#[test]
fn words_of_a_server_cannot_move_the_cursor() {
    let (url, served) = answer_once(problem("409 Conflict", "", "x", "a\u{1b}[2Jb\r\nerror: c"));
    let exit = Process::run(command().args(["queues", "--url", &url]));
    served.join().expect("it was asked");
    assert_failed(&exit, 7, &["error: c"]);
    assert!(!exit.stderr.contains('\x1b'), "{:?}", exit.stderr);
    let (url, served) = answer_once(problem("400 Bad Request", "", "x", "a\r\nerror: \u{9b}c"));
    let exit = Process::run(command().args(["queues", "--url", &url]));
    served.join().expect("it was asked");
    assert_failed(&exit, 2, &["error: \u{fffd}c"]);
}

#[test]
fn a_refused_send_comes_again_when_the_server_says_so_and_not_otherwise() {
    let full = |after| {
        problem("429 Too Many Requests", &format!("Retry-After: {after}\r\n"), "queue_full", "full")
    };
    let sent = answer("201 Created", "Content-Type: application/json\r\n", "{\"id\":\"1f\"}");
    let (url, served) = answer_in_turn(vec![full(0), full(0), sent]);
    let exit = Process::run(command().args(["send", "q", "x", "--url", &url]));
    assert_eq!(
        (exit.status.code(), exit.stdout.as_str()),
        (Some(0), "{\"id\":\"1f\"}\n"),
        "{exit:?}"
    );
    assert_eq!(served.join().expect("it was asked").len(), 3);

    // Later than there is time for: that is told at once.
    let (url, served) = answer_in_turn(vec![full(60)]);
    let exit = Process::run(command().args(["send", "q", "x", "--url", &url]));
    assert_failed(&exit, 4, &["full"]);
    served.join().expect("it was asked");
}

/// A server that stores every line but `last`, of which it is full at first and then breaks.
fn stores_all_but_last() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it has an address"));
    thread::spawn(move || {
        let mut was_refused = false;
        for stream in listener.incoming() {
            let mut stream = stream.expect("somebody connects");
            let mut reader = BufReader::new(stream.try_clone().expect("a socket can be cloned"));
            let lines = reader.by_ref().lines().map(|line| line.expect("the head is text"));
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let length = header(&head, "content-length").expect("a body with a length");
            let mut body = vec![0; length.parse().expect("a number")];
            reader.read_exact(&mut body).expect("the body comes");
            let items: Vec<Value> = serde_json::from_slice(&body).expect("a list");
            let result = |item: &Value| match item["body"] == "last" {
                true => json!({ "status": 429, "code": "queue_full", "retry_after_s": 0 }),
                false => json!({ "status": 201, "id": "1f" }),
            };
            let results = json!({ "results": items.iter().map(result).collect::<Vec<_>>() });
            let has_last = items.iter().any(|item| item["body"] == "last");
            let answer = match has_last && was_refused {
                true => answer("500 Error", "", ""),
                false => {
                    let kind = "Content-Type: application/json\r\n";
                    answer("200 OK", kind, &results.to_string())
                }
            };
            was_refused |= has_last;
            stream.write_all(answer.as_bytes()).expect("the client reads");
        }
    });
    url
}

#[test]
fn lines_that_are_stored_are_told_before_the_one_that_is_not() {
    let path = format!("{}/foreign-{}.txt", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    std::fs::write(&path, "a\nb\nlast\n").expect("the test can write there");
    let args = ["send", "q", "--lines", "--file", &path, "--url", &stores_all_but_last()];
    let exit = Process::run(command().args(args));
    assert_failed(&exit, 1, &["line 3: "]);
    let told = exit.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    let told: Vec<_> = told.map(|told| (told["line"].clone(), told["id"].clone())).collect();
    assert_eq!(told, [(json!(1), json!("1f")), (json!(2), json!("1f"))]);
}

#[test]
fn an_answer_without_results_is_no_success() {
    let (url, served) = answer_once(answer("200 OK", "Content-Type: application/json\r\n", "{}"));
    let exit = Process::run(command().args(["ack", "q", "ffff", "--url", &url]));
    assert_failed(&exit, 1, &["result for each"]);
    served.join().expect("it was asked");
}

#[test]
fn names_of_a_server_cannot_move_the_cursor_either() {
    let queues = json!({ "queues": [{ "name": "a\u{1b}[2J\u{9b}2Jb" }] }).to_string();
    for form in ["table", "json"] {
        let (url, served) =
            answer_once(answer("200 OK", "Content-Type: application/json\r\n", &queues));
        let exit = Process::run(command().args(["queues", "--url", &url, "--output", form]));
        served.join().expect("it was asked");
        assert!(exit.status.success(), "{exit:?}");
        assert!(!exit.stdout.contains(['\u{1b}', '\u{9b}']), "{:?}", exit.stdout);
    }
}

#[test]
fn the_usual_url_has_the_port_of_the_server() {
    let (url, served) = answer_once(NO_QUEUES);
    let port = url.rsplit(':').next().expect("a URL with a port");
    let exit = Process::run(command().arg("queues").env("PORT", port));
    assert!(exit.status.success(), "{exit:?}");
    served.join().expect("it was asked");
}
