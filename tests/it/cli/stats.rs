//! `stats`, once and live.

use nix::sys::signal::Signal;

use super::terminal::Terminal;
use super::{client, json, ok, run, with_queue};
use crate::support::{Process, Server};

#[test]
fn one_look_tells_every_queue() {
    let server = with_queue(r#"{"capacity":4}"#);
    ok(&server, &["send", "q", "x"]);
    let look = json(&server, &["stats"]);
    assert_eq!(
        (&look["queues"][1]["name"], &look["queues"][1]["counts"]["ready"]),
        (&"q".into(), &1.into())
    );
    let look = json(&server, &["stats", "q"]);
    assert_eq!(look["queues"].as_array().map(Vec::len), Some(1), "{look}");
    let table = ok(&server, &["stats", "q", "--output", "table"]);
    assert!(table.starts_with("QUEUE") && table.contains("██▌"), "{table}");
}

#[test]
fn the_deepest_are_shown_where_there_are_too_many() {
    let server = with_queue("{}");
    ok(&server, &["send", "q", "x"]);
    let look = json(&server, &["stats", "--top", "1"]);
    assert_eq!((&look["queues"][0]["name"], &look["left_out"]), (&"q".into(), &1.into()));
    let table = ok(&server, &["stats", "--top", "1", "--output", "table"]);
    assert!(table.contains("1 queues more"), "{table}");
}

#[test]
fn a_pipe_gets_a_line_for_each_look_with_rates() {
    let server = with_queue("{}");
    let args = ["stats", "q", "--watch", "--interval", "100ms"];
    let mut process = Process::spawn(client(&server).args(args));
    let look = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON");
    let first = look(&process.stdout.wait_for(|_| true));
    assert!(first["queues"][0]["rates"].is_null(), "{first}");
    ok(&server, &["send", "q", "x"]);
    process.stdout.wait_for(|line| {
        look(line)["queues"][0]["rates"]["in_per_second"].as_f64().is_some_and(|rate| rate > 0.0)
    });
    process.stdout.wait_for(|line| look(line)["queues"][0]["rates"]["in_per_second"] == 0.0);
    process.signal(Signal::SIGINT);
    assert_eq!(process.wait().status.code(), Some(0));
}

#[test]
fn a_terminal_is_drawn_over_in_place() {
    let server = with_queue(r#"{"capacity":1}"#);
    let args = ["stats", "--watch", "--interval", "100ms"];
    let mut terminal = Terminal::spawn(client(&server).args(args));
    terminal.wait_for("IN/S");
    // Up over what was drawn, and each line written over and not wiped first.
    terminal.wait_for("\x1b[4A\r");
    assert!(!terminal.seen().contains("\x1b[2J"), "{:?}", terminal.seen());
    terminal.forget();
    ok(&server, &["send", "q", "x"]);
    terminal.wait_for("full");
    terminal.signal(Signal::SIGINT);
    let (status, seen) = terminal.wait();
    assert!(status.success(), "{seen:?}");
    assert!(seen.ends_with("\x1b[?25h"), "the cursor stays hidden: {seen:?}");
}

#[test]
fn a_server_that_goes_away_leaves_the_table() {
    let server = with_queue("{}");
    let args = ["stats", "--watch", "--interval", "100ms"];
    let mut terminal = Terminal::spawn(client(&server).args(args));
    terminal.wait_for("default");
    server.stop(Signal::SIGTERM);
    terminal.wait_for("cannot reach");
    terminal.signal(Signal::SIGINT);
    assert!(terminal.wait().0.success());
}

#[test]
fn a_server_that_goes_away_does_not_end_a_pipe() {
    let server = Server::start_to_be_restarted();
    let addr = server.addr;
    let args = ["stats", "--watch", "--interval", "100ms"];
    let mut process = Process::spawn(client(&server).args(args));
    process.stdout.wait_for(|_| true);
    server.stop(Signal::SIGKILL);
    process.stderr.wait_for(|line| line.contains("trying again"));
    let _server = Server::start_at(addr);
    process.stdout.wait_for(|_| true);
    process.signal(Signal::SIGINT);
    assert_eq!(process.wait().status.code(), Some(0));
}

#[test]
fn an_unknown_queue_is_told() {
    let server = with_queue("{}");
    assert_eq!(run(&server, &["stats", "none", "--watch"]).status.code(), Some(3));
}
