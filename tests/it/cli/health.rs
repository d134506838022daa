//! `health`.

use super::{assert_failed, client, run};
use crate::support::server::{command, free_port};
use crate::support::{Process, Server};

#[test]
fn a_server_that_is_ready_is_0_and_one_that_is_away_1() {
    let server = Server::start();
    for args in [&["health"][..], &["health", "--live"], &["health", "--output", "table"]] {
        let exit = run(&server, args);
        assert_eq!((exit.status.code(), exit.stderr.as_str()), (Some(0), ""), "{args:?}");
    }
    let exit = Process::run(command().arg("health").env("PORT", free_port().to_string()));
    assert_failed(&exit, 1, &["cannot reach"]);
}

#[test]
fn it_asks_the_server_of_its_own_environment() {
    let server = Server::start();
    let mut command = command();
    command.arg("health").env("PORT", server.addr.port().to_string());
    let exit = Process::run(command.env("RINGMQ_HOST", "0.0.0.0"));
    assert!(exit.status.success(), "{exit:?}");
}

#[test]
fn no_proxy_stands_between_it_and_its_own_machine() {
    let server = Server::start();
    let proxy = format!("http://127.0.0.1:{}", free_port());
    let exit = Process::run(client(&server).arg("health").env("http_proxy", proxy));
    assert!(exit.status.success(), "{exit:?}");
}

#[test]
fn a_server_that_is_out_of_memory_lives_but_is_not_ready() {
    let server = Server::start_with(&["--max-memory-bytes", "200"]);
    let mut client = server.client();
    while client.enqueue(&"x".repeat(40)).status == 200 {}
    if client.get("/readyz").status != 503 {
        // What is left may be too little for this event and not for nothing.
        while client.enqueue("").status == 200 {}
    }
    assert_failed(&run(&server, &["health"]), 1, &["not ready: out of memory"]);
    assert!(run(&server, &["health", "--live"]).status.success());
}
