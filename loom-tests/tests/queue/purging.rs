//! A purge against those who have, or want, what it takes away.

use std::sync::Arc;

use crate::fixture::{NOW, in_flight, lease, left, queue, receive, send_surely, unless_busy};
use crate::model::{Model, race};

#[test]
fn purge_against_receive() {
    Model::new("purge against receive").check(
        &["purged 1, got 1, left [] []", "purged 1, empty, left [] []"],
        || {
            let queue = queue(1, &[1]);
            let (operator, consumer) = (Arc::clone(&queue), Arc::clone(&queue));
            let (purged, received) =
                race(move || operator.purge(NOW), move || unless_busy(|| receive(&consumer, NOW)));
            format!("purged {purged}, {received}, {}", left(queue, NOW))
        },
    );
}

#[test]
fn purge_against_ack() {
    Model::new("purge against ack").check(
        &["purged 1, gone, left [] []", "purged 0, ok, left [] []"],
        || {
            let (queue, receipt) = in_flight(1, 1);
            let (operator, consumer) = (Arc::clone(&queue), Arc::clone(&queue));
            let (purged, ack) =
                race(move || operator.purge(NOW), move || lease(consumer.ack(receipt, NOW)));
            format!("purged {purged}, {ack}, {}", left(queue, NOW))
        },
    );
}

/// What was sent afterwards stays, what was sent before does not.
#[test]
fn purge_against_send() {
    Model::new("purge against send").check(
        &["purged 1, sent, left [2] []", "purged 2, sent, left [] []"],
        || {
            let queue = queue(2, &[1]);
            let (operator, sender) = (Arc::clone(&queue), Arc::clone(&queue));
            let (purged, sent) =
                race(move || operator.purge(NOW), move || send_surely(&sender, 2, NOW));
            format!("purged {purged}, {sent}, {}", left(queue, NOW))
        },
    );
}
