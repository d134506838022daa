//! Messages that are due later, against the timer that makes them ready.

use std::sync::Arc;

use crate::fixture::{A_WHILE, DUE, NOW, left, message, queue, receive, unless_busy};
use crate::model::{Model, race};
use crate::queue::{Millis, Options, Queue, Request, TryReceiveError};

fn send_for_later(queue: &Queue, tag: u8) {
    let options = Options { delay: Some(A_WHILE), ..Options::default() };
    queue.try_send(message(tag), options, NOW).expect("there is room");
}

#[test]
fn a_delay_that_ends_against_receive() {
    Model::new("a delay that ends against receive").preemptions(3).check(
        &["empty, left [1] []", "busy, left [1] []", "got 1, left [] [1]"],
        || {
            let queue = queue(1, &[]);
            send_for_later(&queue, 1);
            let (timer, consumer) = (Arc::clone(&queue), Arc::clone(&queue));
            let ((), received) = race(
                move || {
                    timer.tick(DUE);
                },
                move || receive(&consumer, DUE),
            );
            format!("{received}, {}", left(queue, DUE))
        },
    );
}

/// A message of a slot that was never in use before, while the timer is at its neighbour: its
/// deadline must be known afterwards.
#[test]
fn a_new_slot_with_a_deadline_against_the_timer() {
    Model::new("a new slot against the timer").preemptions(3).check(&["left [1] [2]"], || {
        let queue = queue(2, &[]);
        send_for_later(&queue, 1);
        let (timer, sender) = (Arc::clone(&queue), Arc::clone(&queue));
        let ((), ()) = race(
            move || {
                timer.tick(DUE);
            },
            move || {
                let options = Options { delay: Some(2 * A_WHILE), ..Options::default() };
                sender.try_send(message(2), options, NOW).expect("there is room");
            },
        );
        assert!(queue.tick(DUE) <= Millis(20));
        left(queue, DUE)
    });
}

/// Two threads that find the same message due.
#[test]
fn timer_against_timer() {
    Model::new("timer against timer").preemptions(3).check(&["left [1] []"], || {
        let queue = queue(1, &[]);
        send_for_later(&queue, 1);
        let (one, other) = (Arc::clone(&queue), Arc::clone(&queue));
        race(move || one.tick(DUE), move || other.tick(DUE));
        left(queue, DUE)
    });
}

/// Its time is over while a consumer comes for it.
#[test]
fn expiry_of_a_message_in_line_against_receive() {
    Model::new("expiry in line against receive").preemptions(3).check(
        &["acked, 0 expired, left [] []", "nothing, 1 expired, left [] []"],
        || {
            let queue = queue(1, &[]);
            let options = Options { ttl: Some(A_WHILE), ..Options::default() };
            queue.try_send(message(1), options, NOW).expect("there is room");
            let (timer, consumer) = (Arc::clone(&queue), Arc::clone(&queue));
            let ((), acked) = race(
                move || {
                    timer.tick(DUE);
                },
                move || {
                    let mut received = Vec::new();
                    let request = Request { max: 1, lease: None };
                    unless_busy(|| match consumer.try_receive(request, NOW, &mut received) {
                        Ok(()) => "received",
                        Err(TryReceiveError::Empty) => "nothing",
                        Err(TryReceiveError::Busy) => "busy",
                    });
                    match received.first() {
                        Some(one) => {
                            consumer.ack(one.receipt, NOW).map(|()| "acked").expect("held")
                        }
                        None => "nothing",
                    }
                },
            );
            format!("{acked}, {} expired, {}", queue.counts().expired, left(queue, DUE))
        },
    );
}
