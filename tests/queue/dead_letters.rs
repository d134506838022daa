//! Messages that were received too often.

use ringmq::queue::{LeaseError, Millis, Queue, ResizeError, Settings};

use crate::support::{
    LEASE, NOW, ms, queue_with, receipt, receive, send, send_all, take_all, text,
};

const END: Millis = Millis(LEASE.as_millis() as u64);

fn queue(capacity: u64, max_receives: u32) -> Queue {
    queue_with(capacity, &Settings { max_receives: Some(max_receives), ..Settings::default() })
}

/// The next dead letter, which is then somewhere else.
fn take_letter(queue: &Queue) -> Option<String> {
    queue.take_dead_letter().map(|mut letter| {
        let (message, ..) = letter.look();
        letter.moved(NOW);
        text(&message)
    })
}

#[test]
fn a_message_received_too_often_is_a_dead_letter() {
    let queue = queue(3, 2);
    send(&queue, "a", Millis(5));
    for _ in 0..2 {
        assert!(!queue.has_dead_letters());
        let receipt = receipt(&queue, NOW);
        queue.release(receipt, ms(0), NOW).unwrap();
    }
    assert!(queue.has_dead_letters());
    assert!(receive(&queue, 1, NOW).is_empty());
    assert_eq!(queue.depth(), 1, "it is there until it was moved");

    let mut letter = queue.take_dead_letter().expect("there is one");
    let (message, receive_count, sent_at) = letter.look();
    assert_eq!((text(&message), receive_count, sent_at), ("a".into(), 2, Millis(5)));
    letter.moved(NOW);
    assert_eq!((queue.depth(), queue.counts().dead_letters), (0, 1));
    assert!(!queue.has_dead_letters());
}

#[test]
fn a_lease_that_runs_out_counts_and_what_is_taken_back_does_not() {
    let queue = queue(3, 1);
    send_all(&queue, &["a", "b"], NOW);
    let received = receive(&queue, 2, NOW);
    queue.take_back(received[0].receipt, NOW).unwrap();
    queue.tick(END);
    assert_eq!(take_letter(&queue), Some("b".into()));
    assert_eq!(take_letter(&queue), None);
    assert_eq!(take_all(&queue, END), ["a"]);
}

#[test]
fn dead_letters_come_in_the_order_in_which_they_died() {
    let queue = queue(3, 1);
    send_all(&queue, &["a", "b", "c"], NOW);
    let received = receive(&queue, 3, NOW);
    for which in [1, 0, 2] {
        queue.release(received[which].receipt, ms(0), NOW).unwrap();
    }
    drop(queue.take_dead_letter().expect("b goes behind the others"));
    let letters = std::iter::from_fn(|| take_letter(&queue));
    assert_eq!(letters.collect::<Vec<_>>(), ["a", "c", "b"]);
}

#[test]
fn a_dead_letter_that_is_kept_comes_again_when_it_is_due() {
    let queue = queue(3, 1);
    send(&queue, "a", NOW);
    queue.release(receipt(&queue, NOW), ms(0), NOW).unwrap();
    queue.take_dead_letter().expect("there is one").keep(Millis(10));
    assert!(!queue.has_dead_letters());
    assert_eq!(queue.tick(Millis(9)), Millis(10));
    assert_eq!(take_letter(&queue), None);
    queue.tick(Millis(10));
    assert_eq!(take_letter(&queue), Some("a".into()));
}

/// Its receipt is valid, since nobody was given another one.
#[test]
fn a_dead_letter_can_be_acknowledged_and_purged() {
    for kept in [false, true] {
        for purged in [false, true] {
            let queue = queue(1, 1);
            send(&queue, "a", NOW);
            let receipt = receipt(&queue, NOW);
            queue.release(receipt, ms(0), NOW).unwrap();
            if kept {
                queue.take_dead_letter().expect("there is one").keep(Millis(10));
            }
            if purged {
                assert_eq!(queue.purge(NOW), 1);
            } else {
                queue.ack(receipt, NOW).unwrap();
            }
            assert_eq!(queue.ack(receipt, NOW), Err(LeaseError::Gone));
            assert_eq!(queue.depth(), 0);
            assert_eq!(take_letter(&queue), None);
            send(&queue, "b", NOW);
            queue.tick(Millis(20));
            assert_eq!(take_all(&queue, NOW), ["b"]);
        }
    }
}

/// Letters that went while they were in line are no reason to wait for who takes the others.
#[test]
fn a_resize_does_not_wait_for_who_takes_dead_letters() {
    let queue = queue(4, 1);
    send_all(&queue, &["a", "b", "c", "d"], NOW);
    let received = receive(&queue, 4, NOW);
    for delivery in &received {
        queue.release(delivery.receipt, ms(0), NOW).unwrap();
    }
    assert_eq!(queue.resize(3, NOW), Err(ResizeError::BelowDepth { capacity: 3 }));
    queue.ack(received[0].receipt, NOW).unwrap();
    queue.ack(received[2].receipt, NOW).unwrap();
    queue.resize(2, NOW).unwrap();
    assert_eq!(take_letter(&queue), Some("b".into()));
    assert_eq!(take_letter(&queue), Some("d".into()));
    send_all(&queue, &["e", "f"], NOW);
}
