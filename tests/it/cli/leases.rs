//! `ack`, `release`, `extend`.

use super::{assert_failed, count, json, ok, run, with_queue};

#[test]
fn an_acknowledged_message_is_gone() {
    let server = with_queue("{}");
    ok(&server, &["send", "q", "one"]);
    ok(&server, &["send", "q", "two"]);
    let receipt = |_| json(&server, &["receive", "q"])["receipt"].as_str().expect("one").to_owned();
    let receipts = [0, 1].map(receipt);
    let told = json(&server, &["ack", "q", &receipts[0], &receipts[1]]);
    assert_eq!(told["results"].as_array().map(Vec::len), Some(2), "{told}");
    assert_eq!(count(&server, "depth"), 0);
    assert_failed(
        &run(&server, &["ack", "q", &receipts[0]]),
        3,
        &["receipt 1", "410 message_gone"],
    );
}

#[test]
fn a_released_message_comes_again() {
    let server = with_queue("{}");
    ok(&server, &["send", "q", "one"]);
    let receipt = json(&server, &["receive", "q"])["receipt"].as_str().expect("one").to_owned();
    let told = ok(&server, &["release", "q", &receipt, "--output", "table"]);
    assert_eq!(told, "1 of 1 done\n");
    let again = json(&server, &["receive", "q"]);
    assert_eq!((&again["body"], &again["receive_count"]), (&"one".into(), &2.into()));
    assert_failed(&run(&server, &["ack", "q", &receipt]), 7, &["409 lease_lost"]);
}

#[test]
fn a_release_may_be_delayed_and_a_lease_extended() {
    let server = with_queue("{}");
    ok(&server, &["send", "q", "one"]);
    let receipt = json(&server, &["receive", "q"])["receipt"].as_str().expect("one").to_owned();
    ok(&server, &["extend", "q", &receipt, "--lease", "1h"]);
    ok(&server, &["release", "q", &receipt, "--delay", "1h"]);
    assert_eq!((count(&server, "delayed"), count(&server, "in_flight")), (1, 0));
    assert_eq!(run(&server, &["extend", "q", "x", "--lease", "13h"]).status.code(), Some(2));
}
