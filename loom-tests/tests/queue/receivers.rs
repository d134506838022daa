//! Consumers that wait: no wake-up is lost, and none that leaves takes a message with it.

use std::sync::Arc;

use crate::fixture::{
    DUE, NOW, ONE, delivery, in_flight, lease, left, prepare, queue_with, queue_with_waiters, send,
    send_surely, tag,
};
use crate::model::{Model, race, race_three};
use crate::queue::{Millis, Queue, Settings};
use crate::waking::{block_on, poll_once};

/// Waits for one message and keeps it.
pub fn wait(queue: &Queue, now: Millis) -> String {
    let mut waiting = queue.wait_to_receive(ONE);
    let received = block_on(|context| waiting.poll(context, now));
    format!("got {:?}", received.iter().map(|one| tag(&one.message)).collect::<Vec<_>>())
}

#[test]
fn send_against_a_receiver_that_parks() {
    Model::new("send against a parking receiver").preemptions(3).check(
        &["sent, got [1], left [] [1]"],
        || {
            let queue = queue_with_waiters(1, &[]);
            let (sender, receiver) = (Arc::clone(&queue), Arc::clone(&queue));
            let (sent, got) = race(move || send(&sender, 1, NOW), move || wait(&receiver, NOW));
            format!("{sent}, {got}, {}", left(queue, NOW))
        },
    );
}

#[test]
fn two_sends_against_a_receiver_of_one() {
    Model::new("two sends against a parking receiver").check(
        &["sent, sent, got [1], left [2] [1]", "sent, sent, got [2], left [1] [2]"],
        || {
            let queue = queue_with_waiters(2, &[]);
            let (one, other, receiver) =
                (Arc::clone(&queue), Arc::clone(&queue), Arc::clone(&queue));
            let (first, second, got) = race_three(
                move || send_surely(&one, 1, NOW),
                move || send_surely(&other, 2, NOW),
                move || wait(&receiver, NOW),
            );
            format!("{first}, {second}, {got}, {}", left(queue, NOW))
        },
    );
}

/// It looks once, parks, and is gone.
#[test]
fn send_against_a_receiver_that_is_dropped() {
    Model::new("send against a receiver that is dropped").preemptions(3).check(
        &["sent, pending, left [1] []", "sent, ready, left [] [1]"],
        || {
            let queue = queue_with_waiters(1, &[]);
            let (sender, receiver) = (Arc::clone(&queue), Arc::clone(&queue));
            let (sent, looked) = race(
                move || send(&sender, 1, NOW),
                move || {
                    let mut waiting = receiver.wait_to_receive(ONE);
                    match poll_once(|context| waiting.poll(context, NOW)).is_ready() {
                        true => "ready",
                        false => "pending",
                    }
                },
            );
            format!("{sent}, {looked}, {}", left(queue, NOW))
        },
    );
}

/// It looks once, and then takes what it was given meanwhile, or nothing.
#[test]
fn send_against_a_receiver_that_gives_up() {
    Model::new("send against a receiver that gives up").preemptions(3).check(
        &["sent, got [], left [1] []", "sent, got [1], left [] [1]"],
        || {
            let queue = queue_with_waiters(1, &[]);
            let (sender, receiver) = (Arc::clone(&queue), Arc::clone(&queue));
            let (sent, got) = race(
                move || send(&sender, 1, NOW),
                move || {
                    let mut waiting = receiver.wait_to_receive(ONE);
                    let received = match poll_once(|context| waiting.poll(context, NOW)) {
                        std::task::Poll::Ready(received) => received,
                        std::task::Poll::Pending => loop {
                            match waiting.give_up() {
                                Some(received) => break received,
                                None => crate::sync::yield_now(),
                            }
                        },
                    };
                    received.iter().map(|one| tag(&one.message)).collect::<Vec<_>>()
                },
            );
            format!("{sent}, got {got:?}, {}", left(queue, NOW))
        },
    );
}

/// Who leaves must not take another's wake-up along.
#[test]
fn send_against_one_that_stays_and_one_that_leaves() {
    Model::new("send, one stays, one leaves").check(&["sent, got [1], left [] [1]"], || {
        let queue = queue_with_waiters(1, &[]);
        let (sender, stays, leaves) = (Arc::clone(&queue), Arc::clone(&queue), Arc::clone(&queue));
        let (sent, (), got) = race_three(
            move || send(&sender, 1, NOW),
            move || {
                let mut waiting = leaves.wait_to_receive(ONE);
                let _ = poll_once(|context| waiting.poll(context, NOW)).map(|received| {
                    for one in received {
                        leaves.take_back(one.receipt, NOW).expect("nobody else has it");
                    }
                });
            },
            move || wait(&stays, NOW),
        );
        format!("{sent}, {got}, {}", left(queue, NOW))
    });
}

/// What is given back finds who waits, as what is sent does.
#[test]
fn release_against_a_receiver_that_parks() {
    Model::new("release against a parking receiver").preemptions(3).check(
        &["ok, got [1], left [] [1]"],
        || {
            let (queue, receipt) = in_flight(1, 1);
            prepare(&queue);
            let (consumer, receiver) = (Arc::clone(&queue), Arc::clone(&queue));
            let (released, got) = race(
                move || lease(consumer.release(receipt, std::time::Duration::ZERO, NOW)),
                move || wait(&receiver, NOW),
            );
            format!("{released}, {got}, {}", left(queue, NOW))
        },
    );
}

/// So does what comes back because its lease is over.
#[test]
fn the_end_of_a_lease_against_a_receiver_that_parks() {
    Model::new("end of a lease against a parking receiver").preemptions(3).check(
        &["got [1], left [] [1]"],
        || {
            let (queue, _) = in_flight(1, 1);
            prepare(&queue);
            let (timer, receiver) = (Arc::clone(&queue), Arc::clone(&queue));
            let (_, got) = race(move || timer.tick(DUE), move || wait(&receiver, DUE));
            format!("{got}, {}", left(queue, DUE))
        },
    );
}

/// Where as many messages are in flight as may be, an ack is what a receiver waits for.
#[test]
fn ack_against_a_receiver_that_parks_for_a_place_in_flight() {
    Model::new("ack against a receiver that may not").preemptions(3).check(
        &["ok, got [2], left [] [2]"],
        || {
            let settings = Settings { max_in_flight: Some(1), ..Settings::default() };
            let queue = queue_with(2, &settings, &[1, 2]);
            let receipt = delivery(&queue, NOW).receipt;
            prepare(&queue);
            let (consumer, receiver) = (Arc::clone(&queue), Arc::clone(&queue));
            let (ack, got) =
                race(move || lease(consumer.ack(receipt, NOW)), move || wait(&receiver, NOW));
            format!("{ack}, {got}, {}", left(queue, NOW))
        },
    );
}
