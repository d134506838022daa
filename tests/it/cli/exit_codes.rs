//! Every exit code, by what leads to it.

use std::net::{Ipv4Addr, TcpListener};

use nix::sys::signal::Signal;

use super::{assert_failed, client, ok, run, with_queue};
use crate::support::server::{command, free_port};
use crate::support::{Process, Server};

#[test]
fn nothing_there_is_3() {
    let server = with_queue("{}");
    assert_failed(&run(&server, &["receive", "q"]), 3, &["nothing to receive", "q"]);
    assert_failed(&run(&server, &["browse", "q"]), 3, &["nothing", "q"]);
    for args in [
        &["receive", "none"][..],
        &["send", "none", "x"],
        &["browse", "none"],
        &["stats", "none"],
        &["purge", "none", "--yes"],
        &["delete", "none", "--yes"],
        &["pause", "none"],
        &["resume", "none"],
        &["redrive", "none"],
        &["load", "--queue", "none"],
    ] {
        assert_failed(&run(&server, args), 3, &["`none`", "404 queue_not_found"]);
    }
    assert_failed(&run(&server, &["ack", "q", "ffff"]), 3, &["receipt 1", "receipt_unknown"]);
}

#[test]
fn full_is_4() {
    let server = with_queue(r#"{"capacity":1}"#);
    ok(&server, &["send", "q", "x"]);
    let exit = run(&server, &["send", "q", "y", "--timeout", "100ms"]);
    assert_failed(&exit, 4, &["429 queue_full"]);
}

#[test]
fn out_of_memory_is_4_too() {
    let server = Server::start_with(&["--max-memory-bytes", "1000"]);
    let body = "x".repeat(600);
    ok(&server, &["send", "default", &body]);
    let exit = run(&server, &["send", "default", &body, "--timeout", "100ms"]);
    assert_failed(&exit, 4, &["503 out_of_memory"]);
}

#[test]
fn no_server_is_5() {
    let url = format!("http://127.0.0.1:{}", free_port());
    for args in [&["queues"][..], &["send", "q", "x"], &["receive", "q"], &["stats"], &["load"]] {
        let exit = Process::run(command().args(args).args(["--url", &url]));
        assert_failed(&exit, 5, &["cannot reach", &url]);
    }
}

#[test]
fn an_unknown_host_is_5() {
    let exit = Process::run(command().args(["queues", "--url", "http://no-such-host.invalid"]));
    assert_failed(&exit, 5, &["no-such-host.invalid"]);
}

#[test]
fn a_server_that_does_not_answer_is_5() {
    // It is connected to by the system, and nobody ever reads.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let url = format!("http://{}", silent.local_addr().expect("it has an address"));
    let exit = Process::run(command().args(["queues", "--url", &url, "--timeout", "50ms"]));
    assert_failed(&exit, 5, &["no answer within 50ms"]);
}

#[test]
fn a_host_that_says_nothing_is_found_out_also_where_the_queue_says_how_long_to_wait() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let url = format!("http://{}", silent.local_addr().expect("it has an address"));
    let exit = Process::run(command().args(["receive", "q", "--url", &url, "--timeout", "50ms"]));
    assert_failed(&exit, 5, &["no answer within 50ms"]);
}

#[test]
fn a_stopping_server_is_5() {
    let server = Server::start();
    // A request that is under way keeps it from ending at once.
    let mut slow = server.client();
    slow.send(
        "POST /enqueue HTTP/1.1\r\nHost: ringmq\r\nExpect: 100-continue\r\nContent-Length: 13\r\n\r\n",
    );
    assert_eq!(slow.answer().status, 100);
    server.process.signal(Signal::SIGTERM);
    while server.client().get("/readyz").status != 503 {}
    let exit = run(&server, &["send", "default", "x", "--timeout", "100ms"]);
    assert_failed(&exit, 5, &["503 draining"]);
    assert_failed(&run(&server, &["health"]), 1, &["not ready: draining"]);
    slow.send("{\"event\":\"x\"}");
    assert_eq!(slow.answer().status, 200);
    assert!(server.process.wait().status.success());
}

#[test]
fn a_conflict_is_7() {
    let server = with_queue("{}");
    ok(&server, &["send", "q", "x"]);
    ok(&server, &["send", "q", "y"]);
    let exit = run(&server, &["create", "q", "--capacity", "1"]);
    assert_failed(&exit, 7, &["409 capacity_below_depth"]);
    ok(&server, &["create", "other", "--dead-letter", "q"]);
    assert_failed(&run(&server, &["delete", "q", "--yes"]), 7, &["queue_in_use", "other"]);
}

#[test]
fn wrong_usage_is_2() {
    let server = with_queue("{}");
    for (args, word) in [
        (&["send", "q"][..], "BODY"),
        (&["send", "a b", "x"], "QUEUE"),
        (&["send", "q", "x", "--lines"], "--lines"),
        (&["send", "q", "x", "--attribute", "novalue"], "NAME=TEXT"),
        (&["send", "q", "x", "--delay", "soon"], "delay"),
        (&["send", "q", "--file", "/no/such/file"], "/no/such/file"),
        (&["send", "q", "x", "--wait", "soon"], "duration"),
        (&["send", "q", "--lines", "--wait", "1s"], "--wait"),
        (&["send", "q", "--lines", "--idempotency-key", "k"], "--idempotency-key"),
        (&["send", "q", "x", "--timeout", "200000000000000d"], "24h"),
        (&["load", "--warmup", "200000000000000d"], "24h"),
        (&["receive", "q", "--max", "1001"], "--max"),
        (&["receive", "q", "--lease", "13h"], "lease"),
        (&["receive", "q", "--raw", "--json"], "--json"),
        (&["create", "q", "--capacity", "none"], "capacity"),
        (&["create", "q", "--overflow", "explode"], "overflow"),
        (&["create", "q", "--ttl", "0"], "ttl"),
        (&["stats", "--interval", "1ms"], "100ms to 1h"),
        (&["redrive", "q", "--rate", "0"], "rate"),
        (&["load", "--rate", "0"], "--rate"),
        (&["load", "--max-errors", "101%"], "100%"),
        (&["queues", "--timeout", "0"], "longer than nothing"),
        (&["queues", "--url", "ftp://x"], "http://"),
        (&["queues", "--url", "http://x/?y"], "parameters"),
        (&["queues", "--token", "a b"], "RINGMQ_TOKEN"),
        (&["queues", "--output", "xml"], "table, json"),
        (&["purge", "q"], "--yes"),
        (&["health", "--url", "http://example.com", "--insecure"], "loopback"),
    ] {
        let exit = run(&server, args);
        assert_eq!(exit.status.code(), Some(2), "{args:?}: {exit:?}");
        assert!(exit.stderr.contains(word), "{args:?}: {}", exit.stderr);
        assert_eq!(exit.stdout, "", "{args:?}");
    }
}

#[test]
fn what_has_no_code_of_its_own_is_1() {
    let server = with_queue("{}");
    let mut command = client(&server);
    command.env("RINGMQ_URL", format!("http://{}/nowhere", server.addr));
    let exit = Process::run(command.arg("queues"));
    assert_failed(&exit, 1, &["/nowhere", "is the URL right?"]);
}

#[test]
fn a_reader_that_has_gone_is_141_without_a_word() {
    let server = with_queue("{}");
    let (reader, writer) = std::io::pipe().expect("there are pipes");
    drop(reader);
    let status = client(&server).arg("queues").stdout(writer).status().expect("it starts");
    assert_eq!(status.code(), Some(141));
}

#[test]
fn an_error_that_nobody_reads_has_its_code() {
    let server = with_queue("{}");
    let (reader, writer) = std::io::pipe().expect("there are pipes");
    drop(reader);
    let mut command = client(&server);
    let status = command.args(["receive", "q"]).stderr(writer).status().expect("it starts");
    assert_eq!(status.code(), Some(3));
}
