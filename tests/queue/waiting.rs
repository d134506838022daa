//! Consumers that wait for messages, producers that wait for room: who is woken, and who comes first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use ringmq::queue::{
    Delivery, Message, Millis, Options, Overflow, Queue, Request, SendRefusal, Settings,
    TrySendError, WaitingReceive, WaitingSend,
};

use crate::support::{
    LEASE, NOW, ms, queue, queue_with, receipt, receive, refusal, send, send_all, send_with,
    take_all, text, texts,
};

/// Counts how often it is woken.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Somebody who waits, and is polled only where the test says so.
struct Parked<W> {
    waiting: W,
    wakes: Arc<Counter>,
}

impl<W> Parked<W> {
    fn new(waiting: W) -> Self {
        Self { waiting, wakes: Arc::default() }
    }

    fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::Relaxed)
    }
}

impl Parked<WaitingReceive<'_>> {
    fn poll(&mut self) -> Poll<Vec<Delivery>> {
        let waker = Waker::from(Arc::clone(&self.wakes));
        self.waiting.poll(&mut Context::from_waker(&waker), NOW)
    }

    #[track_caller]
    fn received(&mut self) -> Vec<Delivery> {
        let Poll::Ready(received) = self.poll() else { panic!("nothing was received") };
        received
    }
}

impl Parked<WaitingSend<'_>> {
    fn poll(&mut self) -> Poll<Result<(), TrySendError>> {
        let waker = Waker::from(Arc::clone(&self.wakes));
        self.waiting.poll(&mut Context::from_waker(&waker), NOW).map_ok(|_| ())
    }

    fn is_sent(&mut self) -> bool {
        matches!(self.poll(), Poll::Ready(Ok(())))
    }

    #[track_caller]
    fn refused(&mut self) -> TrySendError {
        let Poll::Ready(Err(refused)) = self.poll() else { panic!("it was not refused") };
        refused
    }
}

/// Consumers that wait for up to `max` messages each, in order.
fn receivers<const N: usize>(queue: &Queue, max: usize) -> [Parked<WaitingReceive<'_>>; N] {
    std::array::from_fn(|_| {
        let mut parked = Parked::new(queue.wait_to_receive(Request { max, lease: None }));
        assert!(parked.poll().is_pending());
        parked
    })
}

/// A producer that waits for room.
fn sender<'queue>(queue: &'queue Queue, text: &str) -> Parked<WaitingSend<'queue>> {
    let waiting = queue.wait_to_send(Message::text(text), Options::default());
    let mut parked = Parked::new(waiting);
    assert!(parked.poll().is_pending());
    parked
}

#[test]
fn who_comes_when_a_message_is_ready_does_not_wait() {
    let queue = queue(4);
    send_all(&queue, &["a", "b", "c"], NOW);
    let mut parked = Parked::new(queue.wait_to_receive(Request { max: 2, lease: None }));
    assert_eq!(texts(&parked.received()), ["a", "b"]);
    assert_eq!(queue.counts().waiting_receivers, 0);
}

#[test]
fn receivers_are_served_in_order_with_one_wake_up_a_message() {
    let queue = queue(4);
    let [mut first, mut second, mut third] = receivers(&queue, 1);
    assert_eq!(queue.counts().waiting_receivers, 3);

    send(&queue, "a", NOW);
    assert_eq!((first.wakes(), second.wakes(), third.wakes()), (1, 0, 0));
    assert_eq!(queue.counts().waiting_receivers, 2);
    assert!(receive(&queue, 1, NOW).is_empty(), "it is the first one's");
    send(&queue, "b", NOW);
    assert_eq!((first.wakes(), second.wakes(), third.wakes()), (1, 1, 0));

    assert!(third.poll().is_pending());
    assert_eq!(texts(&second.received()), ["b"]);
    assert_eq!(texts(&first.received()), ["a"]);
    send(&queue, "c", NOW);
    assert_eq!(texts(&third.received()), ["c"]);
    assert_eq!((first.wakes(), second.wakes(), third.wakes()), (1, 1, 1));
    assert_eq!(queue.counts().in_flight, 3);
}

/// Everything that makes a message ready.
#[test]
fn a_receiver_is_woken_by_whatever_makes_a_message_ready() {
    let lease_end = NOW.after(LEASE);
    let in_flight = |queue: &Queue| {
        send(queue, "a", NOW);
        receipt(queue, NOW)
    };
    for case in ["release", "extend to zero", "take back", "lease", "delay", "resume", "in flight"]
    {
        let queue = queue_with(3, &Settings { max_in_flight: Some(1), ..Settings::default() });
        let held = match case {
            "delay" => {
                let options = Options { delay: Some(ms(10)), ..Options::default() };
                send_with(&queue, "a", options, NOW);
                None
            }
            "resume" => {
                send(&queue, "a", NOW);
                queue.pause();
                None
            }
            _ => Some(in_flight(&queue)),
        };
        if case == "in flight" {
            send(&queue, "a", NOW);
        }
        let [mut parked] = receivers(&queue, 1);
        match (case, held) {
            ("release", Some(held)) => queue.release(held, ms(0), NOW).unwrap(),
            ("extend to zero", Some(held)) => queue.extend(held, ms(0), NOW).unwrap(),
            ("take back", Some(held)) => queue.take_back(held, NOW).unwrap(),
            ("in flight", Some(held)) => queue.ack(held, NOW).unwrap(),
            ("resume", None) => assert!(queue.resume(NOW)),
            _ => drop(queue.tick(lease_end)),
        }
        assert_eq!(parked.wakes(), 1, "{case}");
        assert_eq!(texts(&parked.received()), ["a"], "{case}");
    }
}

#[test]
fn a_receiver_that_leaves_after_it_was_served_gives_the_messages_back() {
    let queue = queue(4);
    let [first] = receivers(&queue, 2);
    let [mut second] = receivers(&queue, 1);
    send(&queue, "a", NOW);
    send_all(&queue, &["b", "c"], NOW);
    assert_eq!((first.wakes(), second.wakes()), (1, 1), "b is the second one's");
    drop(first);
    assert_eq!(queue.counts().in_flight, 1);
    let received = receive(&queue, 9, NOW);
    assert_eq!(texts(&received), ["a", "c"], "to the front");
    assert_eq!(received[0].receive_count, 1, "not counted");
    assert_eq!(texts(&second.received()), ["b"]);
}

#[test]
fn what_a_receiver_leaves_behind_wakes_the_next_one() {
    let queue = queue(4);
    let [first, mut second] = receivers(&queue, 1);
    send(&queue, "a", NOW);
    drop(first);
    assert_eq!(second.wakes(), 1);
    let received = second.received();
    assert_eq!((texts(&received), received[0].receive_count), (vec!["a".to_owned()], 1));
}

#[test]
fn a_receiver_that_leaves_unserved_is_passed_over() {
    let queue = queue(4);
    let [mut first, second, mut third] = receivers(&queue, 1);
    drop(second);
    assert_eq!(first.waiting.give_up(), Some(Vec::new()));
    drop(first);
    assert_eq!(queue.counts().waiting_receivers, 1);
    send(&queue, "a", NOW);
    assert_eq!(texts(&third.received()), ["a"]);
    send(&queue, "b", NOW);
    assert_eq!(queue.ready(), 1);
}

#[test]
fn giving_up_returns_what_came_first() {
    let queue = queue(4);
    let [mut parked] = receivers(&queue, 1);
    send(&queue, "a", NOW);
    let received = parked.waiting.give_up().expect("nobody is at it");
    assert_eq!(texts(&received), ["a"]);
    drop(parked);
    queue.ack(received[0].receipt, NOW).unwrap();
}

/// More than wait in the usual case, most of whom leave.
#[test]
fn a_crowd_is_served_in_order() {
    let queue = queue(4);
    let crowd: [_; 200] = receivers(&queue, 1);
    let staying = crowd.into_iter().enumerate().filter(|(number, _)| number % 10 == 0);
    for (number, mut parked) in staying.collect::<Vec<_>>() {
        send(&queue, &number.to_string(), NOW);
        assert_eq!(parked.wakes(), 1);
        let received = parked.received();
        assert_eq!(texts(&received), [number.to_string()]);
        queue.ack(received[0].receipt, NOW).unwrap();
    }
}

/// Who leaves may have asked for more than those behind ask for.
#[test]
fn a_sender_that_leaves_lets_the_next_one_look() {
    for gives_up in [false, true] {
        let queue = queue_with(9, &Settings { max_bytes: Some(10), ..Settings::default() });
        send(&queue, "12345", NOW);
        let [mut large, mut small] = ["1234567890", "6"]
            .map(|text| Parked::new(queue.wait_to_send(Message::text(text), Options::default())));
        assert!(large.poll().is_pending());
        assert!(small.poll().is_pending());
        if gives_up {
            assert!(large.waiting.give_up().is_some_and(|sent| sent.is_err()));
        } else {
            drop(large);
        }
        assert_eq!(small.wakes(), 1, "it is told to look");
        assert!(small.is_sent());
        assert_eq!(take_all(&queue, NOW), ["12345", "6"]);
    }
}

#[test]
fn senders_are_served_in_order() {
    let queue = queue(2);
    send_all(&queue, &["a", "b"], NOW);
    let (mut first, mut second) = (sender(&queue, "c"), sender(&queue, "d"));
    assert_eq!(queue.counts().waiting_senders, 2);
    assert_eq!(queue.try_take(NOW).map(|it| text(&it)), Ok("a".into()));
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    let receipt = receipt(&queue, NOW);
    assert_eq!((first.wakes(), second.wakes()), (1, 0), "what is in flight takes a place");
    queue.ack(receipt, NOW).unwrap();
    assert_eq!((first.wakes(), second.wakes()), (1, 1));
    assert!(second.is_sent());
    assert!(first.is_sent());
    assert_eq!(take_all(&queue, NOW), ["c", "d"]);
}

#[test]
fn a_send_that_does_not_wait_does_not_pass_those_who_do() {
    // There is room for it, but not for who came first.
    let queue = queue_with(9, &Settings { max_bytes: Some(10), ..Settings::default() });
    send(&queue, "12345678", NOW);
    let mut parked = sender(&queue, "12345");
    assert_eq!(refusal(&queue, "1", NOW), SendRefusal::Full { capacity: 9 });
    queue.purge(NOW);
    assert!(parked.is_sent());
    send(&queue, "1", NOW);
}

/// Everything that makes room.
#[test]
fn a_sender_is_woken_by_whatever_makes_room() {
    let cases =
        ["ack", "take", "purge", "resize", "expiry", "expiry on receive", "set", "dead letter"];
    for case in cases {
        let queue = queue_with(1, &Settings { max_receives: Some(1), ..Settings::default() });
        let options =
            Options { ttl: case.starts_with("expiry").then_some(ms(1)), ..Options::default() };
        send_with(&queue, "a", options, NOW);
        let mut parked = sender(&queue, "b");
        let later = Millis(1);
        match case {
            "ack" => queue.ack(receipt(&queue, NOW), NOW).unwrap(),
            "take" => drop(queue.try_take(NOW).unwrap()),
            "purge" => assert_eq!(queue.purge(NOW), 1),
            "resize" => queue.resize(2, NOW).unwrap(),
            "expiry" => drop(queue.tick(later)),
            "expiry on receive" => assert!(queue.try_take(later).is_err()),
            "set" => {
                let overflow = Overflow::DropOldest;
                queue.set(&Settings { overflow, ..Settings::default() }, NOW);
            }
            _ => {
                queue.release(receipt(&queue, NOW), ms(0), NOW).unwrap();
                assert_eq!(parked.wakes(), 0);
                queue.take_dead_letter().expect("there is one").moved(NOW);
            }
        }
        assert_eq!(parked.wakes(), 1, "{case}");
        assert!(parked.is_sent(), "{case}");
    }
}

#[test]
fn a_sender_that_leaves_has_sent_nothing() {
    let queue = queue(1);
    send(&queue, "a", NOW);
    let (first, mut second, mut third) =
        (sender(&queue, "b"), sender(&queue, "c"), sender(&queue, "d"));
    drop(first);
    let refused = second.waiting.give_up().expect("nobody is at it");
    let refused = refused.expect_err("there was no room");
    assert_eq!(text(&refused.message), "c");
    drop(second);
    assert_eq!(take_all(&queue, NOW), ["a", "d"]);
    assert!(third.is_sent());
}

/// One thread makes room, and that room a message, and that message goes to who waits for one.
#[test]
fn a_sender_that_is_served_serves_a_receiver() {
    let queue = queue(1);
    send_with(&queue, "a", Options { delay: Some(LEASE), ..Options::default() }, NOW);
    let mut producer = sender(&queue, "b");
    let [mut consumer] = receivers(&queue, 1);
    queue.purge(NOW);
    assert_eq!((producer.wakes(), consumer.wakes()), (1, 1));
    assert!(producer.is_sent());
    assert_eq!(texts(&consumer.received()), ["b"]);
}

#[test]
fn closing_answers_senders_and_lets_receivers_wait() {
    let queue = queue(1);
    send(&queue, "a", NOW);
    let mut producer = sender(&queue, "b");
    queue.pause();
    let [mut consumer] = receivers(&queue, 1);
    queue.close(NOW);
    let refused = producer.refused();
    assert_eq!((text(&refused.message), refused.why), ("b".into(), SendRefusal::Closed));
    assert!(consumer.poll().is_pending());
    queue.resume(NOW);
    assert_eq!(texts(&consumer.received()), ["a"]);
}

#[test]
fn dismissing_answers_everybody_now_and_later() {
    let queue = queue(1);
    let [mut first, mut second] = receivers(&queue, 1);
    queue.dismiss();
    assert_eq!((first.wakes(), second.wakes()), (1, 1));
    assert_eq!((first.received(), second.received()), (vec![], vec![]));
    let mut late = Parked::new(queue.wait_to_receive(Request { max: 1, lease: None }));
    assert_eq!(late.received(), vec![]);

    send(&queue, "what can be done at once is done", NOW);
    let mut late = Parked::new(queue.wait_to_send(Message::text("a"), Options::default()));
    let refused = late.refused();
    assert_eq!(
        (text(&refused.message), refused.why),
        ("a".into(), SendRefusal::Full { capacity: 1 })
    );
    let mut late = Parked::new(queue.wait_to_receive(Request { max: 1, lease: None }));
    assert_eq!(late.received().len(), 1);
    let counts = queue.counts();
    assert_eq!((counts.waiting_receivers, counts.waiting_senders), (0, 0));
}

#[test]
fn dismissing_gives_senders_their_messages_back() {
    let queue = queue(1);
    send(&queue, "a", NOW);
    let (mut first, mut second) = (sender(&queue, "b"), sender(&queue, "c"));
    queue.dismiss();
    for (parked, expected) in [(&mut first, "b"), (&mut second, "c")] {
        assert_eq!(parked.wakes(), 1);
        let refused = parked.refused();
        assert_eq!(text(&refused.message), expected);
        assert_eq!(refused.why, SendRefusal::Full { capacity: 1 });
    }
}
