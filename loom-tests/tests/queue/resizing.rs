//! Changing the capacity, and growing, while the queue is used.

use std::sync::Arc;

use crate::fixture::{NOW, left, queue, receive, send_surely, unless_busy};
use crate::model::{Model, race, race_three};
use crate::queue::{Queue, ResizeError};

fn resize(queue: &Queue, capacity: u64) -> &'static str {
    match queue.resize(capacity, NOW) {
        Ok(()) => "done",
        Err(ResizeError::BelowDepth { .. }) => "below depth",
        Err(ResizeError::OutOfRange) => panic!("no model asks for that"),
    }
}

#[test]
fn larger_against_send() {
    Model::new("resize up against send").check(
        &["done, sent, left [1, 2] []", "done, full, left [1] []"],
        || {
            let queue = queue(1, &[1]);
            let (operator, sender) = (Arc::clone(&queue), Arc::clone(&queue));
            let (resized, sent) =
                race(move || resize(&operator, 2), move || send_surely(&sender, 2, NOW));
            format!("{resized}, {sent}, {}", left(queue, NOW))
        },
    );
}

#[test]
fn smaller_against_send() {
    Model::new("resize down against send").check(
        &["done, full, left [1] []", "below depth, sent, left [1, 2] []"],
        || {
            let queue = queue(2, &[1]);
            let (operator, sender) = (Arc::clone(&queue), Arc::clone(&queue));
            let (resized, sent) =
                race(move || resize(&operator, 1), move || send_surely(&sender, 2, NOW));
            format!("{resized}, {sent}, {}", left(queue, NOW))
        },
    );
}

/// Slots and lines become longer under a consumer's hands.
#[test]
fn growing_against_receive() {
    Model::new("growing against receive").check(&["sent, got 1, left [2] [1]"], || {
        let queue = queue(1, &[1]);
        queue.resize(2, NOW).expect("it is larger");
        let (sender, consumer) = (Arc::clone(&queue), Arc::clone(&queue));
        let (sent, received) = race(
            move || send_surely(&sender, 2, NOW),
            move || unless_busy(|| receive(&consumer, NOW)),
        );
        format!("{sent}, {received}, {}", left(queue, NOW))
    });
}

/// Two producers that both find that there are too few slots.
#[test]
fn growing_against_send() {
    Model::new("growing against send").check(
        &["sent, sent, left [1, 2, 3] []", "sent, sent, left [1, 3, 2] []"],
        || {
            let queue = queue(1, &[1]);
            queue.resize(3, NOW).expect("it is larger");
            let (one, other) = (Arc::clone(&queue), Arc::clone(&queue));
            let (first, second) =
                race(move || send_surely(&one, 2, NOW), move || send_surely(&other, 3, NOW));
            format!("{first}, {second}, {}", left(queue, NOW))
        },
    );
}

#[test]
fn larger_against_send_and_receive() {
    Model::new("resize up, send, receive").preemptions(1).check(
        &["done, sent, got 1, left [2] [1]", "done, full, got 1, left [] [1]"],
        || {
            let queue = queue(1, &[1]);
            let (operator, sender, consumer) =
                (Arc::clone(&queue), Arc::clone(&queue), Arc::clone(&queue));
            let (resized, sent, received) = race_three(
                move || resize(&operator, 2),
                move || send_surely(&sender, 2, NOW),
                move || unless_busy(|| receive(&consumer, NOW)),
            );
            format!("{resized}, {sent}, {received}, {}", left(queue, NOW))
        },
    );
}
