//! `receive --follow`.

use nix::sys::signal::Signal;

use super::{assert_failed, client, count, with_queue};
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
