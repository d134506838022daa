//! `load`.

use std::process::Command;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::terminal::Terminal;
use super::{count, ok, run, with_queue};
use crate::support::{Process, Server};

/// A client that asks of no machine how fast it is.
fn client(server: &Server) -> Command {
    let mut command = super::client(server);
    command.env("RINGMQ_LOAD_MIN_RATE", "0%");
    command
}

/// The report of a run that ends well.
#[track_caller]
fn drive(server: &Server, args: &[&str]) -> Value {
    let exit = Process::run(client(server).args(args));
    assert!(exit.status.success(), "{args:?}: {exit:?}");
    report(&exit.stdout)
}

fn report(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn both_sides_are_driven_and_everything_arrives() {
    let server = Server::start();
    for args in [&[][..], &["--ack"], &["--batch", "10"]] {
        let usual =
            ["load", "--create", "--rate", "200", "--duration", "500ms", "--warmup", "100ms"];
        let report = drive(&server, &[&usual[..], args].concat());
        assert_eq!(
            (&report["messages"], &report["received"]),
            (&100.into(), &100.into()),
            "{report}"
        );
        assert_eq!((&report["requests"]["failed"], &report["strange"]), (&0.into(), &0.into()));
        assert_eq!(report["end_to_end"]["count"], 100, "{report}");
        assert_eq!(report["response"]["count"], report["requests"]["due"]);
        // Made for this, and gone with it.
        assert_eq!(run(&server, &["stats", "ringmq-load"]).status.code(), Some(3));
    }
}

#[test]
fn sending_alone_fills_a_queue_and_receiving_empties_it() {
    let server = with_queue("{}");
    let usual = ["load", "--queue", "q", "--rate", "100", "--duration", "300ms", "--warmup", "0"];
    let sent = drive(&server, &[&usual[..], &["--mode", "send", "--size", "64"]].concat());
    assert_eq!((&sent["messages"], count(&server, "depth")), (&30.into(), 30), "{sent}");
    let received = drive(&server, &[&usual[..], &["--mode", "receive"]].concat());
    assert_eq!((&received["messages"], &received["empty"]), (&30.into(), &0.into()), "{received}");
    let received = drive(&server, &[&usual[..], &["--mode", "receive"]].concat());
    assert_eq!((&received["messages"], &received["empty"]), (&0.into(), &30.into()), "{received}");
}

#[test]
fn too_many_errors_are_8_and_told_by_kind() {
    let server = with_queue(r#"{"capacity":10}"#);
    let usual = ["load", "--queue", "q", "--mode", "send", "--rate", "100", "--duration", "200ms"];
    let usual = [&usual[..], &["--warmup", "0"]].concat();
    let exit = run(&server, &usual);
    assert_eq!(exit.status.code(), Some(8), "{exit:?}");
    assert!(exit.stderr.contains("10 of 20 requests failed"), "{}", exit.stderr);
    assert_eq!(report(&exit.stdout)["errors"]["429 queue_full"], 10);
    // As many as may be; then the rate is what is missed.
    let exit = run(&server, &[&usual[..], &["--max-errors", "100%"]].concat());
    assert_eq!(exit.status.code(), Some(9), "{exit:?}");
    assert!(exit.stderr.contains("offered"), "{}", exit.stderr);
}

/// The server is stopped for a second while two connections send. Only two requests are under way meanwhile, so
/// a closed loop would tell of two slow answers; but two hundred were due while nobody answered. How fast this
/// machine is makes responses slower, and none faster.
#[test]
fn a_stall_is_seen_in_response_times_and_hardly_in_service_times() {
    let server = with_queue(r#"{"capacity":100000}"#);
    let process = Process::spawn(client(&server).args([
        "load",
        "--queue",
        "q",
        "--mode",
        "send",
        "--rate",
        "200",
        "--duration",
        "1h",
        "--warmup",
        "0",
        "--connections",
        "2",
    ]));
    while count(&server, "ready") == 0 {}
    server.process.signal(Signal::SIGSTOP);
    // The stall itself, which is what is measured.
    thread::sleep(Duration::from_secs(1));
    server.process.signal(Signal::SIGCONT);
    while count(&server, "ready") < 600 {}
    process.signal(Signal::SIGINT);
    let exit = process.wait();
    let report = report(&exit.stdout);
    assert_eq!(report["requests"]["failed"], 0, "{report}");
    let steps = report["response_histogram"].as_array().expect("steps");
    let slow = steps.iter().filter(|step| step["up_to_ms"].as_f64() > Some(300.0));
    let slow: u64 = slow.filter_map(|step| step["count"].as_u64()).sum();
    assert!(slow >= 100, "{report}");
    assert!(report["service"]["p50_ms"].as_f64() < Some(250.0), "{report}");
}

#[test]
fn a_server_that_vanishes_is_told_and_waits_for_nobody() {
    let server = with_queue(r#"{"capacity":100000}"#);
    let process = Process::spawn(client(&server).args([
        "load",
        "--queue",
        "q",
        "--mode",
        "send",
        "--rate",
        "200",
        "--duration",
        "1s",
        "--warmup",
        "0",
    ]));
    while count(&server, "ready") == 0 {}
    server.stop(Signal::SIGKILL);
    let exit = process.wait();
    assert_eq!(exit.status.code(), Some(8), "{exit:?}");
    let report = report(&exit.stdout);
    let errors = report["errors"].as_object().expect("errors");
    assert!(errors.keys().any(|why| why.starts_with("unreachable")), "{report}");
    assert_eq!(report["response"]["count"], 200, "{report}");
}

#[test]
fn messages_that_do_not_arrive_are_errors() {
    let server = with_queue("{}");
    ok(&server, &["pause", "q"]);
    let usual = ["load", "--queue", "q", "--rate", "100", "--duration", "200ms", "--warmup", "0"];
    let exit = Process::run(client(&server).args(usual));
    assert_eq!(exit.status.code(), Some(8), "{exit:?}");
    assert!(exit.stderr.contains("20 messages are missing"), "{}", exit.stderr);
    assert_eq!(report(&exit.stdout)["missing"], 20);
}

#[test]
fn the_queue_of_the_other_commands_is_not_emptied() {
    let server = with_queue("{}");
    ok(&server, &["send", "q", "precious"]);
    let usual = ["load", "--create", "--rate", "100", "--duration", "200ms", "--warmup", "0"];
    let exit = Process::run(client(&server).env("RINGMQ_QUEUE", "q").args(usual));
    assert!(exit.status.success(), "{exit:?}");
    assert_eq!(report(&exit.stdout)["queue"], "ringmq-load");
    assert_eq!(count(&server, "depth"), 1);
}

#[test]
fn messages_of_others_are_told() {
    let server = with_queue("{}");
    ok(&server, &["send", "q", "precious"]);
    let usual = ["load", "--queue", "q", "--rate", "100", "--duration", "200ms", "--warmup", "0"];
    let report = drive(&server, &usual);
    assert_eq!((&report["strange"], &report["received"]), (&1.into(), &20.into()), "{report}");
}

#[test]
fn a_terminal_sees_a_bar_and_then_the_report() {
    let server = Server::start();
    let mut terminal = Terminal::spawn(client(&server).args([
        "load",
        "--create",
        "--rate",
        "100",
        "--duration",
        "1s",
        "--warmup",
        "0",
    ]));
    terminal.wait_for("errors");
    terminal.wait_for("response, since due");
    let (status, seen) = terminal.wait();
    assert!(status.success(), "{seen}");
    for part in ["█", "end to end", "lag of this program", "100 due, none failed"] {
        assert!(seen.contains(part), "{part} in {seen}");
    }
}

#[test]
fn ctrl_c_ends_it_with_what_was_measured() {
    let server = Server::start();
    let args = ["load", "--create", "--rate", "100", "--duration", "1h", "--warmup", "0"];
    let process = Process::spawn(client(&server).args(args));
    let sent = || {
        let queue = server.client().get("/v1/queues/ringmq-load");
        queue.status == 200 && queue.json()["totals"]["sent"].as_u64() > Some(0)
    };
    while !sent() {}
    process.signal(Signal::SIGINT);
    let exit = process.wait();
    assert_eq!(exit.status.code(), Some(0), "{exit:?}");
    let report = report(&exit.stdout);
    assert_eq!(report["interrupted"], true);
    assert!(report["messages"].as_u64() > Some(0), "{report}");
    // Of what was due by then, and of the time until then.
    let requests = &report["requests"];
    let of = |what: &str| requests[what].as_u64().unwrap_or_else(|| panic!("{report}"));
    assert_eq!(of("due"), of("answered") + of("failed") + of("not_sent"), "{report}");
    assert_eq!(report["response"]["count"], requests["due"], "{report}");
    assert!(of("due") < 360_000 && report["seconds"].as_f64() < Some(3600.0), "{report}");
    assert_eq!((&report["missing"], &report["received"]), (&0.into(), &report["messages"]));
    assert_eq!(run(&server, &["stats", "ringmq-load"]).status.code(), Some(3));
}
