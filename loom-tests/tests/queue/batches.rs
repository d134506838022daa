//! Many messages in one call, against those who send, receive, purge or resize one at a time.

use std::sync::Arc;

use crate::fixture::{
    A_WHILE, DUE, NOW, delivery, lease, left, message, queue, queue_with_waiters, receive, send,
    sent, tag, take, unless_busy,
};
use crate::model::{Model, race};
use crate::queue::{Millis, Options, Queue, Request, TryReceiveError};
use crate::receivers::wait;
use crate::sync::yield_now;

/// As a client sends a batch: what did not go at once goes one by one.
fn send_batch(queue: &Queue, tags: [u8; 2]) -> String {
    let mut messages: Vec<_> = tags.iter().map(|tag| (message(*tag), Options::default())).collect();
    let mut ids = Vec::new();
    queue.try_send_batch(&mut messages, NOW, &mut ids);
    let mut answers = vec!["sent"; ids.len()];
    for (message, options) in messages {
        let mut message = Some(message);
        answers.push(unless_busy(|| {
            let again = message.take().expect("it is given back where it was refused");
            sent(queue.try_send(again, options, NOW).inspect_err(|refused| {
                message = Some(refused.message.clone());
            }))
        }));
    }
    answers.join(" ")
}

/// As a client receives two messages.
fn receive_two(queue: &Queue, now: Millis) -> String {
    let two = Request { max: 2, lease: Some(A_WHILE) };
    let mut received = Vec::new();
    while let Err(TryReceiveError::Busy) = queue.try_receive(two, now, &mut received) {
        yield_now();
    }
    format!("got {:?}", received.iter().map(|one| tag(&one.message)).collect::<Vec<_>>())
}

fn ack_two(queue: &Queue, now: Millis, receipts: [crate::queue::Receipt; 2]) -> String {
    let mut answers = Vec::new();
    queue.ack_batch(receipts, now, |answer| answers.push(lease(answer)));
    answers.join(" ")
}

#[test]
fn batch_against_take() {
    Model::new("batch against take").check(
        &["sent sent, empty, left [1, 2] []", "sent sent, got 1, left [2] []"],
        || {
            let queue = queue(2, &[]);
            let (sender, taker) = (Arc::clone(&queue), Arc::clone(&queue));
            let (sent, taken) = race(
                move || send_batch(&sender, [1, 2]),
                move || unless_busy(|| take(&taker, NOW)),
            );
            format!("{sent}, {taken}, {}", left(queue, NOW))
        },
    );
}

/// Where there is room for a part of it, that is its front.
#[test]
fn batch_into_one_place_against_take() {
    Model::new("batch into one place against take").check(
        &["sent full, got 9, left [1] []", "sent sent, got 9, left [1, 2] []"],
        || {
            let queue = queue(2, &[9]);
            let (sender, taker) = (Arc::clone(&queue), Arc::clone(&queue));
            let (sent, taken) = race(
                move || send_batch(&sender, [1, 2]),
                move || unless_busy(|| take(&taker, NOW)),
            );
            format!("{sent}, {taken}, {}", left(queue, NOW))
        },
    );
}

/// Messages of a batch are neighbours.
#[test]
fn batch_against_send() {
    Model::new("batch against send").check(
        &["sent sent, sent, left [1, 2, 3] []", "sent sent, sent, left [3, 1, 2] []"],
        || {
            let queue = queue(4, &[]);
            let (one, other) = (Arc::clone(&queue), Arc::clone(&queue));
            let (first, second) = race(
                move || send_batch(&one, [1, 2]),
                move || unless_busy(|| send(&other, 3, NOW)),
            );
            format!("{first}, {second}, {}", left(queue, NOW))
        },
    );
}

#[test]
fn batch_against_a_larger_and_a_smaller_capacity() {
    Model::new("batch against resize").check(
        &["done, sent sent, left [9, 1, 2] []", "done, sent full, left [9, 1] []"],
        || {
            let queue = queue(2, &[9]);
            let (operator, sender) = (Arc::clone(&queue), Arc::clone(&queue));
            let (resized, sent) = race(
                move || operator.resize(3, NOW).map_or("refused", |()| "done"),
                move || send_batch(&sender, [1, 2]),
            );
            format!("{resized}, {sent}, {}", left(queue, NOW))
        },
    );
    Model::new("batch against resize down").check(
        &["done, sent full, left [1] []", "refused, sent sent, left [1, 2] []"],
        || {
            let queue = queue(2, &[]);
            let (operator, sender) = (Arc::clone(&queue), Arc::clone(&queue));
            let (resized, sent) = race(
                move || operator.resize(1, NOW).map_or("refused", |()| "done"),
                move || send_batch(&sender, [1, 2]),
            );
            format!("{resized}, {sent}, {}", left(queue, NOW))
        },
    );
}

#[test]
fn batch_against_a_receiver_that_parks() {
    Model::new("batch against a parking receiver").check(
        &["sent sent, got [1], left [2] [1]"],
        || {
            let queue = queue_with_waiters(2, &[]);
            let (sender, receiver) = (Arc::clone(&queue), Arc::clone(&queue));
            let (sent, got) =
                race(move || send_batch(&sender, [1, 2]), move || wait(&receiver, NOW));
            format!("{sent}, {got}, {}", left(queue, NOW))
        },
    );
}

#[test]
fn receive_of_two_against_take() {
    Model::new("receive of two against take").check(
        &["got [1, 2], empty, left [] [1, 2]", "got [2], got 1, left [] [2]"],
        || {
            let queue = queue(2, &[1, 2]);
            let (consumer, taker) = (Arc::clone(&queue), Arc::clone(&queue));
            let (received, taken) = race(
                move || receive_two(&consumer, NOW),
                move || unless_busy(|| take(&taker, NOW)),
            );
            format!("{received}, {taken}, {}", left(queue, NOW))
        },
    );
}

#[test]
fn receive_of_two_against_purge() {
    Model::new("receive of two against purge").check(
        &[
            "got [1, 2], purged 2, left [] []",
            "got [1], purged 2, left [] []",
            "got [2], purged 2, left [] []",
            "got [], purged 2, left [] []",
        ],
        || {
            let queue = queue(2, &[1, 2]);
            let (consumer, operator) = (Arc::clone(&queue), Arc::clone(&queue));
            let (received, purged) =
                race(move || receive_two(&consumer, NOW), move || operator.purge(NOW));
            format!("{received}, purged {purged}, {}", left(queue, NOW))
        },
    );
}

/// Each of the messages is either acknowledged or received again.
#[test]
fn acks_of_two_against_the_end_of_their_leases() {
    Model::new("acks of two against the end of their leases").check(
        &["ok ok, empty, left [] []", "lost ok, got 1, left [] [1]", "ok lost, got 2, left [] [2]"],
        || {
            let queue = queue(2, &[1, 2]);
            let receipts = [delivery(&queue, NOW).receipt, delivery(&queue, NOW).receipt];
            let (consumer, other) = (Arc::clone(&queue), Arc::clone(&queue));
            let (acked, received) = race(
                move || ack_two(&consumer, DUE, receipts),
                move || {
                    other.tick(DUE);
                    unless_busy(|| receive(&other, DUE))
                },
            );
            format!("{acked}, {received}, {}", left(queue, DUE))
        },
    );
}

#[test]
fn acks_of_two_against_a_send_that_needs_the_place() {
    Model::new("acks of two against send").check(
        &["ok ok, full, left [] []", "ok ok, sent, left [3] []"],
        || {
            let queue = queue(2, &[1, 2]);
            let receipts = [delivery(&queue, NOW).receipt, delivery(&queue, NOW).receipt];
            let (consumer, sender) = (Arc::clone(&queue), Arc::clone(&queue));
            let (acked, sent) = race(
                move || ack_two(&consumer, NOW, receipts),
                move || unless_busy(|| send(&sender, 3, NOW)),
            );
            format!("{acked}, {sent}, {}", left(queue, NOW))
        },
    );
}
