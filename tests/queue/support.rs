//! Short words for what every test does.

use std::time::Duration;

use ringmq::queue::{
    Delivery, Message, MessageId, Millis, Options, Queue, Receipt, Request, SendRefusal, Settings,
    TryReceiveError,
};

/// When every test begins.
pub const NOW: Millis = Millis(0);

/// How long a lease is, if a receive does not say.
pub const LEASE: Duration = Duration::from_secs(30);

/// A queue of default settings, the lease being [`LEASE`].
pub fn queue(capacity: u64) -> Queue {
    queue_with(capacity, &Settings::default())
}

pub fn queue_with(capacity: u64, settings: &Settings) -> Queue {
    Queue::new(capacity, settings).expect("there is memory")
}

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[track_caller]
pub fn send(queue: &Queue, text: &str, now: Millis) -> MessageId {
    send_with(queue, text, Options::default(), now)
}

#[track_caller]
pub fn send_with(queue: &Queue, text: &str, options: Options, now: Millis) -> MessageId {
    queue.try_send(Message::text(text), options, now).expect("there is room").id
}

#[track_caller]
pub fn send_all(queue: &Queue, texts: &[&str], now: Millis) {
    for text in texts {
        send(queue, text, now);
    }
}

/// Why a send is refused.
#[track_caller]
pub fn refusal(queue: &Queue, text: &str, now: Millis) -> SendRefusal {
    let refused = queue.try_send(Message::text(text), Options::default(), now);
    let refused = refused.expect_err("it is refused");
    assert_eq!(refused.message, Message::text(text), "a refused message comes back");
    refused.why
}

/// Up to `max` messages for the queue's lease.
pub fn receive(queue: &Queue, max: usize, now: Millis) -> Vec<Delivery> {
    let mut received = Vec::new();
    match queue.try_receive(Request { max, lease: None }, now, &mut received) {
        Ok(()) => assert!(!received.is_empty()),
        Err(error) => {
            assert_eq!(error, TryReceiveError::Empty, "nobody else is at it");
            assert!(received.is_empty());
        }
    }
    received
}

/// The receipt of the next message.
#[track_caller]
pub fn receipt(queue: &Queue, now: Millis) -> Receipt {
    receive(queue, 1, now).first().expect("a message is ready").receipt
}

pub fn text(message: &Message) -> String {
    String::from_utf8(message.body().to_vec()).expect("tests send text")
}

pub fn texts(received: &[Delivery]) -> Vec<String> {
    received.iter().map(|delivery| text(&delivery.message)).collect()
}

/// Everything that is ready, in order.
pub fn take_all(queue: &Queue, now: Millis) -> Vec<String> {
    std::iter::from_fn(|| queue.try_take(now).ok()).map(|message| text(&message)).collect()
}
