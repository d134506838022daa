//! The commands that are clients: the real binary against a real server, on pipes and on a terminal.

mod completions;
mod exit_codes;
mod follow;
mod foreign;
mod health;
mod help;
mod leases;
mod load;
mod operate;
mod queues;
mod receive;
mod secure;
mod send;
mod stats;
mod terminal;

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Exit, Process, Server, server};

/// The binary as a client of this server.
fn client(server: &Server) -> Command {
    let mut command = server::command();
    command.env("RINGMQ_URL", format!("http://{}", server.addr));
    command
}

/// Runs it.
fn run(server: &Server, args: &[&str]) -> Exit {
    Process::run(client(server).args(args))
}

/// Runs it with something to read.
fn run_fed(server: &Server, args: &[&str], input: &[u8]) -> Exit {
    let (reader, mut writer) = std::io::pipe().expect("there are pipes");
    let process = Process::spawn_fed(client(server).args(args), Stdio::from(reader));
    // It may end before it has read everything, which is for the caller to find out.
    let _ = writer.write_all(input);
    drop(writer);
    process.wait()
}

/// Runs it and insists on success.
#[track_caller]
fn ok(server: &Server, args: &[&str]) -> String {
    let exit = run(server, args);
    assert!(exit.status.success(), "{args:?}: {exit:?}");
    exit.stdout
}

/// The same for the one JSON document it writes.
#[track_caller]
fn json(server: &Server, args: &[&str]) -> Value {
    let text = ok(server, args);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error}: {text}"))
}

/// That it failed with this code, and one line that has these words.
#[track_caller]
fn assert_failed(exit: &Exit, code: i32, words: &[&str]) {
    assert_eq!(exit.status.code(), Some(code), "{exit:?}");
    assert_eq!(exit.stderr.lines().count(), 1, "{}", exit.stderr);
    assert!(exit.stderr.starts_with("error: "), "{}", exit.stderr);
    for word in words {
        assert!(exit.stderr.contains(word), "{word} in {}", exit.stderr);
    }
}

/// A server with the queue `q`.
fn with_queue(settings: &str) -> Server {
    let server = Server::start();
    let answer = server.client().call("PUT", "/v1/queues/q", &[], settings);
    assert_eq!(answer.status, 201, "{}", answer.text());
    server
}

/// What the server tells of `q`.
fn count(server: &Server, field: &str) -> u64 {
    let queue = server.client().get("/v1/queues/q").json();
    queue["counts"][field].as_u64().unwrap_or_else(|| panic!("{field} in {queue}"))
}
