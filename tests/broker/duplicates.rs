//! Sends with an idempotency key, where the key alone says which message it is.

use std::future::{Pending, pending};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use ringmq::broker::{Broker, Error, Named, SendOptions, Sent};
use ringmq::queue::Message;
use serde_json::json;

use crate::{AT_ONCE, broker, declare, done, receive, send};

fn send_with(broker: &Broker, queue: &Named, text: &str, whatever: bool) -> Result<Sent, Error> {
    let options = SendOptions {
        idempotency_key: Some("k"),
        duplicate_whatever_payload: whatever,
        ..SendOptions::default()
    };
    done(broker.send(queue, Message::text(text), options, AT_ONCE))
}

#[test]
fn a_repeated_key_answers_as_the_first_did() {
    let broker = broker();
    let queue = declare(&broker, "q", json!({}));
    send(&broker, &queue, "before", None);
    let first = send_with(&broker, &queue, "one", true).unwrap();
    assert_eq!((first.number, first.duplicate), (1, false));
    let again = Sent { duplicate: true, ..first };
    assert_eq!(send_with(&broker, &queue, "two", true), Ok(again));
    assert_eq!(send_with(&broker, &queue, "one", false), Ok(again));
    assert_eq!(send_with(&broker, &queue, "two", false), Err(Error::KeyConflict));
    // Also once the message is gone.
    for (_, receipt) in receive(&broker, &queue, 9) {
        broker.ack(&queue, &receipt).unwrap();
    }
    assert_eq!(send_with(&broker, &queue, "two", true), Ok(again));
    assert_eq!(queue.depth(), 0);
}

/// A queue with room for one message, and one in it.
fn full() -> (Broker, Arc<Named>) {
    let broker = broker();
    let queue = declare(&broker, "q", json!({ "capacity": 1 }));
    send(&broker, &queue, "before", None);
    (broker, queue)
}

/// Somebody waits with a key for room, and leaves once this has happened.
fn leave_after(broker: &Broker, queue: &Named, happens: impl FnOnce()) {
    let options = SendOptions { idempotency_key: Some("k"), ..SendOptions::default() };
    let patient: Option<Pending<()>> = Some(pending());
    let mut waits = pin!(broker.send(queue, Message::text("one"), options, patient));
    let mut context = Context::from_waker(Waker::noop());
    assert!(waits.as_mut().poll(&mut context).is_pending());
    happens();
}

#[test]
fn a_sender_that_leaves_when_it_was_just_served_comes_again_to_the_same_message() {
    let (broker, queue) = full();
    leave_after(&broker, &queue, || {
        // Who makes room sends the message of who waits for it.
        for (_, receipt) in receive(&broker, &queue, 1) {
            broker.ack(&queue, &receipt).unwrap();
        }
        assert_eq!(queue.counts().sent, 2);
    });
    let again = send_with(&broker, &queue, "one", false).unwrap();
    assert_eq!((again.number, again.duplicate), (1, true));
    assert_eq!(queue.counts().sent, 2);
}

#[test]
fn a_sender_that_leaves_unserved_leaves_its_key_free() {
    let (broker, queue) = full();
    leave_after(&broker, &queue, || {});
    for (_, receipt) in receive(&broker, &queue, 1) {
        broker.ack(&queue, &receipt).unwrap();
    }
    assert!(!send_with(&broker, &queue, "two", false).unwrap().duplicate);
}
