//! A consumer against the end of its lease: exactly one of them wins.

use std::sync::Arc;

use crate::fixture::{A_WHILE, DUE, NOW, in_flight, lease, left};
use crate::model::{Model, race};
use crate::queue::{Millis, Queue, Receipt};

/// What a consumer does before its lease is over, while the timer finds that it is.
fn against_expiry(name: &'static str, outcomes: &[&str], act: fn(&Queue, Receipt) -> &'static str) {
    Model::new(name).preemptions(3).check(outcomes, move || {
        let (queue, receipt) = in_flight(1, 1);
        let (consumer, timer) = (Arc::clone(&queue), Arc::clone(&queue));
        let (answer, next) = race(move || act(&consumer, receipt), move || timer.tick(DUE));
        let ends = queue.counts().lease_ends;
        assert!(next > DUE, "what is due is done");
        format!("{answer}, {ends} ended, {}", left(queue, DUE))
    });
}

#[test]
fn ack_against_expiry() {
    against_expiry(
        "ack against expiry",
        &[
            "ok, 0 ended, left [] []",
            // The receipt is good until the message is delivered again.
            "ok, 1 ended, left [] []",
        ],
        |queue, receipt| lease(queue.ack(receipt, NOW)),
    );
}

#[test]
fn extend_against_expiry() {
    against_expiry(
        "extend against expiry",
        &["ok, 0 ended, left [] [1]", "lost, 1 ended, left [1] []"],
        |queue, receipt| lease(queue.extend(receipt, 2 * A_WHILE, NOW)),
    );
}

#[test]
fn release_against_expiry() {
    against_expiry(
        "release against expiry",
        &["ok, 0 ended, left [1] []", "lost, 1 ended, left [1] []"],
        |queue, receipt| lease(queue.release(receipt, std::time::Duration::ZERO, NOW)),
    );
}

#[test]
fn release_for_later_against_expiry() {
    against_expiry(
        "release for later against expiry",
        &["ok, 0 ended, left [] [1]", "lost, 1 ended, left [1] []"],
        |queue, receipt| lease(queue.release(receipt, 2 * A_WHILE, NOW)),
    );
}

#[test]
fn take_back_against_expiry() {
    against_expiry(
        "take back against expiry",
        &["ok, 0 ended, left [1] []", "lost, 1 ended, left [1] []"],
        |queue, receipt| lease(queue.take_back(receipt, NOW)),
    );
}

/// A shorter lease is a new deadline, which the timer must not lose.
#[test]
fn a_lease_made_shorter_against_the_timer() {
    let next = ["next 5", "next 10"];
    let outcomes = next.map(|next| format!("ok, {next}, at 5: left [1] []"));
    Model::new("a lease made shorter").preemptions(3).check(
        &outcomes.each_ref().map(String::as_str),
        || {
            let (queue, receipt) = in_flight(1, 1);
            let (consumer, timer) = (Arc::clone(&queue), Arc::clone(&queue));
            let (answer, next) = race(
                move || lease(consumer.extend(receipt, A_WHILE / 2, NOW)),
                move || timer.tick(Millis(1)),
            );
            queue.tick(Millis(5));
            format!("{answer}, next {}, at 5: {}", next.0, left(queue, Millis(5)))
        },
    );
}
