//! Nothing is sent to a closed queue, and who waits for room in it is told.

use std::sync::Arc;

use crate::fixture::{NOW, ONE, left, message, queue_with_waiters, send, sent, take, unless_busy};
use crate::model::{Model, race};
use crate::queue::Options;
use crate::waking::block_on;

#[test]
fn close_against_send() {
    Model::new("close against send").preemptions(3).check(
        &["sent, then closed, left [1] []", "closed, then closed, left [] []"],
        || {
            let queue = queue_with_waiters(1, &[]);
            let (closer, sender) = (Arc::clone(&queue), Arc::clone(&queue));
            let (then, before) = race(
                move || {
                    closer.close(NOW);
                    send(&closer, 9, NOW)
                },
                move || send(&sender, 1, NOW),
            );
            format!("{before}, then {then}, {}", left(queue, NOW))
        },
    );
}

#[test]
fn close_against_a_sender_that_parks() {
    Model::new("close against a parking sender").preemptions(3).check(
        &["closed, left [1] []"],
        || {
            let queue = queue_with_waiters(1, &[1]);
            let (closer, sender) = (Arc::clone(&queue), Arc::clone(&queue));
            let ((), answer) = race(
                move || closer.close(NOW),
                move || {
                    let mut waiting = sender.wait_to_send(message(2), Options::default());
                    sent(block_on(|context| waiting.poll(context, NOW)))
                },
            );
            format!("{answer}, {}", left(queue, NOW))
        },
    );
}

/// A queue that goes away answers everybody: those who wait, and those who come to wait.
#[test]
fn dismissal_against_a_receiver_that_parks() {
    Model::new("dismissal against a parking receiver").preemptions(3).check(
        &["0 received, left [] []"],
        || {
            let queue = queue_with_waiters(1, &[]);
            let (operator, receiver) = (Arc::clone(&queue), Arc::clone(&queue));
            let ((), received) = race(
                move || operator.dismiss(),
                move || {
                    let mut waiting = receiver.wait_to_receive(ONE);
                    block_on(|context| waiting.poll(context, NOW)).len()
                },
            );
            format!("{received} received, {}", left(queue, NOW))
        },
    );
}

#[test]
fn dismissal_against_a_sender_that_parks() {
    Model::new("dismissal against a parking sender").preemptions(3).check(
        &["full, left [1] []"],
        || {
            let queue = queue_with_waiters(1, &[1]);
            let (operator, sender) = (Arc::clone(&queue), Arc::clone(&queue));
            let ((), answer) = race(
                move || operator.dismiss(),
                move || {
                    let mut waiting = sender.wait_to_send(message(2), Options::default());
                    sent(block_on(|context| waiting.poll(context, NOW)))
                },
            );
            format!("{answer}, {}", left(queue, NOW))
        },
    );
}

#[test]
fn what_is_in_a_closed_queue_can_be_taken() {
    Model::new("close against take").preemptions(3).check(&["got 1, left [] []"], || {
        let queue = queue_with_waiters(1, &[1]);
        let (closer, taker) = (Arc::clone(&queue), Arc::clone(&queue));
        let ((), taken) =
            race(move || closer.close(NOW), move || unless_busy(|| take(&taker, NOW)));
        format!("{taken}, {}", left(queue, NOW))
    });
}
