//! What time does, and when it wants to be told.

use std::sync::{Arc, Mutex};

use ringmq::queue::{Earlier, Memory, Message, Millis, Options, Queue, Request, Settings};

use crate::support::{
    NOW, ms, queue, queue_with, receipt, receive, send, send_all, send_with, take_all, text, texts,
};

fn delay(in_ms: u64) -> Options {
    Options { delay: Some(ms(in_ms)), ..Options::default() }
}

fn ttl(in_ms: u64) -> Options {
    Options { ttl: Some(ms(in_ms)), ..Options::default() }
}

#[test]
fn a_delayed_message_is_ready_when_it_is_due_and_not_before() {
    let queue = queue_with(3, &Settings { delay: ms(10), ..Settings::default() });
    send(&queue, "as the queue delays it", NOW);
    send_with(&queue, "at once", delay(0), NOW);
    assert_eq!(take_all(&queue, NOW), ["at once"]);
    queue.tick(Millis(9));
    assert!(take_all(&queue, Millis(9)).is_empty());
    queue.tick(Millis(10));
    assert_eq!(take_all(&queue, Millis(10)), ["as the queue delays it"]);
}

/// However late somebody sees to it.
#[test]
fn delayed_messages_come_in_the_order_in_which_they_are_due() {
    for ticks in [vec![10, 20, 30], vec![25, 30], vec![30]] {
        let queue = queue(4);
        send_with(&queue, "third", delay(30), NOW);
        send_with(&queue, "first", delay(10), NOW);
        send_with(&queue, "second", delay(20), NOW);
        for tick in &ticks {
            queue.tick(Millis(*tick));
        }
        assert_eq!(take_all(&queue, Millis(30)), ["first", "second", "third"], "{ticks:?}");
    }
}

/// Slots that were freed out of order say nothing about the order of what is in them.
#[test]
fn messages_due_together_come_in_the_order_in_which_they_were_sent() {
    let queue = queue(4);
    send_all(&queue, &["w", "x", "y", "z"], NOW);
    let before = receive(&queue, 4, NOW);
    for which in [2, 0, 3, 1] {
        queue.ack(before[which].receipt, NOW).unwrap();
    }
    for text in ["a", "b", "c", "d"] {
        send_with(&queue, text, delay(10), NOW);
    }
    queue.tick(Millis(10));
    assert_eq!(take_all(&queue, Millis(10)), ["a", "b", "c", "d"]);
}

#[test]
fn an_expired_message_is_not_delivered_whether_somebody_saw_to_it_or_not() {
    for ticked in [false, true] {
        let queue = queue(4);
        send_with(&queue, "short", ttl(10), NOW);
        send(&queue, "for ever", NOW);
        send_with(&queue, "long", ttl(11), NOW);
        if ticked {
            queue.tick(Millis(10));
            assert_eq!(queue.counts().expired, 1);
        }
        assert_eq!(texts(&queue.browse(9, Millis(10))), ["for ever", "long"]);
        assert_eq!(take_all(&queue, Millis(10)), ["for ever", "long"]);
        assert_eq!((queue.counts().expired, queue.depth()), (1, 0));
    }
}

/// Those that are not to be seen do not take the places of those that are.
#[test]
fn browsing_passes_over_what_has_expired() {
    let queue = queue(4);
    send_with(&queue, "expired", ttl(10), NOW);
    send_all(&queue, &["a", "b"], NOW);
    assert_eq!(texts(&queue.browse(1, Millis(10))), ["a"]);
}

#[test]
fn a_message_that_expires_with_a_consumer_can_be_acknowledged_but_not_given_back() {
    for acknowledged in [false, true] {
        let queue = queue_with(2, &Settings { ttl: Some(ms(10)), ..Settings::default() });
        send(&queue, "a", NOW);
        let receipt = receipt(&queue, NOW);
        queue.tick(Millis(20));
        assert_eq!(queue.depth(), 1, "it is the consumer's");
        if acknowledged {
            queue.ack(receipt, Millis(20)).unwrap();
        } else {
            queue.release(receipt, ms(0), Millis(20)).unwrap();
        }
        assert_eq!(queue.counts().expired, u64::from(!acknowledged));
        assert_eq!(queue.depth(), 0);
    }
}

#[test]
fn a_message_that_expires_before_it_is_due_is_never_ready() {
    let queue = queue(2);
    send_with(
        &queue,
        "a",
        Options { delay: Some(ms(20)), ttl: Some(ms(10)), ..Options::default() },
        NOW,
    );
    queue.tick(Millis(20));
    assert!(take_all(&queue, Millis(20)).is_empty());
    assert_eq!(queue.counts().expired, 1);
}

#[test]
fn a_retry_waits_after_a_lease_that_ran_out_and_not_after_a_release() {
    let settings = Settings { lease: ms(10), retry_delay: ms(5), ..Settings::default() };
    let queue = queue_with(3, &settings);
    send(&queue, "a", NOW);
    queue.release(receipt(&queue, NOW), ms(0), NOW).unwrap();
    assert_eq!(receive(&queue, 1, NOW).len(), 1, "at once");
    send(&queue, "b", NOW);
    assert_eq!(queue.tick(Millis(10)), Millis(15));
    assert_eq!((queue.counts().delayed, queue.counts().lease_ends), (1, 1));
    queue.tick(Millis(15));
    assert_eq!(take_all(&queue, Millis(15)), ["a", "b"], "what comes back goes to the front");
}

#[test]
fn a_tick_returns_the_next_deadline() {
    let queue = queue(100);
    assert_eq!(queue.tick(NOW), Millis::NEVER);
    send_with(&queue, "delayed", delay(30), NOW);
    assert_eq!(queue.tick(NOW), Millis(30));
    send_with(&queue, "expires", ttl(20), NOW);
    assert_eq!(queue.tick(NOW), Millis(20));
    let mut received = Vec::new();
    queue.try_receive(Request { max: 1, lease: Some(ms(10)) }, NOW, &mut received).unwrap();
    assert_eq!(queue.tick(Millis(1)), Millis(10));
    queue.extend(received[0].receipt, ms(5), Millis(1)).unwrap();
    assert_eq!(queue.tick(Millis(2)), Millis(6));

    queue.ack(received[0].receipt, Millis(2)).unwrap();
    assert!(queue.tick(Millis(2)) <= Millis(30), "it may be earlier than what is left");
    assert_eq!(queue.tick(Millis(20)), Millis(30));
    assert_eq!(queue.tick(Millis(30)), Millis::NEVER);
}

/// In slots of every size that a queue grows by.
#[test]
fn no_deadline_of_many_is_forgotten() {
    let count = crate::times(2000, 100) as u64;
    let queue = queue(count);
    for number in 0..count {
        let due = 1 + number * 7919 % count;
        send_with(&queue, &due.to_string(), delay(due), NOW);
    }
    let mut now = queue.tick(NOW);
    for due in 1..=count {
        assert_eq!(now, Millis(due));
        now = queue.tick(now);
        let taken = queue.try_take(Millis(due)).expect("one is due at each moment");
        assert_eq!(text(&taken), due.to_string());
    }
    assert_eq!((now, queue.depth()), (Millis::NEVER, 0));
}

#[test]
fn the_alarm_tells_of_an_earlier_deadline_only() {
    let alarms = Arc::new(Mutex::new(Vec::new()));
    let alarm = {
        let alarms = Arc::clone(&alarms);
        Box::new(move |due| alarms.lock().unwrap().push(due))
    };
    let memory = Arc::new(Memory::new(u64::MAX));
    let queue = Queue::with(16, &Settings::default(), memory, alarm).unwrap();
    let heard = || std::mem::take(&mut *alarms.lock().unwrap());

    send(&queue, "without a deadline", NOW);
    assert_eq!(heard(), []);
    send_with(&queue, "first", delay(50), NOW);
    send_with(&queue, "later", delay(60), NOW);
    send_with(&queue, "expires later", ttl(51), NOW);
    assert_eq!(heard(), [Millis(50)]);
    send_with(&queue, "earlier", ttl(40), NOW);
    assert_eq!(heard(), [Millis(40)]);

    let mut received = Vec::new();
    let request = Request { max: 1, lease: Some(ms(30)) };
    queue.try_receive(request, NOW, &mut received).unwrap();
    assert_eq!(heard(), [Millis(30)]);
    queue.extend(received[0].receipt, ms(20), NOW).unwrap();
    assert_eq!(heard(), [Millis(20)]);
    queue.extend(received[0].receipt, ms(70), NOW).unwrap();
    queue.release(received[0].receipt, ms(10), NOW).unwrap();
    assert_eq!(heard(), [Millis(10)]);
}

#[test]
fn a_moment_beyond_all_numbers_never_comes() {
    let queue = queue(2);
    let options = Options { ttl: Some(std::time::Duration::MAX), ..Options::default() };
    queue.try_send(Message::text("a"), options, Millis(1)).unwrap();
    assert_eq!(queue.tick(Millis(1)), Millis::NEVER);
    assert_eq!(take_all(&queue, Millis(u64::MAX - 1)), ["a"]);
}

#[test]
fn the_time_to_live_of_what_comes_from_another_queue_runs_on() {
    let queue = queue_with(3, &Settings { ttl: Some(ms(50)), ..Settings::default() });
    let earlier = Earlier { sent_at: Millis(100), first_received_at: Millis(110) };
    let options = Options { earlier: Some(earlier), ..Options::default() };
    send_with(&queue, "over", options, Millis(150));
    assert!(receive(&queue, 1, Millis(150)).is_empty());
    send_with(&queue, "in time", options, Millis(140));
    let mut received = Vec::new();
    queue.try_receive(Request { max: 1, lease: None }, Millis(149), &mut received).unwrap();
    let times = (received[0].sent_at, received[0].first_received_at);
    assert_eq!((times, received[0].receive_count), ((Millis(100), Millis(110)), 1));
}
