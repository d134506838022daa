//! Acknowledging a message that is back in line already: its index stays there, and who pops it
//! frees the slot, once.

use std::sync::Arc;

use crate::fixture::{
    DUE, NOW, delivery, lease, left, queue_with, receive, returned, send_surely, unless_busy,
};
use crate::model::{Model, race};
use crate::queue::Settings;

#[test]
fn late_ack_against_receive() {
    Model::new("late ack against receive").preemptions(3).check(
        &["ok, empty, left [] []", "lost, got 1, left [] [1]"],
        || {
            let (queue, receipt) = returned(1, 1);
            let (late, other) = (Arc::clone(&queue), Arc::clone(&queue));
            let (ack, received) = race(
                move || lease(late.ack(receipt, DUE)),
                move || unless_busy(|| receive(&other, DUE)),
            );
            format!("{ack}, {received}, {}", left(queue, DUE))
        },
    );
}

/// The second ack may have found the message before the first one had it, and come to the slot when
/// it holds another message, in the same state.
#[test]
fn late_ack_against_late_ack_and_the_next_message_of_the_slot() {
    Model::new("late ack against late ack and send").preemptions(2).check(
        &["ok, gone sent, left [2] []", "ok, gone full, left [] []", "gone, ok sent, left [2] []"],
        || {
            let (queue, receipt) = returned(1, 1);
            let (one, other) = (Arc::clone(&queue), Arc::clone(&queue));
            let (first, (second, sent)) = race(
                move || lease(one.ack(receipt, DUE)),
                move || {
                    let ack = lease(other.ack(receipt, DUE));
                    (ack, send_surely(&other, 2, DUE))
                },
            );
            format!("{first}, {second} {sent}, {}", left(queue, DUE))
        },
    );
}

/// A dead slot is room: a send finds it, however it comes about.
#[test]
fn late_ack_against_a_send_that_needs_the_room() {
    Model::new("late ack against send").check(
        &["ok, sent, left [2] []", "ok, full, left [] []"],
        || {
            let (queue, receipt) = returned(1, 1);
            let (late, sender) = (Arc::clone(&queue), Arc::clone(&queue));
            let (ack, sent) =
                race(move || lease(late.ack(receipt, DUE)), move || send_surely(&sender, 2, DUE));
            format!("{ack}, {sent}, {}", left(queue, DUE))
        },
    );
}

/// A message that was received too often is moved elsewhere, or its late ack came first.
#[test]
fn late_ack_against_the_move_of_a_dead_letter() {
    Model::new("late ack against move of a dead letter").preemptions(3).check(
        &["ok, nothing, left [] []", "gone, moved, left [] []"],
        || {
            let settings = Settings { max_receives: Some(1), ..Settings::default() };
            let queue = queue_with(1, &settings, &[1]);
            let receipt = delivery(&queue, NOW).receipt;
            queue.tick(DUE);
            assert!(queue.has_dead_letters());
            let (late, mover) = (Arc::clone(&queue), Arc::clone(&queue));
            let (ack, moved) = race(
                move || lease(late.ack(receipt, DUE)),
                move || match mover.take_dead_letter() {
                    Some(letter) => {
                        letter.moved(DUE);
                        "moved"
                    }
                    None => "nothing",
                },
            );
            // A slot whose message was acknowledged too late to be seen is freed by the next look.
            assert!(queue.take_dead_letter().is_none());
            format!("{ack}, {moved}, {}", left(queue, DUE))
        },
    );
}
