//! The broker from outside: what no face of the service shows yet, or only in part.

mod attempts;
mod duplicates;
mod moves;
mod notes;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ringmq::broker::{Broker, Delivered, Named, QueueName, QueueSettings, SendOptions, Sent};
use ringmq::clock::Clock;
use ringmq::queue::{Message, Request};
use serde_json::Value;

fn broker() -> Broker {
    Broker::new(Clock::start(), u64::MAX, QueueSettings::with_capacity(100))
}

/// A queue of these settings, new or changed.
#[track_caller]
fn declare(broker: &Broker, name: &str, settings: Value) -> Arc<Named> {
    let name: QueueName = name.parse().expect("a name");
    let settings = serde_json::from_value(settings).expect("settings");
    broker.declare(&name, settings).expect("it can be");
    broker.queue(name.as_str()).expect("it was just made")
}

/// Polls until it is done. For what waits for nobody.
#[track_caller]
fn done<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..10_000 {
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
    panic!("it waits for something")
}

const AT_ONCE: Option<std::future::Ready<()>> = None;

#[track_caller]
fn send(broker: &Broker, queue: &Named, text: &str, group: Option<&str>) -> Sent {
    let message = Message::text(text).with_group(group);
    done(broker.send(queue, message, SendOptions::default(), AT_ONCE)).expect("there is room")
}

/// Receives up to `max` messages, which the consumer has then.
fn receive(broker: &Broker, queue: &Arc<Named>, max: usize) -> Vec<(String, String)> {
    let request = Request { max, lease: None };
    passed_on(done(broker.receive(queue, request, AT_ONCE)).expect("the queue is there"))
}

/// The bodies and receipts.
fn passed_on(delivered: Delivered) -> Vec<(String, String)> {
    let received = delivered
        .deliveries()
        .iter()
        .map(|one| {
            let body = String::from_utf8(one.message.body().to_vec()).expect("tests send text");
            (body, delivered.receipt(one))
        })
        .collect();
    delivered.passed_on();
    received
}

fn bodies(received: &[(String, String)]) -> Vec<&str> {
    received.iter().map(|(body, _)| body.as_str()).collect()
}
