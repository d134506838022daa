//! Sends and receives of a queue of one place: what they are told was so at one moment.

use std::sync::Arc;

use crate::fixture::{NOW, left, queue, queue_with, send, send_surely, take, unless_busy};
use crate::model::{Model, race, race_three};
use crate::queue::{Overflow, Settings};

#[test]
fn send_against_take_when_empty() {
    Model::new("send against take when empty").preemptions(3).check(
        &["sent, got 1, left [] []", "sent, empty, left [1] []", "sent, busy, left [1] []"],
        || {
            let queue = queue(1, &[]);
            let (sender, taker) = (Arc::clone(&queue), Arc::clone(&queue));
            let (sent, taken) = race(move || send(&sender, 1, NOW), move || take(&taker, NOW));
            format!("{sent}, {taken}, {}", left(queue, NOW))
        },
    );
}

#[test]
fn send_against_take_when_full() {
    Model::new("send against take when full").preemptions(3).check(
        &["sent, got 1, left [2] []", "full, got 1, left [] []", "busy, got 1, left [] []"],
        || {
            let queue = queue(1, &[1]);
            let (sender, taker) = (Arc::clone(&queue), Arc::clone(&queue));
            let (sent, taken) = race(move || send(&sender, 2, NOW), move || take(&taker, NOW));
            format!("{sent}, {taken}, {}", left(queue, NOW))
        },
    );
}

#[test]
fn two_sends_and_one_place() {
    Model::new("two sends and one place").preemptions(3).check(
        &["sent, full, left [1] []", "full, sent, left [2] []"],
        || {
            let queue = queue(1, &[]);
            let (one, other) = (Arc::clone(&queue), Arc::clone(&queue));
            let (first, second) = race(move || send(&one, 1, NOW), move || send(&other, 2, NOW));
            format!("{first}, {second}, {}", left(queue, NOW))
        },
    );
}

#[test]
fn two_takes_and_one_message() {
    Model::new("two takes and one message").preemptions(3).check(
        &["got 1, empty, left [] []", "empty, got 1, left [] []"],
        || {
            let queue = queue(1, &[1]);
            let (one, other) = (Arc::clone(&queue), Arc::clone(&queue));
            let (first, second) = race(move || take(&one, NOW), move || take(&other, NOW));
            format!("{first}, {second}, {}", left(queue, NOW))
        },
    );
}

/// Two producers and a consumer: order, and nothing lost.
#[test]
fn two_sends_and_a_take() {
    Model::new("two sends and a take").check(
        &[
            "sent, sent, empty, left [1, 2] []",
            "sent, sent, empty, left [2, 1] []",
            "sent, sent, got 1, left [2] []",
            "sent, sent, got 2, left [1] []",
        ],
        || {
            let queue = queue(2, &[]);
            let (one, other, taker) = (Arc::clone(&queue), Arc::clone(&queue), Arc::clone(&queue));
            let (first, second, taken) = race_three(
                move || send_surely(&one, 1, NOW),
                move || send_surely(&other, 2, NOW),
                move || unless_busy(|| take(&taker, NOW)),
            );
            format!("{first}, {second}, {taken}, {}", left(queue, NOW))
        },
    );
}

/// A send that drops the oldest message is refused only where a consumer is about to have that one.
#[test]
fn send_that_drops_the_oldest_against_take() {
    Model::new("send that drops the oldest against take").preemptions(3).check(
        &[
            "sent, got 1, 0 dropped, left [2] []",
            "sent, got 2, 1 dropped, left [] []",
            "sent, empty, 1 dropped, left [2] []",
            "full, got 1, 0 dropped, left [] []",
        ],
        || {
            let settings = Settings { overflow: Overflow::DropOldest, ..Settings::default() };
            let queue = queue_with(1, &settings, &[1]);
            let (sender, taker) = (Arc::clone(&queue), Arc::clone(&queue));
            let (sent, taken) = race(
                move || send_surely(&sender, 2, NOW),
                move || unless_busy(|| take(&taker, NOW)),
            );
            let dropped = queue.counts().dropped;
            format!("{sent}, {taken}, {dropped} dropped, {}", left(queue, NOW))
        },
    );
}
