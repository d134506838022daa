//! A queue of messages that count their drops, what its answers are called, and what must be true
//! of it when an execution ends.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use crate::queue::{
    Accepted, Delivery, LeaseError, Message, Millis, Options, Overflow, Queue, Receipt, Request,
    SendRefusal, Settings, TryReceiveError, TrySendError,
};
use crate::sync::yield_now;
use crate::waking::poll_once;

/// When everything begins, when leases and delays of a model are over, and when all are.
pub const NOW: Millis = Millis(0);
pub const DUE: Millis = Millis(10);
pub const END: Millis = Millis(1 << 40);

/// Until [`DUE`].
pub const A_WHILE: Duration = Duration::from_millis(10);

/// One message at a time, for [`A_WHILE`].
pub const ONE: Request = Request { max: 1, lease: Some(A_WHILE) };

thread_local! {
    // The threads of a model all run on the one thread that runs the model.
    static MADE: RefCell<Vec<Message>> = const { RefCell::new(Vec::new()) };
}

/// A message that is known by its tag.
pub fn message(tag: u8) -> Message {
    let message = Message::bytes(&[tag]);
    MADE.with_borrow_mut(|made| made.push(message.clone()));
    message
}

pub fn tag(message: &Message) -> u8 {
    message.body()[0]
}

/// A queue that holds these messages, ready.
pub fn queue(capacity: u64, tags: &[u8]) -> Arc<Queue> {
    queue_with(capacity, &Settings::default(), tags)
}

/// As [`queue`], with these settings.
pub fn queue_with(capacity: u64, settings: &Settings, tags: &[u8]) -> Arc<Queue> {
    MADE.set(Vec::new());
    let queue = Queue::new(capacity, settings).expect("a queue may have that capacity");
    // Not by the first send: that a `OnceBox` passes memory on loom does not see.
    queue.make_slots().expect("there is memory");
    for sent in tags {
        assert_eq!(send(&queue, *sent, NOW), "sent");
    }
    Arc::new(queue)
}

/// As [`queue`], with what parked callers need made by one that came and went: it is in a `OnceBox`,
/// and that this passes memory on loom does not see.
pub fn queue_with_waiters(capacity: u64, tags: &[u8]) -> Arc<Queue> {
    let queue = queue(capacity, tags);
    prepare(&queue);
    queue
}

pub fn prepare(queue: &Queue) {
    queue.pause();
    let mut receiver = queue.wait_to_receive(ONE);
    assert!(poll_once(|context| receiver.poll(context, NOW)).is_pending());
    drop(receiver);
    queue.resume(NOW);
    if queue.depth() == queue.capacity() {
        let mut sender = queue.wait_to_send(message(0), Options::default());
        assert!(poll_once(|context| sender.poll(context, NOW)).is_pending());
    }
}

/// A queue of one message that is in flight until [`DUE`], and its receipt.
pub fn in_flight(capacity: u64, tag: u8) -> (Arc<Queue>, Receipt) {
    let queue = queue(capacity, &[tag]);
    let receipt = delivery(&queue, NOW).receipt;
    (queue, receipt)
}

/// A queue of one message that came back into line, and the receipt of its last delivery.
pub fn returned(capacity: u64, tag: u8) -> (Arc<Queue>, Receipt) {
    let (queue, receipt) = in_flight(capacity, tag);
    queue.tick(DUE);
    (queue, receipt)
}

/// A message that is there for sure.
pub fn delivery(queue: &Queue, now: Millis) -> Delivery {
    let mut received = Vec::new();
    queue.try_receive(ONE, now, &mut received).expect("a message is ready");
    received.pop().expect("one was asked for")
}

pub fn sent(answer: Result<Accepted, TrySendError>) -> &'static str {
    match answer.map_err(|refused| refused.why) {
        Ok(_) => "sent",
        Err(SendRefusal::Full { .. }) => "full",
        Err(SendRefusal::Busy) => "busy",
        Err(SendRefusal::Closed) => "closed",
        Err(other) => panic!("no model has {other}"),
    }
}

pub fn send(queue: &Queue, tag: u8, now: Millis) -> &'static str {
    sent(queue.try_send(message(tag), Options::default(), now))
}

/// As a client sends: again, where a neighbour must finish first.
pub fn send_surely(queue: &Queue, tag: u8, now: Millis) -> &'static str {
    unless_busy(|| send(queue, tag, now))
}

pub fn take(queue: &Queue, now: Millis) -> String {
    received(queue.try_take(now).map(|message| tag(&message)))
}

/// Receives one message and keeps it.
pub fn receive(queue: &Queue, now: Millis) -> String {
    let mut deliveries = Vec::new();
    let answer = queue.try_receive(ONE, now, &mut deliveries);
    received(answer.map(|()| tag(&deliveries[0].message)))
}

fn received(answer: Result<u8, TryReceiveError>) -> String {
    match answer {
        Ok(tag) => format!("got {tag}"),
        Err(TryReceiveError::Empty) => "empty".to_owned(),
        Err(TryReceiveError::Busy) => "busy".to_owned(),
    }
}

pub fn lease(answer: Result<(), LeaseError>) -> &'static str {
    match answer {
        Ok(()) => "ok",
        Err(LeaseError::Lost) => "lost",
        Err(LeaseError::Gone) => "gone",
        Err(LeaseError::Unknown) => "unknown",
    }
}

/// Repeats what a neighbour is in the way of.
pub fn unless_busy<A: PartialEq<&'static str>>(mut call: impl FnMut() -> A) -> A {
    loop {
        let answer = call();
        if answer != "busy" {
            return answer;
        }
        yield_now();
    }
}

/// Ends an execution: what a receive finds at `now`, in order, and what comes back later. Whatever
/// happened, the counts add up, every deadline is known, every place can be filled again, and every
/// message that was made is dropped once.
pub fn left(queue: Arc<Queue>, now: Millis) -> String {
    let queue = Arc::into_inner(queue).expect("all threads are gone");
    let before = queue.counts();
    let placed = before.ready + before.in_flight + before.delayed + before.dying;
    assert_eq!(before.depth, placed, "{before:?}");
    assert_eq!(before.depth, before.sent - before.gone, "{before:?}");
    assert_eq!(before.depth, before.bytes, "a message has one byte: {before:?}");
    assert_eq!((before.waiting_receivers, before.waiting_senders), (0, 0));

    let ready = take_all(&queue, now);
    // Of a FIFO queue some are ready and behind others.
    let behind = before.ready - ready.len() as u64;
    assert!(behind == 0 || queue.is_fifo() && before.in_flight > 0, "{before:?}");
    queue.tick(END);
    let later = take_all(&queue, END);
    assert_eq!(before.depth, (ready.len() + later.len()) as u64, "{before:?}");
    assert_usable(&queue);
    drop(queue);
    for made in MADE.take() {
        // One is ours. A message that was dropped twice had none left for us.
        assert_eq!(made.clones(), 1, "message {} was not dropped once", tag(&made));
    }
    format!("left {ready:?} {later:?}")
}

/// An empty queue holds as many messages as it may, in order.
fn assert_usable(queue: &Queue) {
    let after = queue.counts();
    assert_eq!((after.depth, after.ready, after.in_flight, after.delayed), (0, 0, 0, 0));
    if queue.is_closed() {
        return;
    }
    let tags: Vec<u8> = (90..).take(queue.capacity() as usize).collect();
    for tag in &tags {
        assert_eq!(send(queue, *tag, END), "sent");
    }
    if queue.settings().overflow == Overflow::Reject {
        assert_eq!(send(queue, 89, END), "full");
    }
    assert_eq!(take_all(queue, END), tags);
}

fn take_all(queue: &Queue, now: Millis) -> Vec<u8> {
    let mut tags = Vec::new();
    loop {
        match queue.try_take(now) {
            Ok(message) => tags.push(tag(&message)),
            Err(TryReceiveError::Empty) => return tags,
            Err(TryReceiveError::Busy) => panic!("nobody else is at it"),
        }
    }
}
