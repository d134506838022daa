//! How much a queue holds: messages, bytes, leases.

use std::sync::Arc;

use ringmq::queue::{
    Counts, Memory, Message, Millis, Options, Overflow, Queue, SendRefusal, Settings,
};
use ringmq::ring::CapacityError;

use crate::support::{
    LEASE, NOW, ms, queue, queue_with, receipt, receive, refusal, send, send_all, send_with,
    take_all, texts,
};
use crate::times;

#[test]
fn the_capacity_counts_what_is_ready_delayed_and_in_flight() {
    let queue = queue(3);
    send_all(&queue, &["in flight", "ready"], NOW);
    send_with(&queue, "delayed", Options { delay: Some(ms(10)), ..Options::default() }, NOW);
    let receipt = receipt(&queue, NOW);

    let expected = Counts { depth: 3, ready: 1, in_flight: 1, delayed: 1, ..queue.counts() };
    assert_eq!(queue.counts(), expected);
    assert_eq!(refusal(&queue, "more", NOW), SendRefusal::Full { capacity: 3 });
    queue.ack(receipt, NOW).unwrap();
    send(&queue, "more", NOW);
    assert_eq!(refusal(&queue, "still more", NOW), SendRefusal::Full { capacity: 3 });
}

#[test]
fn a_capacity_is_at_least_one_and_at_most_two_to_the_31() {
    let settings = Settings::default();
    assert_eq!(Queue::new(0, &settings).err(), Some(CapacityError::Zero));
    let too_large = Queue::new(Queue::MAX_CAPACITY + 1, &settings).err();
    assert_eq!(too_large, Some(CapacityError::TooLarge));
    let queue = queue(Queue::MAX_CAPACITY);
    send(&queue, "it costs what is used of it", NOW);
    assert_eq!(queue.capacity(), 1 << 31);
}

/// Other tests stay below the 16 slots that a queue begins with.
#[test]
fn a_queue_that_grows_keeps_the_order() {
    let count = times(5000, 100);
    let queue = queue(count as u64);
    let numbers: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    // Twice, so that the lines turn over; the second time with deliveries that come back.
    for round in 0..2 {
        for (sent, number) in numbers.iter().enumerate() {
            send(&queue, number, NOW);
            if round == 1 && sent % 7 == 0 {
                let receipt = receipt(&queue, NOW);
                queue.take_back(receipt, NOW).unwrap();
            }
        }
        assert_eq!(refusal(&queue, "more", NOW), SendRefusal::Full { capacity: count as u64 });
        let looks = texts(&queue.browse(count, NOW));
        assert_eq!(looks, numbers);
        assert_eq!(take_all(&queue, NOW), numbers);
    }
}

/// An acknowledgement that comes when the message is back in line leaves its place in the line
/// behind. That must not cost a place in the queue.
#[test]
fn late_acknowledgements_leave_no_place_behind() {
    for capacity in [1, 2, 20, 64] {
        let queue = queue(capacity);
        let end_of_leases = NOW.after(LEASE);
        for _ in 0..3 {
            for _ in 0..capacity {
                send(&queue, "message", NOW);
            }
            let received = receive(&queue, capacity as usize, NOW);
            queue.tick(end_of_leases);
            assert_eq!(queue.ready(), capacity);
            for delivery in received {
                queue.ack(delivery.receipt, end_of_leases).unwrap();
                send(&queue, "in its place", end_of_leases);
            }
            assert_eq!(queue.ready(), capacity);
            assert_eq!(take_all(&queue, end_of_leases), vec!["in its place"; capacity as usize]);
        }
    }
}

#[test]
fn drop_oldest_drops_and_counts_the_oldest_that_is_ready() {
    let settings = Settings { overflow: Overflow::DropOldest, ..Settings::default() };
    let queue = queue_with(3, &settings);
    send_all(&queue, &["a", "b", "c"], NOW);
    let receipt = receipt(&queue, NOW);
    send_all(&queue, &["d", "e"], NOW);
    assert_eq!(queue.counts().dropped, 2, "b and c; a is with a consumer");
    assert_eq!(queue.counts().gone, 2);
    queue.release(receipt, ms(0), NOW).unwrap();
    assert_eq!(take_all(&queue, NOW), ["a", "d", "e"]);
}

#[test]
fn drop_oldest_refuses_where_nothing_is_ready() {
    let settings = Settings { overflow: Overflow::DropOldest, ..Settings::default() };
    let queue = queue_with(2, &settings);
    send(&queue, "in flight", NOW);
    send_with(&queue, "delayed", Options { delay: Some(ms(10)), ..Options::default() }, NOW);
    assert_eq!(receive(&queue, 1, NOW).len(), 1);
    assert_eq!(refusal(&queue, "more", NOW), SendRefusal::Full { capacity: 2 });
    assert_eq!(queue.counts().dropped, 0);
}

/// Expired messages make room before anything is dropped, also where there was nothing else.
#[test]
fn drop_oldest_takes_the_place_of_what_has_expired() {
    let settings =
        Settings { overflow: Overflow::DropOldest, ttl: Some(ms(10)), ..Settings::default() };
    let queue = queue_with(2, &settings);
    send_all(&queue, &["a", "b"], NOW);
    send(&queue, "c", Millis(10));
    assert_eq!(queue.counts().expired, 2);
    assert_eq!(queue.counts().dropped, 0);
    assert_eq!(take_all(&queue, Millis(10)), ["c"]);
}

#[test]
fn max_bytes_counts_all_messages_until_they_are_gone() {
    let queue = queue_with(10, &Settings { max_bytes: Some(10), ..Settings::default() });
    send_all(&queue, &["1234", "1234"], NOW);
    let receipt = receipt(&queue, NOW);
    assert_eq!(refusal(&queue, "123", NOW), SendRefusal::FullBytes { max_bytes: 10 });
    send(&queue, "12", NOW);
    assert_eq!(queue.counts().bytes, 10);
    queue.ack(receipt, NOW).unwrap();
    send(&queue, "123", NOW);
    assert_eq!(refusal(&queue, "12", NOW), SendRefusal::FullBytes { max_bytes: 10 });
    queue.purge(NOW);
    assert_eq!(queue.counts().bytes, 0);
}

/// It would be refused with *full* for ever.
#[test]
fn what_can_never_fit_is_too_large() {
    let too_large = |max_message_bytes| SendRefusal::TooLarge { size: 5, max_message_bytes };
    let settings = Settings { max_message_bytes: 4, max_bytes: Some(10), ..Settings::default() };
    assert_eq!(refusal(&queue_with(1, &settings), "12345", NOW), too_large(4));
    let settings = Settings { max_bytes: Some(3), ..Settings::default() };
    assert_eq!(refusal(&queue_with(1, &settings), "12345", NOW), too_large(3));
    let memory = Arc::new(Memory::new(2));
    let queue = Queue::with(1, &Settings::default(), memory, Box::new(|_| {})).unwrap();
    assert_eq!(refusal(&queue, "12345", NOW), too_large(2));
}

#[test]
fn queues_share_their_memory_and_give_it_back() {
    let memory = Arc::new(Memory::new(10));
    let make =
        || Queue::with(9, &Settings::default(), Arc::clone(&memory), Box::new(|_| {})).unwrap();
    let (one, other) = (make(), make());
    send(&one, "123456", NOW);
    assert_eq!(refusal(&other, "12345", NOW), SendRefusal::OutOfMemory { limit: 10 });
    send(&other, "1234", NOW);
    assert_eq!(memory.used(), 10);
    drop(one);
    assert_eq!(memory.used(), 4, "what was in it is gone");
    send(&other, "12345", NOW);
    take_all(&other, NOW);
    assert_eq!(memory.used(), 0);
}

#[test]
fn the_size_of_a_message_is_all_that_its_sender_chose() {
    let message = Message::new(b"12345", "x/y".into(), [("a", "bc")].into_iter().collect());
    assert_eq!(message.size(), 5 + 3 + 3);
}

#[test]
fn a_batch_sends_what_can_be_sent_at_once() {
    let queue = queue_with(3, &Settings { max_message_bytes: 4, ..Settings::default() });
    let batch = |texts: &[&str]| -> Vec<_> {
        texts.iter().map(|text| (Message::text(text), Options::default())).collect()
    };
    let sent = |texts: &[&str]| {
        let (mut messages, mut ids) = (batch(texts), Vec::new());
        queue.try_send_batch(&mut messages, NOW, &mut ids);
        assert_eq!(messages, batch(&texts[ids.len()..]), "the rest is left, in order");
        ids.len()
    };
    assert_eq!(sent(&["a", "b", "c", "d"]), 3, "as many as there is room for");
    assert_eq!(sent(&["d"]), 0);
    assert_eq!(take_all(&queue, NOW), ["a", "b", "c"]);
    assert_eq!(sent(&["e", "large", "f"]), 1, "up to the first that needs a word of its own");
    queue.close(NOW);
    assert_eq!(sent(&["g"]), 0);
    assert_eq!(take_all(&queue, NOW), ["e"]);
}

#[test]
fn a_batch_of_which_the_bytes_do_not_fit_is_left_alone() {
    let queue = queue_with(3, &Settings { max_bytes: Some(2), ..Settings::default() });
    let mut batch: Vec<_> =
        ["a", "b", "c"].map(|text| (Message::text(text), Options::default())).into();
    let mut ids = Vec::new();
    queue.try_send_batch(&mut batch, NOW, &mut ids);
    assert_eq!((batch.len(), ids.len()), (3, 0));
    let counts = queue.counts();
    assert_eq!((counts.depth, counts.bytes), (0, 0));
    send_all(&queue, &["a", "b"], NOW);
}

#[test]
fn max_in_flight_bounds_the_messages_with_consumers() {
    let queue = queue_with(9, &Settings { max_in_flight: Some(2), ..Settings::default() });
    send_all(&queue, &["a", "b", "c", "d"], NOW);
    let received = receive(&queue, 3, NOW);
    assert_eq!(texts(&received), ["a", "b"]);
    assert!(receive(&queue, 1, NOW).is_empty());
    queue.ack(received[0].receipt, NOW).unwrap();
    assert_eq!(texts(&receive(&queue, 3, NOW)), ["c"]);
    queue.release(received[1].receipt, ms(0), NOW).unwrap();
    assert_eq!(texts(&receive(&queue, 3, NOW)), ["b"]);
    assert_eq!(take_all(&queue, NOW), ["d"], "what is taken is never in flight");
}

#[test]
fn a_message_of_any_size_has_to_fit_in_all_the_same() {
    let settings = Settings { max_message_bytes: 4, max_bytes: Some(10), ..Settings::default() };
    let queue = queue_with(3, &settings);
    let any_size = Options { any_size: true, ..Options::default() };
    send_with(&queue, "12345", any_size, NOW);
    let refused = queue.try_send(Message::text("123456"), any_size, NOW).unwrap_err();
    assert_eq!(refused.why, SendRefusal::FullBytes { max_bytes: 10 });
    let refused = queue.try_send(Message::text("12345678901"), any_size, NOW).unwrap_err();
    assert_eq!(refused.why, SendRefusal::TooLarge { size: 11, max_message_bytes: 10 });

    // In a batch each is measured by its own.
    let mut batch =
        vec![(Message::text("12345"), any_size), (Message::text("12345"), Options::default())];
    queue.try_send_batch(&mut batch, NOW, &mut Vec::new());
    assert_eq!((batch.len(), queue.depth()), (1, 2));
}
