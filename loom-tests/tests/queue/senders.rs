//! Producers that wait for room.

use std::sync::Arc;

use crate::fixture::{
    A_WHILE, DUE, NOW, in_flight, lease, left, message, prepare, queue_with_waiters, sent, take,
    unless_busy,
};
use crate::model::{Model, race, race_three};
use crate::queue::{Millis, Options, Queue};
use crate::receivers;
use crate::waking::{block_on, poll_once};

fn wait(queue: &Queue, tag: u8, now: Millis) -> &'static str {
    let mut waiting = queue.wait_to_send(message(tag), Options::default());
    sent(block_on(|context| waiting.poll(context, now)))
}

#[test]
fn ack_against_a_sender_that_parks() {
    Model::new("ack against a parking sender").preemptions(3).check(
        &["ok, sent, left [2] []"],
        || {
            let (queue, receipt) = in_flight(1, 1);
            prepare(&queue);
            let (consumer, sender) = (Arc::clone(&queue), Arc::clone(&queue));
            let (ack, sent) =
                race(move || lease(consumer.ack(receipt, NOW)), move || wait(&sender, 2, NOW));
            format!("{ack}, {sent}, {}", left(queue, NOW))
        },
    );
}

#[test]
fn take_against_a_sender_that_parks() {
    Model::new("take against a parking sender").preemptions(3).check(
        &["got 1, sent, left [2] []"],
        || {
            let queue = queue_with_waiters(1, &[1]);
            let (taker, sender) = (Arc::clone(&queue), Arc::clone(&queue));
            let (taken, sent) =
                race(move || unless_busy(|| take(&taker, NOW)), move || wait(&sender, 2, NOW));
            format!("{taken}, {sent}, {}", left(queue, NOW))
        },
    );
}

/// The message of a sender that waited is there for a receiver that waits.
#[test]
fn ack_against_a_sender_and_a_receiver_that_park() {
    Model::new("ack, parking sender, parking receiver").check(
        &["ok, sent, got [2], left [] [2]"],
        || {
            let (queue, receipt) = in_flight(1, 1);
            prepare(&queue);
            let (consumer, sender, receiver) =
                (Arc::clone(&queue), Arc::clone(&queue), Arc::clone(&queue));
            let (ack, sent, got) = race_three(
                move || lease(consumer.ack(receipt, NOW)),
                move || wait(&sender, 2, NOW),
                move || receivers::wait(&receiver, NOW),
            );
            format!("{ack}, {sent}, {got}, {}", left(queue, NOW))
        },
    );
}

/// A receiver that finds what has expired makes room, though it gets nothing by that.
#[test]
fn a_receiver_that_finds_an_expired_message_against_a_sender_that_parks() {
    Model::new("expired message, parking sender and receiver").check(
        &["sent, got [2], left [] [2]"],
        || {
            let queue = queue_with_waiters(1, &[]);
            let options = Options { ttl: Some(A_WHILE), ..Options::default() };
            queue.try_send(message(1), options, NOW).expect("there is room");
            let (sender, receiver) = (Arc::clone(&queue), Arc::clone(&queue));
            let (sent, got) =
                race(move || wait(&sender, 2, DUE), move || receivers::wait(&receiver, DUE));
            format!("{sent}, {got}, {}", left(queue, DUE))
        },
    );
}

/// A sender that leaves has sent its message or not, and either way there is one of it.
#[test]
fn ack_against_a_sender_that_gives_up() {
    Model::new("ack against a sender that gives up").preemptions(3).check(
        &["ok, sent, left [2] []", "ok, full, left [] []"],
        || {
            let (queue, receipt) = in_flight(1, 1);
            prepare(&queue);
            let (consumer, sender) = (Arc::clone(&queue), Arc::clone(&queue));
            let (ack, answer) = race(
                move || lease(consumer.ack(receipt, NOW)),
                move || {
                    let mut waiting = sender.wait_to_send(message(2), Options::default());
                    match poll_once(|context| waiting.poll(context, NOW)) {
                        std::task::Poll::Ready(answer) => sent(answer),
                        std::task::Poll::Pending => loop {
                            match waiting.give_up() {
                                Some(answer) => break sent(answer),
                                None => crate::sync::yield_now(),
                            }
                        },
                    }
                },
            );
            format!("{ack}, {answer}, {}", left(queue, NOW))
        },
    );
}
