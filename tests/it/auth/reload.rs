//! Tokens that change while the server runs.

use nix::sys::signal::Signal;

use super::ask;
use super::start::secret_file;
use crate::support::Server;

fn entry(name: &str) -> String {
    format!("[tokens.{name}]\ntoken = \"{name}-token-0123456789\"\nadmin = [\"*\"]\n")
}

/// Sends SIGHUP, and waits until the log says what came of it.
#[track_caller]
fn hang_up(server: &mut Server) -> String {
    server.process.signal(Signal::SIGHUP);
    server.process.stderr.wait_for(|line| line.contains("SIGHUP"))
}

#[test]
fn tokens_come_and_go() {
    let path = secret_file("auth-reload", &entry("old"));
    let mut server = Server::start_with(&["--auth-file", &path]);
    let mut client = server.client();
    assert_eq!(ask(&mut client, "old", "GET", "/size", "").status, 200);
    assert_eq!(ask(&mut client, "new", "GET", "/size", "").status, 401);

    std::fs::write(&path, entry("old") + &entry("new")).expect("the file is there");
    assert!(hang_up(&mut server).contains("2 tokens"));
    for who in ["old", "new"] {
        assert_eq!(ask(&mut client, who, "GET", "/size", "").status, 200, "{who}");
    }

    std::fs::write(&path, entry("new")).expect("the file is there");
    assert!(hang_up(&mut server).contains("1 token"));
    assert_eq!(ask(&mut client, "old", "GET", "/size", "").status, 401);
    assert_eq!(ask(&mut client, "new", "GET", "/size", "").status, 200);
}

#[test]
fn a_file_that_cannot_be_used_changes_nothing() {
    let path = secret_file("auth-bad-reload", &entry("old"));
    let mut server = Server::start_with(&["--auth-file", &path]);
    let mut client = server.client();
    for text in ["", "[tokens.a]\ntoken = \"s3cret-s3cret-s3cret\" x\n"] {
        std::fs::write(&path, text).expect("the file is there");
        let line = hang_up(&mut server);
        assert!(line.contains("ERROR") && line.contains(&path), "{line}");
        assert!(!line.contains("s3cret"), "{line}");
        assert_eq!(ask(&mut client, "old", "GET", "/size", "").status, 200, "{text}");
    }
    std::fs::remove_file(&path).expect("the file is there");
    assert!(hang_up(&mut server).contains("cannot be read"));
    assert_eq!(ask(&mut client, "old", "GET", "/size", "").status, 200);
}

#[test]
fn a_poll_that_waits_goes_on_when_its_token_goes() {
    let path = secret_file("auth-parked", &(entry("old") + &entry("new")));
    let mut server = Server::start_with(&["--auth-file", &path]);
    let mut parked = server.client();
    let mut client = server.client();
    parked.send(
        "POST /v1/queues/default/receive?wait=60&lease=0 HTTP/1.1\r\nHost: x\r\n\
         Authorization: Bearer old-token-0123456789\r\n\r\n",
    );
    while ask(&mut client, "new", "GET", "/v1/queues/default", "").json()["counts"]["waiting_receives"]
        != 1
    {}

    std::fs::write(&path, entry("new")).expect("the file is there");
    hang_up(&mut server);
    let sent = ask(&mut client, "new", "POST", "/v1/queues/default/messages", "late");
    assert_eq!(sent.status, 201, "{}", sent.text());
    let answer = parked.answer();
    assert_eq!(answer.json()["messages"][0]["body"], "late", "{}", answer.text());
    // But on the same connection nothing more is asked with it.
    assert_eq!(ask(&mut parked, "old", "GET", "/size", "").status, 401);
}
