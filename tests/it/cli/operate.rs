//! `delete`, `purge`, `pause`, `resume`, `redrive`: what they do, and what they ask first.

use super::terminal::Terminal;
use super::{assert_failed, client, count, json, ok, run, with_queue};

#[test]
fn purge_and_delete_tell_what_is_gone() {
    let server = with_queue("{}");
    ok(&server, &["send", "q", "x"]);
    assert_eq!(json(&server, &["purge", "q", "--yes"])["purged"], 1);
    ok(&server, &["send", "q", "x"]);
    let told = ok(&server, &["purge", "q", "--yes", "--output", "table"]);
    assert_eq!(told, "removed 1 messages\n");
    let told = ok(&server, &["delete", "q", "-y", "--output", "table"]);
    assert_eq!(told, "deleted q and 0 messages\n");
    assert_eq!(run(&server, &["stats", "q"]).status.code(), Some(3));
}

#[test]
fn without_a_terminal_nothing_is_lost_unasked() {
    let server = with_queue("{}");
    ok(&server, &["send", "q", "x"]);
    for word in ["purge", "delete"] {
        assert_failed(&run(&server, &[word, "q"]), 2, &["--yes", "1 messages"]);
    }
    assert_eq!(count(&server, "depth"), 1);
}

#[test]
fn on_a_terminal_it_asks_and_takes_no_for_an_answer() {
    let server = with_queue("{}");
    ok(&server, &["send", "q", "x"]);
    for word in ["purge", "delete"] {
        for answer in ["", "n", "no", "what?"] {
            let mut terminal = Terminal::spawn(client(&server).args([word, "q"]));
            terminal.wait_for("? [y/N] ");
            assert!(terminal.seen().contains(" 1 messages"), "{}", terminal.seen());
            terminal.enter(answer);
            let (status, seen) = terminal.wait();
            assert_eq!(status.code(), Some(1), "{seen}");
            assert!(seen.contains("nothing was done"), "{seen}");
        }
    }
    assert_eq!(count(&server, "depth"), 1);
    let mut terminal = Terminal::spawn(client(&server).args(["purge", "q"]));
    terminal.wait_for("[y/N] ");
    terminal.enter("y");
    let (status, seen) = terminal.wait();
    assert!(status.success() && seen.contains("removed 1 messages"), "{seen}");
    assert_eq!(count(&server, "depth"), 0);
}

#[test]
fn a_paused_queue_gives_nothing_until_it_is_resumed() {
    let server = with_queue("{}");
    ok(&server, &["send", "q", "x"]);
    assert_eq!(json(&server, &["pause", "q"])["changed"], true);
    assert_eq!(ok(&server, &["pause", "q", "--output", "table"]), "q was paused already\n");
    assert_eq!(run(&server, &["receive", "q"]).status.code(), Some(3));
    assert_eq!(ok(&server, &["resume", "q", "--output", "table"]), "resumed q\n");
    assert_eq!(json(&server, &["receive", "q"])["body"], "x");
}

#[test]
fn dead_letters_are_redriven() {
    let server = with_queue("{}");
    let settings = r#"{"dead_letter":"q","max_receives":1}"#;
    assert_eq!(server.client().call("PUT", "/v1/queues/source", &[], settings).status, 201);
    for body in ["one", "two", "three"] {
        ok(&server, &["send", "source", body]);
        let receipt =
            json(&server, &["receive", "source"])["receipt"].as_str().expect("one").to_owned();
        ok(&server, &["release", "source", &receipt]);
    }
    assert_eq!(count(&server, "ready"), 3);
    assert_eq!(json(&server, &["redrive", "q", "--max", "1"])["moved"], 1);
    assert_eq!(json(&server, &["receive", "source", "--lease", "0"])["body"], "one");
    let told = ok(&server, &["redrive", "q", "--to", "default", "--output", "table"]);
    assert_eq!(told, "moved 2 messages\n");
    assert_eq!(json(&server, &["receive", "default"])["body"], "two");
}
