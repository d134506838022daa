//! Resize, purge, pause, close, settings.

use ringmq::queue::{
    Attributes, ContentType, LeaseError, Message, Millis, Queue, ResizeError, SendRefusal,
    Settings, TryReceiveError,
};

use crate::support::{
    LEASE, NOW, ms, queue, receipt, receive, refusal, send, send_all, take_all, text, texts,
};
use crate::times;

/// Fills a queue that is empty, to the last place, and empties it.
fn assert_every_place_usable(queue: &Queue) {
    let numbers: Vec<String> = (0..queue.capacity()).map(|number| number.to_string()).collect();
    for number in &numbers {
        send(queue, number, NOW);
    }
    assert_eq!(refusal(queue, "more", NOW), SendRefusal::Full { capacity: queue.capacity() });
    assert_eq!(take_all(queue, NOW), numbers);
}

#[test]
fn a_resize_below_the_depth_is_refused_and_changes_nothing() {
    let queue = queue(5);
    send_all(&queue, &["a", "b", "c"], NOW);
    let receipt = receipt(&queue, NOW);
    assert_eq!(queue.resize(2, NOW), Err(ResizeError::BelowDepth { capacity: 2 }));
    assert_eq!(queue.resize(0, NOW), Err(ResizeError::OutOfRange));
    assert_eq!(queue.resize(Queue::MAX_CAPACITY + 1, NOW), Err(ResizeError::OutOfRange));
    assert_eq!(queue.capacity(), 5);
    send_all(&queue, &["d", "e"], NOW);
    assert_eq!(refusal(&queue, "f", NOW), SendRefusal::Full { capacity: 5 });
    queue.release(receipt, ms(0), NOW).unwrap();
    assert_eq!(take_all(&queue, NOW), ["a", "b", "c", "d", "e"]);
    assert_every_place_usable(&queue);
}

#[test]
fn a_resize_to_the_depth_keeps_everything() {
    let queue = queue(9);
    send_all(&queue, &["a", "b", "c"], NOW);
    let receipt = receipt(&queue, NOW);
    queue.resize(3, NOW).unwrap();
    assert_eq!(refusal(&queue, "d", NOW), SendRefusal::Full { capacity: 3 });
    queue.ack(receipt, NOW).unwrap();
    send(&queue, "d", NOW);
    queue.resize(4, NOW).unwrap();
    send(&queue, "e", NOW);
    assert_eq!(take_all(&queue, NOW), ["b", "c", "d", "e"]);
}

/// Places whose message was acknowledged late can be taken out of use, too.
#[test]
fn a_resize_finds_the_places_of_late_acknowledgements() {
    let queue = queue(1000);
    for _ in 0..1000 {
        send(&queue, "a", NOW);
    }
    let received = receive(&queue, 1000, NOW);
    let end = NOW.after(LEASE);
    queue.tick(end);
    // Fewer than what a send would look through the whole line for.
    received[..10].iter().for_each(|delivery| queue.ack(delivery.receipt, end).unwrap());
    assert_eq!(queue.resize(989, end), Err(ResizeError::BelowDepth { capacity: 989 }));
    queue.resize(990, end).unwrap();
    assert_eq!(take_all(&queue, end).len(), 990);
    assert_every_place_usable(&queue);
}

/// Slots come into use and go out of it, before and after the queue has grown.
#[test]
fn shrinking_and_growing_keeps_every_place_usable() {
    let queue = queue(4);
    let cycles = times(300, 5);
    for cycle in 0..cycles {
        for capacity in [1, 7, 3, 40, 2, 17, 16] {
            queue.resize(capacity, NOW).unwrap();
            assert_eq!(queue.capacity(), capacity);
            if cycle % 10 == 0 || cycle == cycles - 1 {
                assert_every_place_usable(&queue);
            }
        }
    }
}

/// The same with messages in it, which stay in order.
#[test]
fn shrinking_and_growing_a_queue_in_use_keeps_the_order() {
    let queue = queue(4);
    let (mut sent, mut taken) = (0_u64, 0_u64);
    for _ in 0..times(300, 10) {
        for capacity in [4, 30, 5, 18] {
            queue.resize(capacity, NOW).unwrap();
            while queue.depth() < capacity {
                send(&queue, &sent.to_string(), NOW);
                sent += 1;
            }
            while queue.depth() > 3 {
                let message = queue.try_take(NOW).expect("it is ready");
                assert_eq!(text(&message), taken.to_string());
                taken += 1;
            }
        }
    }
}

#[test]
fn a_purge_removes_what_is_ready_delayed_and_in_flight() {
    let queue = queue(4);
    send_all(&queue, &["in flight", "waits to be retried", "ready"], NOW);
    let received = receive(&queue, 2, NOW);
    queue.release(received[1].receipt, ms(10), NOW).unwrap();
    assert_eq!(queue.purge(NOW), 3);
    assert_eq!((queue.depth(), queue.ready(), queue.holds_others()), (0, 0, false));
    for delivery in &received {
        assert_eq!(queue.ack(delivery.receipt, NOW), Err(LeaseError::Gone));
    }
    assert_eq!(queue.purge(NOW), 0);

    send(&queue, "sent later", NOW);
    queue.tick(NOW.after(LEASE));
    assert_eq!(take_all(&queue, NOW), ["sent later"]);
    assert_every_place_usable(&queue);
}

#[test]
fn a_queue_that_is_paused_gives_nothing_until_it_is_resumed() {
    let queue = queue(3);
    send(&queue, "a", NOW);
    assert!(queue.pause());
    assert!(!queue.pause(), "it was already");
    send(&queue, "b", NOW);
    assert!(receive(&queue, 9, NOW).is_empty());
    assert_eq!(queue.try_take(NOW), Err(TryReceiveError::Empty));
    assert_eq!(queue.ready(), 2);
    assert_eq!(texts(&queue.browse(9, NOW)), ["a", "b"]);
    assert!(queue.resume(NOW));
    assert!(!queue.resume(NOW), "it was already");
    assert_eq!(texts(&receive(&queue, 9, NOW)), ["a", "b"]);
}

#[test]
fn what_is_in_flight_while_a_queue_is_paused_can_be_acknowledged() {
    let queue = queue(3);
    send(&queue, "a", NOW);
    let receipt = receipt(&queue, NOW);
    queue.pause();
    queue.extend(receipt, ms(10), NOW).unwrap();
    queue.ack(receipt, NOW).unwrap();
}

#[test]
fn a_closed_queue_takes_nothing_more_and_gives_what_it_has() {
    let queue = queue(3);
    send_all(&queue, &["a", "b"], NOW);
    let receipt = receipt(&queue, NOW);
    queue.close(NOW);
    assert!(queue.is_closed());
    assert_eq!(refusal(&queue, "c", NOW), SendRefusal::Closed);
    queue.release(receipt, ms(0), NOW).unwrap();
    assert_eq!(take_all(&queue, NOW), ["a", "b"]);
}

#[test]
fn settings_hold_from_the_next_operation_on() {
    let queue = queue(3);
    send(&queue, "a", NOW);
    queue.set(&Settings { lease: ms(10), delay: ms(5), ..Settings::default() }, NOW);
    assert_eq!(receive(&queue, 1, NOW).len(), 1);
    assert_eq!(queue.tick(NOW), Millis(10));
    send(&queue, "b", NOW);
    assert_eq!(queue.tick(NOW), Millis(5));
}

#[test]
fn browsing_and_finding_change_nothing() {
    let queue = queue(5);
    send_all(&queue, &["a", "b", "c"], NOW);
    let first = receive(&queue, 1, NOW).remove(0);
    assert!(queue.browse(0, NOW).is_empty());
    assert_eq!(texts(&queue.browse(1, NOW)), ["b"]);
    let looks = queue.browse(9, NOW);
    assert_eq!(texts(&looks), ["b", "c"]);
    assert_eq!(looks[0].receive_count, 0);
    let found = queue.find_message(first.id, NOW).expect("it is in flight");
    assert_eq!(found, first);
    assert_eq!(queue.tick(NOW), NOW.after(LEASE));
    queue.ack(first.receipt, NOW).unwrap();
    assert_eq!(queue.find_message(first.id, NOW), None);
    let received = receive(&queue, 9, NOW);
    assert_eq!(texts(&received), ["b", "c"]);
    assert_eq!(received[0].receive_count, 1);
}

#[test]
fn a_group_travels_with_a_message_and_counts_for_nothing() {
    let attributes: Attributes = [("a", "1")].into_iter().collect();
    let plain = Message::new(b"body", ContentType::Json, attributes);
    let clone = plain.clone();
    let grouped = plain.with_group(Some("g"));
    assert_eq!((clone.group(), grouped.group()), (None, Some("g")));
    assert_eq!(grouped.size(), clone.size());
    assert_ne!(grouped, clone);
    let other = grouped.with_attributes(Attributes::default());
    assert_eq!((other.group(), other.body()), (Some("g"), &b"body"[..]));
    assert_eq!(other.content_type(), &ContentType::Json);
    // Nobody else has it, so it is changed where it is.
    assert_eq!(grouped.with_group(None), clone);
}
