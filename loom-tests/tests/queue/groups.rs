//! FIFO queues: whoever frees a group, comes to it, or waits for it at the same time.

use std::sync::Arc;
use std::time::Duration;

use crate::fixture::{
    A_WHILE, DUE, NOW, ONE, delivery, lease, left, message, prepare, queue_with, receive, send,
    tag, take, unless_busy,
};
use crate::model::{Model, race, race_three};
use crate::queue::{Millis, Options, Queue, Receipt, Settings};
use crate::receivers::wait;
use crate::waking::block_on;

/// A FIFO queue that holds these messages, all of one group.
fn fifo(capacity: u64, tags: &[u8]) -> Arc<Queue> {
    let queue = Arc::into_inner(queue_with(capacity, &Settings::default(), &[]));
    let queue = Arc::new(queue.expect("nobody else has it").into_fifo());
    for tag in tags {
        assert_eq!(send(&queue, *tag, NOW), "sent");
    }
    queue
}

/// With the first of them in flight until [`DUE`], and who waits able to.
fn in_flight(capacity: u64, tags: &[u8]) -> (Arc<Queue>, Receipt) {
    let queue = fifo(capacity, tags);
    let receipt = delivery(&queue, NOW).receipt;
    prepare(&queue);
    (queue, receipt)
}

/// One of them wins, and what is behind is received only once the first is gone or before it.
#[test]
fn ack_against_the_end_of_a_lease_in_a_group() {
    Model::new("FIFO: ack against expiry").preemptions(3).check(
        &["ok, 0 ended, left [2] []", "lost, 1 ended, left [1, 2] []"],
        || {
            let (queue, receipt) = in_flight(2, &[1, 2]);
            let (consumer, timer) = (Arc::clone(&queue), Arc::clone(&queue));
            let (ack, _) = race(move || lease(consumer.ack(receipt, NOW)), move || timer.tick(DUE));
            format!("{ack}, {} ended, {}", queue.counts().lease_ends, left(queue, DUE))
        },
    );
}

#[test]
fn send_into_a_group_against_the_ack_that_frees_it() {
    Model::new("FIFO: send against ack, then receive").preemptions(3).check(
        &["sent, ok empty, left [2] []", "sent, ok got 2, left [] [2]"],
        || {
            let (queue, receipt) = in_flight(2, &[1]);
            let (sender, consumer) = (Arc::clone(&queue), Arc::clone(&queue));
            let (sent, (ack, got)) = race(
                move || unless_busy(|| send(&sender, 2, NOW)),
                move || {
                    let ack = lease(consumer.ack(receipt, NOW));
                    (ack, unless_busy(|| receive(&consumer, NOW)))
                },
            );
            format!("{sent}, {ack} {got}, {}", left(queue, NOW))
        },
    );
}

#[test]
fn two_receivers_and_one_group() {
    Model::new("FIFO: two receivers, one group").preemptions(3).check(
        &["got 1, empty, left [] [1, 2]", "empty, got 1, left [] [1, 2]"],
        || {
            let queue = fifo(2, &[1, 2]);
            let (one, other) = (Arc::clone(&queue), Arc::clone(&queue));
            let (first, second) = race(
                move || unless_busy(|| receive(&one, NOW)),
                move || unless_busy(|| receive(&other, NOW)),
            );
            format!("{first}, {second}, {}", left(queue, NOW))
        },
    );
}

/// What frees a group, against a receiver that parks for it.
fn frees(name: &'static str, outcome: &str, free: fn(&Queue, Receipt)) {
    Model::new(name).preemptions(3).check(&[outcome], move || {
        let (queue, receipt) = in_flight(2, &[1, 2]);
        let (other, receiver) = (Arc::clone(&queue), Arc::clone(&queue));
        let ((), got) = race(move || free(&other, receipt), move || wait(&receiver, DUE));
        format!("{got}, {}", left(queue, DUE))
    });
}

#[test]
fn an_ack_wakes_who_waits_for_the_group() {
    frees("FIFO: ack, a receiver parks", "got [2], left [] [2]", |queue, receipt| {
        queue.ack(receipt, NOW).expect("it is in flight");
    });
}

#[test]
fn a_release_wakes_who_waits_for_the_group() {
    frees("FIFO: release, a receiver parks", "got [1], left [] [1, 2]", |queue, receipt| {
        queue.release(receipt, Duration::ZERO, NOW).expect("it is in flight");
    });
}

#[test]
fn the_end_of_a_lease_wakes_who_waits_for_the_group() {
    frees("FIFO: lease over, a receiver parks", "got [1], left [] [1, 2]", |queue, _| {
        queue.tick(DUE);
    });
}

#[test]
fn a_purge_frees_the_group_for_what_is_sent_next() {
    Model::new("FIFO: purge and send, a receiver parks").check(&["got [3], left [] [3]"], || {
        let (queue, _) = in_flight(2, &[1]);
        let (other, receiver) = (Arc::clone(&queue), Arc::clone(&queue));
        let ((), got) = race(
            move || {
                assert_eq!(other.purge(NOW), 1);
                assert_eq!(unless_busy(|| send(&other, 3, NOW)), "sent");
            },
            move || wait(&receiver, NOW),
        );
        format!("{got}, {}", left(queue, NOW))
    });
}

/// A message that is looked at, or expires behind others, keeps nobody from its group for good.
#[test]
fn a_receiver_against_a_look_and_an_expiry() {
    Model::new("FIFO: take, browse, expiry").check(&["got 1, left [] []"], || {
        let queue = fifo(2, &[1]);
        let expires = Options { ttl: Some(A_WHILE), ..Options::default() };
        queue.try_send(message(2), expires, NOW).expect("there is room");
        let (looker, timer, receiver) =
            (Arc::clone(&queue), Arc::clone(&queue), Arc::clone(&queue));
        let ((), _, got) = race_three(
            move || drop(looker.browse(1, NOW)),
            move || timer.tick(DUE),
            move || unless_busy(|| take(&receiver, NOW)),
        );
        // Where somebody was just looking at it, the timer comes again.
        queue.tick(Millis(DUE.0 + 1));
        assert_eq!(queue.counts().expired, 1);
        format!("{got}, {}", left(queue, DUE))
    });
}

/// What is behind a message that expires is received as soon as that is gone. It is acknowledged at
/// once, because loom lets the timer overlook its lease: a `SeqCst` load may read what a `Release` store
/// left there, although a `SeqCst` one came after.
#[test]
fn an_expiry_wakes_who_waits_for_the_group() {
    Model::new("FIFO: expiry, a receiver parks").preemptions(3).check(&["2, left [] []"], || {
        let queue = fifo(2, &[]);
        let expires = Options { ttl: Some(A_WHILE), ..Options::default() };
        queue.try_send(message(1), expires, NOW).expect("there is room");
        assert_eq!(send(&queue, 2, NOW), "sent");
        prepare(&queue);
        let (timer, receiver) = (Arc::clone(&queue), Arc::clone(&queue));
        let (_, got) = race(
            move || timer.tick(DUE),
            move || {
                let mut waiting = receiver.wait_to_receive(ONE);
                let received = block_on(|context| waiting.poll(context, DUE));
                receiver.ack(received[0].receipt, DUE).expect("it is in flight");
                tag(&received[0].message)
            },
        );
        format!("{got}, {}", left(queue, DUE))
    });
}
