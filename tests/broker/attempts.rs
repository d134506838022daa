//! Attempts at a receive from a FIFO queue.

use std::sync::Arc;
use std::time::Duration;

use ringmq::broker::{Broker, Named};
use ringmq::queue::Request;
use serde_json::json;

use crate::{AT_ONCE, bodies, broker, declare, done, passed_on, send};

fn fifo(broker: &Broker) -> Arc<Named> {
    let queue = declare(broker, "q", json!({"fifo": true}));
    for (text, group) in [("a1", "a"), ("a2", "a"), ("b1", "b"), ("c1", "c")] {
        send(broker, &queue, text, Some(group));
    }
    queue
}

fn attempt(broker: &Broker, queue: &Arc<Named>, key: &str) -> Vec<(String, String)> {
    let request = Request { max: 2, lease: Some(Duration::from_secs(60)) };
    let received = done(broker.receive_attempt(queue, request, key, AT_ONCE));
    passed_on(received.expect("the queue is there"))
}

#[test]
fn the_same_attempt_is_given_the_same_deliveries() {
    let broker = broker();
    let queue = fifo(&broker);
    let first = attempt(&broker, &queue, "k");
    assert_eq!(bodies(&first), ["a1", "a2"]);
    assert_eq!(attempt(&broker, &queue, "k"), first);
    assert_eq!(attempt(&broker, &queue, "k"), first);
    assert_eq!(bodies(&attempt(&broker, &queue, "other")), ["b1", "c1"]);
    for (_, receipt) in &first {
        broker.ack(&queue, receipt).expect("it is valid");
    }
}

#[test]
fn an_attempt_is_another_once_one_of_its_messages_was_touched() {
    let touches: [fn(&Broker, &Named, &str); 3] = [
        |broker, queue, receipt| broker.ack(queue, receipt).unwrap(),
        |broker, queue, receipt| broker.release(queue, receipt, Duration::ZERO).unwrap(),
        |broker, queue, receipt| {
            broker.extend(queue, receipt, Some(Duration::from_secs(90))).unwrap();
        },
    ];
    for touch in touches {
        let broker = broker();
        let queue = fifo(&broker);
        let first = attempt(&broker, &queue, "k");
        touch(&broker, &queue, &first[1].1);
        let second = attempt(&broker, &queue, "k");
        assert_eq!(bodies(&second), ["b1", "c1"]);
        assert_eq!(attempt(&broker, &queue, "k"), second, "it stands for these now");
    }
}

#[test]
fn elsewhere_attempts_are_receives() {
    let broker = broker();
    let queue = declare(&broker, "q", json!({}));
    for text in ["1", "2", "3", "4"] {
        send(&broker, &queue, text, None);
    }
    assert_eq!(bodies(&attempt(&broker, &queue, "k")), ["1", "2"]);
    assert_eq!(bodies(&attempt(&broker, &queue, "k")), ["3", "4"]);
}
