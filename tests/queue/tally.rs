//! What is counted for whoever looks on, on many threads and at the bounds of the buckets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use ringmq::queue::{
    BOUNDS, Delivery, LeaseError, MILLIS_BOUNDS, Message, Millis, Options, Queue, Request, Settings,
};

use crate::times;

fn counted(capacity: u64) -> Queue {
    Queue::new(capacity, &Settings::default()).expect("there is memory").into_counted()
}

fn send(queue: &Queue, now: Millis) {
    queue.try_send(Message::text("m"), Options::default(), now).expect("there is room");
}

fn receive(queue: &Queue, max: usize, now: Millis) -> Vec<ringmq::queue::Delivery> {
    let mut received = Vec::new();
    let request = Request { max, lease: Some(Duration::from_hours(12)) };
    let _ = queue.try_receive(request, now, &mut received);
    received
}

#[test]
fn a_time_is_in_the_bucket_of_the_first_bound_that_it_does_not_exceed() {
    let queue = counted(100);
    let mut expected = [0; BOUNDS + 1];
    for (place, bound) in MILLIS_BOUNDS.into_iter().enumerate() {
        for (time, bucket) in [(bound, place), (bound + 1, place + 1)] {
            send(&queue, Millis(0));
            assert!(queue.try_take(Millis(time)).is_ok());
            expected[bucket] += 1;
        }
    }
    send(&queue, Millis(7));
    assert!(queue.try_take(Millis(7)).is_ok());
    expected[0] += 1;
    let times = queue.tallied().time_in_queue;
    assert_eq!(times.buckets, expected);
    assert_eq!(times.sum, MILLIS_BOUNDS.iter().map(|bound| 2 * bound + 1).sum::<u64>());
    assert_eq!(queue.tallied().lease.count(), 0);
}

#[test]
fn a_lease_is_as_long_as_the_last_delivery_is_ago() {
    let queue = counted(10);
    (0..3).for_each(|_| send(&queue, Millis(0)));
    let first = receive(&queue, 3, Millis(1000));
    queue.release(first[0].receipt, Duration::ZERO, Millis(2000)).expect("it is in flight");
    let again = receive(&queue, 1, Millis(5000)).remove(0);
    assert_eq!(again.receive_count, 2);
    queue.ack(again.receipt, Millis(5400)).expect("it is in flight");
    let mut answers = Vec::new();
    let rest = [first[1].receipt, first[2].receipt, first[1].receipt];
    queue.ack_batch(rest, Millis(1030), |answer| answers.push(answer));
    assert_eq!(answers, [Ok(()), Ok(()), Err(LeaseError::Gone)]);
    let tallied = queue.tallied();
    assert_eq!((tallied.lease.count(), tallied.lease.sum), (3, 400 + 30 + 30));
    // Only first deliveries count, and only once.
    assert_eq!((tallied.time_in_queue.count(), tallied.time_in_queue.sum), (3, 3000));
    assert_eq!((tallied.received, tallied.acked, tallied.released), (4, 3, 1));
}

#[test]
fn a_delivery_without_a_lease_has_none() {
    let queue = counted(10);
    send(&queue, Millis(0));
    let mut received = Vec::new();
    let request = Request { max: 1, lease: Some(Duration::ZERO) };
    queue.try_receive(request, Millis(0), &mut received).expect("there is one");
    queue.ack(received[0].receipt, Millis(50)).expect("it is in flight");
    let tallied = queue.tallied();
    assert_eq!((tallied.acked, tallied.lease.count()), (1, 0));
}

#[test]
fn a_queue_that_is_not_counted_counts_nothing() {
    let queue = Queue::new(10, &Settings::default()).expect("there is memory");
    send(&queue, Millis(0));
    let receipt = receive(&queue, 1, Millis(0)).remove(0).receipt;
    queue.ack(receipt, Millis(9)).expect("it is in flight");
    queue.count_wake(Duration::from_secs(1));
    assert_eq!(queue.tallied(), Default::default());
}

#[test]
fn nothing_is_lost_between_threads_that_come_and_go() {
    // More at once than there are lanes, so that some share one; and in turns, so that lanes change
    // hands.
    const THREADS: usize = 24;
    let rounds = times(200, 2);
    let queue = counted(1000);
    let taken = AtomicU64::new(0);
    for _ in 0..times(8, 2) {
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..rounds {
                        let message = || Message::text("m");
                        // *Busy* while a neighbour makes the queue longer.
                        while queue.try_send(message(), Options::default(), Millis(0)).is_err() {
                            thread::yield_now();
                        }
                        while queue.try_take(Millis(3)).is_err() {
                            thread::yield_now();
                        }
                        taken.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
    }
    let (taken, tallied) = (taken.into_inner(), queue.tallied());
    assert_eq!((tallied.received, tallied.acked), (taken, taken));
    assert_eq!((tallied.time_in_queue.count(), tallied.time_in_queue.sum), (taken, 3 * taken));
}

#[test]
fn the_oldest_message_is_the_first_that_was_sent_of_those_in_line() {
    let queue = counted(100);
    assert_eq!(queue.oldest_ready(Millis(0)), None);
    for sent_at in 1..=40 {
        send(&queue, Millis(sent_at));
    }
    let oldest = |queue: &Queue| queue.oldest_ready(Millis(100)).map(|sent_at| sent_at.0);
    assert_eq!((oldest(&queue), oldest(&queue)), (Some(1), Some(1)));
    let first = receive(&queue, 2, Millis(100));
    assert_eq!(oldest(&queue), Some(3));
    // What comes back is older than what was the oldest meanwhile.
    queue.release(first[1].receipt, Duration::ZERO, Millis(100)).expect("it is in flight");
    assert_eq!(oldest(&queue), Some(2));
    queue
        .release(first[0].receipt, Duration::from_millis(50), Millis(100))
        .expect("it is in flight");
    assert_eq!(oldest(&queue), Some(2));
    queue.tick(Millis(150));
    assert_eq!(oldest(&queue), Some(1));
    assert!(queue.try_take(Millis(150)).is_ok());
    queue.purge(Millis(150));
    assert_eq!(oldest(&queue), None);
    // The slot of the one that was known is another's now.
    send(&queue, Millis(160));
    assert_eq!(oldest(&queue), Some(160));
}

#[test]
fn what_has_expired_is_not_the_oldest() {
    let queue = Arc::new(counted(10));
    let ttl = Some(Duration::from_millis(5));
    queue
        .try_send(Message::text("brief"), Options { ttl, ..Options::default() }, Millis(0))
        .unwrap();
    send(&queue, Millis(3));
    assert_eq!(queue.oldest_ready(Millis(4)), Some(Millis(0)));
    assert_eq!(queue.oldest_ready(Millis(5)), Some(Millis(3)));
}

#[test]
fn what_expired_at_the_front_of_the_line_hides_nothing_behind_it() {
    let queue = counted(2000);
    let ttl = Some(Duration::from_millis(50));
    for sent_at in 0..1000 {
        let options = Options { ttl: Some(Duration::from_millis(50)), ..Options::default() };
        queue.try_send(Message::text("brief"), options, Millis(sent_at / 100)).unwrap();
    }
    send(&queue, Millis(20));
    // Some of them before the sweep that ends them, all of them after it.
    assert_eq!(queue.oldest_ready(Millis(55)), Some(Millis(6)));
    assert_eq!(queue.oldest_ready(Millis(70)), Some(Millis(20)));
    queue.tick(Millis(70));
    assert_eq!(queue.oldest_ready(Millis(70)), Some(Millis(20)));
    assert_eq!(queue.oldest_ready(Millis(71)), Some(Millis(20)));
    // What comes later, into places that were passed long ago.
    queue.purge(Millis(80));
    for round in 0..40 {
        let now = Millis(100 + 100 * round);
        for _ in 0..100 {
            let options = Options { ttl, ..Options::default() };
            queue.try_send(Message::text("brief"), options, now).unwrap();
        }
        send(&queue, Millis(now.0 + 60));
        assert_eq!(queue.oldest_ready(Millis(now.0 + 60)), Some(Millis(now.0 + 60)));
        assert!(queue.try_take(Millis(now.0 + 60)).is_ok());
        assert_eq!(queue.oldest_ready(Millis(now.0 + 60)), None);
    }
}

#[test]
fn of_what_came_back_the_one_that_was_sent_first_is_the_oldest() {
    let queue = counted(200);
    (0..100).for_each(|sent_at| send(&queue, Millis(sent_at)));
    let received = receive(&queue, 50, Millis(200));
    for delivery in received.iter().rev() {
        queue.release(delivery.receipt, Duration::ZERO, Millis(200)).expect("it is in flight");
        assert_eq!(queue.oldest_ready(Millis(200)), Some(delivery.sent_at));
    }
}

#[test]
fn the_oldest_of_a_fifo_queue_may_stand_behind_what_is_in_flight() {
    let queue = counted(10).into_fifo();
    for (sent_at, group) in [(1, "a"), (2, "a"), (3, "b")] {
        let message = Message::text("m").with_group(Some(group));
        queue.try_send(message, Options::default(), Millis(sent_at)).unwrap();
    }
    let oldest = || queue.oldest_ready(Millis(9));
    assert_eq!(oldest(), Some(Millis(1)));
    let first = receive(&queue, 1, Millis(9)).remove(0);
    assert_eq!(oldest(), Some(Millis(2)));
    queue.ack(first.receipt, Millis(9)).unwrap();
    assert_eq!(oldest(), Some(Millis(2)));
    queue.purge(Millis(9));
    assert_eq!(oldest(), None);
}

/// Nothing is told that is in no message, and in the end what was given back is in front.
#[test]
fn the_oldest_is_told_rightly_while_others_send_and_give_back() {
    let queue = counted(100);
    let done = AtomicBool::new(false);
    send(&queue, Millis(1));
    thread::scope(|scope| {
        let (queue, done) = (&queue, &done);
        for _ in 0..2 {
            scope.spawn(move || {
                // Gives the first message back whenever it has it.
                while !done.load(Ordering::Relaxed) {
                    for delivery in receive_some(queue) {
                        assert_ne!(delivery.sent_at, Millis(0));
                        let gone = match delivery.sent_at {
                            Millis(1) => queue.release(delivery.receipt, Duration::ZERO, Millis(9)),
                            _ => queue.ack(delivery.receipt, Millis(9)),
                        };
                        gone.expect("it is in flight");
                    }
                }
            });
        }
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                let _ = queue.try_send(Message::text("m"), Options::default(), Millis(5));
            }
        });
        for _ in 0..times(20_000, 20) {
            let told = queue.oldest_ready(Millis(9));
            assert!(matches!(told, None | Some(Millis(1 | 5))), "{told:?}");
        }
        done.store(true, Ordering::Relaxed);
    });
    // All that was given back is there, in front.
    assert_eq!(queue.oldest_ready(Millis(9)), Some(Millis(1)));
}

fn receive_some(queue: &Queue) -> Vec<Delivery> {
    let mut received = Vec::new();
    let _ = queue.try_receive(Request { max: 3, lease: None }, Millis(9), &mut received);
    received
}
