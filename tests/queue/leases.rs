//! What a consumer can still do with a delivery, and what it is told otherwise.

use std::time::Duration;

use ringmq::queue::{LeaseError, Millis, Queue, Receipt, Request};

use crate::support::{LEASE, NOW, ms, queue, receipt, receive, send, send_all, take_all, texts};

/// When leases that began at the beginning end.
const END: Millis = Millis(LEASE.as_millis() as u64);
const BEFORE_END: Millis = Millis(END.0 - 1);

fn in_flight() -> (Queue, Receipt) {
    let queue = queue(4);
    send(&queue, "a", NOW);
    let receipt = receipt(&queue, NOW);
    (queue, receipt)
}

/// What each of the four things says, none of which may have done anything.
fn assert_all_refused(queue: &Queue, receipt: Receipt, expected: LeaseError, now: Millis) {
    let before = queue.counts();
    assert_eq!(queue.ack(receipt, now), Err(expected));
    assert_eq!(queue.extend(receipt, ms(10), now), Err(expected));
    assert_eq!(queue.extend(receipt, ms(0), now), Err(expected));
    assert_eq!(queue.release(receipt, ms(0), now), Err(expected));
    assert_eq!(queue.take_back(receipt, now), Err(expected));
    assert_eq!(queue.counts(), before);
}

#[test]
fn what_was_acknowledged_is_gone() {
    let (queue, receipt) = in_flight();
    queue.ack(receipt, NOW).unwrap();
    assert_all_refused(&queue, receipt, LeaseError::Gone, NOW);
    // Also where its slot holds the next one.
    send_all(&queue, &["b", "c", "d", "e"], NOW);
    assert_all_refused(&queue, receipt, LeaseError::Gone, NOW);
    assert_eq!(receive(&queue, 9, NOW).len(), 4);
    assert_all_refused(&queue, receipt, LeaseError::Gone, NOW);
}

#[test]
fn an_old_receipt_is_lost_once_the_message_was_delivered_again() {
    let (queue, old) = in_flight();
    queue.release(old, ms(0), NOW).unwrap();
    let new = receipt(&queue, NOW);
    assert_ne!(old, new);
    assert_all_refused(&queue, old, LeaseError::Lost, NOW);
    queue.ack(new, NOW).unwrap();
    assert_all_refused(&queue, old, LeaseError::Gone, NOW);
}

#[test]
fn a_receipt_that_was_never_given_is_unknown() {
    let (queue, receipt) = in_flight();
    let (slot, generation, delivery) = receipt.parts();
    for forged in [
        Receipt::from_parts(slot + 1, generation, delivery),
        Receipt::from_parts(u32::MAX, generation, delivery),
        Receipt::from_parts(slot, generation + 1, delivery),
        Receipt::from_parts(slot, generation.wrapping_sub(1), delivery),
    ] {
        let past = forged.parts().1 == generation.wrapping_sub(1);
        let expected = if past { LeaseError::Gone } else { LeaseError::Unknown };
        // Of the message before the first nobody can tell that there was none.
        assert_all_refused(&queue, forged, expected, NOW);
    }
    queue.ack(receipt, NOW).unwrap();
    let of_the_next = Receipt::from_parts(slot, generation + 1, delivery);
    assert_all_refused(&queue, of_the_next, LeaseError::Unknown, NOW);
}

#[test]
fn a_lease_that_ran_out_is_lost_but_can_be_acknowledged() {
    // Whether somebody has seen to it or not.
    for ticked in [false, true] {
        let (queue, receipt) = in_flight();
        if ticked {
            queue.tick(END);
        }
        assert_eq!(queue.extend(receipt, ms(10), END), Err(LeaseError::Lost));
        assert_eq!(queue.extend(receipt, ms(0), END), Err(LeaseError::Lost));
        assert_eq!(queue.release(receipt, ms(0), END), Err(LeaseError::Lost));
        assert_eq!(queue.counts().lease_ends, u64::from(ticked));
        queue.ack(receipt, END).unwrap();
        assert!(take_all(&queue, END).is_empty(), "it is not delivered again");
        assert_eq!(queue.depth(), 0);
    }
}

#[test]
fn a_lease_ends_at_its_deadline_and_not_before() {
    let (queue, receipt) = in_flight();
    assert_eq!(queue.tick(BEFORE_END), END);
    queue.extend(receipt, ms(1), BEFORE_END).unwrap();
    queue.tick(END);
    assert_eq!(texts(&receive(&queue, 1, END)), ["a"]);
}

#[test]
fn an_extended_lease_ends_later_or_earlier() {
    let (queue, receipt) = in_flight();
    queue.extend(receipt, LEASE, BEFORE_END).unwrap();
    queue.tick(END);
    assert!(receive(&queue, 1, END).is_empty());
    queue.extend(receipt, ms(5), END).unwrap();
    queue.tick(Millis(END.0 + 5));
    assert_eq!(texts(&receive(&queue, 1, END)), ["a"]);
}

#[test]
fn extending_to_zero_gives_the_message_back_at_once() {
    let (queue, receipt) = in_flight();
    send(&queue, "b", NOW);
    queue.extend(receipt, Duration::ZERO, NOW).unwrap();
    assert_eq!(queue.counts().in_flight, 0);
    let again = receive(&queue, 2, NOW);
    assert_eq!(texts(&again), ["a", "b"], "to the front");
    assert_eq!(again[0].receive_count, 2);
}

#[test]
fn a_release_with_a_delay_waits() {
    let (queue, receipt) = in_flight();
    queue.release(receipt, ms(10), NOW).unwrap();
    assert_eq!(queue.counts().delayed, 1);
    queue.tick(Millis(9));
    assert!(receive(&queue, 1, Millis(9)).is_empty());
    queue.tick(Millis(10));
    assert_eq!(texts(&receive(&queue, 1, Millis(10))), ["a"]);
}

/// Nobody else has it, so it may still be done.
#[test]
fn what_waits_to_be_retried_can_be_acknowledged() {
    let (queue, receipt) = in_flight();
    queue.release(receipt, ms(10), NOW).unwrap();
    queue.ack(receipt, NOW).unwrap();
    assert_eq!((queue.depth(), queue.counts().delayed), (0, 0));
}

#[test]
fn a_message_says_how_often_it_was_received() {
    let queue = queue(1);
    send(&queue, "a", Millis(7));
    for count in 1..=3 {
        let received = receive(&queue, 1, Millis(8)).remove(0);
        assert_eq!((received.receive_count, received.sent_at), (count, Millis(7)));
        queue.release(received.receipt, ms(0), Millis(8)).unwrap();
    }
}

#[test]
fn what_is_taken_back_was_not_received() {
    let (queue, first) = in_flight();
    send(&queue, "b", NOW);
    queue.take_back(first, NOW).unwrap();
    let again = receive(&queue, 1, NOW).remove(0);
    assert_eq!(
        (texts(std::slice::from_ref(&again)).remove(0), again.receive_count),
        ("a".into(), 1)
    );
    assert_eq!(queue.ack(first, NOW), Err(LeaseError::Lost), "its receipt is an old one");
    queue.ack(again.receipt, NOW).unwrap();
}

/// A consumer that says so acknowledges as soon as it has passed them on.
#[test]
fn a_lease_of_zero_does_not_end() {
    let queue = queue(1);
    send(&queue, "a", NOW);
    let mut received = Vec::new();
    let request = Request { max: 1, lease: Some(Duration::ZERO) };
    queue.try_receive(request, NOW, &mut received).unwrap();
    assert_eq!(queue.tick(Millis(1 << 40)), Millis::NEVER);
    queue.ack(received[0].receipt, Millis(1 << 40)).unwrap();
}

/// A consumer that dies with a batch must not shuffle it for the next one. The messages before it
/// were acknowledged out of order, so that slots are not in the order of the messages.
#[test]
fn a_batch_comes_back_in_the_order_in_which_it_was_sent() {
    let queue = queue(4);
    send_all(&queue, &["w", "x", "y", "z"], NOW);
    let before = receive(&queue, 4, NOW);
    for which in [2, 0, 3, 1] {
        queue.ack(before[which].receipt, NOW).unwrap();
    }
    send_all(&queue, &["a", "b", "c", "d"], NOW);
    assert_eq!(receive(&queue, 4, NOW).len(), 4);
    queue.tick(END);
    assert_eq!(take_all(&queue, END), ["a", "b", "c", "d"]);
}

#[test]
fn whose_lease_ended_first_is_received_first() {
    let queue = queue(4);
    send_all(&queue, &["a", "b", "c"], NOW);
    let mut received = Vec::new();
    for lease in [30, 10, 20] {
        let request = Request { max: 1, lease: Some(ms(lease)) };
        queue.try_receive(request, NOW, &mut received).unwrap();
    }
    send(&queue, "new", NOW);
    queue.tick(Millis(100));
    assert_eq!(take_all(&queue, Millis(100)), ["b", "c", "a", "new"]);
}
