//! Clients of Amazon SQS that nobody here wrote, against the real server; and what reads its metrics.
//!
//! Each test starts a server and runs a script of named checks beside this file, with the client it is
//! named for; `install` and `clients` get the clients. A script ends with a failure where one of its checks fails,
//! and says why.

mod clients;
#[path = "../install/mod.rs"]
mod install;
#[path = "../it/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "it is shared with tests that need more of it")]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use support::{Process, Server};

/// How long one script may take: several times what the slowest takes.
const LIMIT: Duration = Duration::from_secs(240);

/// The beginnings of variables that would lead a client elsewhere, or change how it runs.
const FOREIGN: [&str; 8] =
    ["AWS_", "BOTO_", "CELERY_", "PYTHON", "NODE_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

/// Runs the checks of a script against the server.
#[track_caller]
fn assert_passes(interpreter: &Path, name: &str, server: &Server) {
    let mut command = Command::new(interpreter);
    install::without_variables(&mut command, &FOREIGN);
    command
        .arg(script(name))
        .env("SQS_ENDPOINT", format!("http://{}", server.addr))
        .env("SQS_NODE_PROJECT", clients::node_folder())
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUTF8", "1");
    let exit = Process::spawn(&mut command).wait_within(LIMIT);
    let said = format!("{name} of {interpreter:?}\n{}{}", exit.stdout, exit.stderr);
    println!("{said}");
    assert!(exit.status.success(), "{}: {said}", exit.status);
}

/// With the boto3 of today, which speaks JSON, and with one that spoke the query protocol.
#[track_caller]
fn assert_passes_in_both_protocols(name: &str, flags: &[&str]) {
    for python in [clients::python(), clients::python_of_query_protocol()] {
        assert_passes(&python, name, &Server::start_with(flags));
    }
}

#[test]
fn boto3_makes_and_describes_queues() {
    assert_passes_in_both_protocols("boto3_queues.py", &[]);
}

#[test]
fn boto3_sends_and_receives() {
    assert_passes_in_both_protocols("boto3_messages.py", &[]);
}

#[test]
fn boto3_keeps_order_in_fifo_queues() {
    assert_passes_in_both_protocols("boto3_fifo.py", &[]);
}

#[test]
fn boto3_tries_again_when_a_queue_is_full() {
    assert_passes_in_both_protocols("boto3_full.py", &[]);
}

#[test]
fn boto3_signs_its_requests() {
    let keys = ["--sqs-access-key", "test", "--sqs-secret-key", "secret"];
    assert_passes_in_both_protocols("boto3_auth.py", &keys);
}

#[test]
fn the_aws_command_line_works() {
    assert_passes(&clients::python(), "aws_cli.py", &Server::start());
}

#[test]
fn the_parsers_of_prometheus_read_metrics() {
    assert_passes(&clients::python_of_prometheus(), "metrics.py", &Server::start());
}

#[test]
fn celery_runs_its_tasks_to_the_end() {
    assert_passes(&clients::python(), "celery_tasks.py", &Server::start());
}

#[test]
fn the_javascript_sdk_works() {
    assert_passes(&clients::node(), "client_sqs.mjs", &Server::start());
}

#[test]
fn sqs_consumer_consumes() {
    assert_passes(&clients::node(), "sqs_consumer.mjs", &Server::start());
}
