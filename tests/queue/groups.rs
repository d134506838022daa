//! FIFO queues: within a group, order; between groups, none.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use ringmq::queue::{
    Delivery, LeaseError, Message, Millis, Options, Overflow, Queue, Request, SendRefusal, Settings,
};

use crate::support::{LEASE, NOW, ms, queue_with, receive, take_all, text, texts};
use crate::times;

const END: Millis = Millis(LEASE.as_millis() as u64);

fn fifo(capacity: u64) -> Queue {
    fifo_with(capacity, &Settings::default())
}

fn fifo_with(capacity: u64, settings: &Settings) -> Queue {
    queue_with(capacity, settings).into_fifo()
}

/// Sends messages of which the first character is the group.
#[track_caller]
fn send(queue: &Queue, texts: &[&str]) {
    for text in texts {
        send_with(queue, text, Options::default());
    }
}

#[track_caller]
fn send_with(queue: &Queue, text: &str, options: Options) {
    let message = Message::text(text).with_group(Some(&text[..1]));
    queue.try_send(message, options, NOW).expect("there is room");
}

fn receive_for(queue: &Queue, max: usize, lease: Duration, now: Millis) -> Vec<Delivery> {
    let mut received = Vec::new();
    let _ = queue.try_receive(Request { max, lease: Some(lease) }, now, &mut received);
    received
}

#[test]
fn a_group_is_locked_while_one_of_its_messages_is_in_flight() {
    let queue = fifo(9);
    send(&queue, &["a1", "a2", "b1"]);
    let first = receive(&queue, 1, NOW);
    assert_eq!(texts(&first), ["a1"]);
    assert_eq!(texts(&receive(&queue, 9, NOW)), ["b1"]);
    assert!(receive(&queue, 9, NOW).is_empty());
    assert_eq!((queue.counts().ready, queue.counts().in_flight), (1, 2));
    queue.ack(first[0].receipt, NOW).unwrap();
    assert_eq!(texts(&receive(&queue, 9, NOW)), ["a2"]);
}

#[test]
fn one_receive_takes_what_it_can_of_a_group_before_it_goes_on() {
    let queue = fifo(9);
    send(&queue, &["a1", "b1", "a2", "c1", "a3", "b2"]);
    let received = receive(&queue, 4, NOW);
    assert_eq!(texts(&received), ["a1", "a2", "a3", "b1"]);
    assert_eq!(received.iter().map(|one| one.number).collect::<Vec<_>>(), [0, 2, 4, 1]);
    // The rest of a group of which some were taken has to wait.
    assert_eq!(texts(&receive(&queue, 4, NOW)), ["c1"]);
}

#[test]
fn the_group_with_the_oldest_message_is_the_next() {
    let queue = fifo(9);
    send(&queue, &["a1", "b1", "a2"]);
    let a1 = receive(&queue, 1, NOW);
    let b1 = receive(&queue, 1, NOW);
    send(&queue, &["c1"]);
    queue.ack(a1[0].receipt, NOW).unwrap();
    queue.release(b1[0].receipt, ms(0), NOW).unwrap();
    assert_eq!(take_all(&queue, NOW), ["b1", "a2", "c1"]);
}

#[test]
fn what_comes_back_has_its_place_before_those_behind_it() {
    let queue = fifo(9);
    send(&queue, &["a1", "a2", "a3", "a4"]);
    let received = receive(&queue, 3, NOW);
    // In any order; and while one is out, nothing is received.
    queue.release(received[1].receipt, ms(0), NOW).unwrap();
    queue.take_back(received[0].receipt, NOW).unwrap();
    assert!(receive(&queue, 9, NOW).is_empty());
    queue.tick(END);
    assert_eq!(take_all(&queue, END), ["a1", "a2", "a3", "a4"]);
}

#[test]
fn a_message_that_waits_to_be_tried_again_locks_its_group() {
    let retry = Settings { retry_delay: ms(5), ..Settings::default() };
    for by_release in [true, false] {
        let queue = fifo_with(9, &retry);
        send(&queue, &["a1", "a2", "b1"]);
        let a1 = receive(&queue, 1, NOW);
        let back = if by_release { NOW } else { END };
        match by_release {
            true => queue.release(a1[0].receipt, ms(5), NOW).unwrap(),
            false => _ = queue.tick(END),
        }
        assert_eq!(texts(&receive_for(&queue, 9, ms(0), back)), ["b1"]);
        let due = back.after(ms(5));
        queue.tick(Millis(due.0 - 1));
        assert!(receive(&queue, 9, Millis(due.0 - 1)).is_empty());
        queue.tick(due);
        assert_eq!(texts(&receive(&queue, 9, due)), ["a1", "a2"]);
    }
}

#[test]
fn a_message_that_is_not_due_keeps_those_behind_it() {
    let queue = fifo(9);
    send(&queue, &["a1"]);
    send_with(&queue, "a2", Options { delay: Some(ms(5)), ..Options::default() });
    send(&queue, &["a3"]);
    let a1 = receive(&queue, 9, NOW);
    assert_eq!(texts(&a1), ["a1"]);
    queue.ack(a1[0].receipt, NOW).unwrap();
    assert!(receive(&queue, 9, NOW).is_empty());
    queue.tick(Millis(5));
    assert_eq!(texts(&receive(&queue, 9, Millis(5))), ["a2", "a3"]);
}

#[test]
fn messages_without_a_group_are_one() {
    let queue = fifo(9);
    for body in ["1", "2"] {
        queue.try_send(Message::text(body), Options::default(), NOW).expect("there is room");
    }
    let named = Message::text("3").with_group(Some(""));
    queue.try_send(named, Options::default(), NOW).expect("there is room");
    assert_eq!(texts(&receive(&queue, 1, NOW)), ["1"]);
    assert!(receive(&queue, 1, NOW).is_empty());
}

#[test]
fn a_late_ack_is_refused() {
    for ticked in [false, true] {
        let queue = fifo(9);
        send(&queue, &["a1", "a2"]);
        let a1 = receive(&queue, 1, NOW)[0].receipt;
        if ticked {
            queue.tick(END);
        }
        assert_eq!(queue.ack(a1, END), Err(LeaseError::Lost));
        let mut told = Vec::new();
        queue.ack_batch([a1], END, |answer| told.push(answer));
        assert_eq!(told, [Err(LeaseError::Lost)]);
        queue.tick(END);
        assert_eq!(take_all(&queue, END), ["a1", "a2"]);
        assert_eq!(queue.ack(a1, END), Err(LeaseError::Gone));
    }
}

#[test]
fn whatever_ends_a_message_frees_its_group() {
    let settings = Settings { max_receives: Some(1), ..Settings::default() };
    let ends: [fn(&Queue, &Delivery); 4] = [
        |queue, a1| queue.ack(a1.receipt, NOW).unwrap(),
        |queue, a1| queue.ack_batch([a1.receipt], NOW, |answer| answer.unwrap()),
        // Received too often.
        |queue, a1| {
            queue.release(a1.receipt, ms(0), NOW).unwrap();
            let mut letter = queue.take_dead_letter().expect("it is one");
            assert_eq!(letter.look().0.group(), Some("a"));
            letter.moved(NOW);
        },
        // Expired with its consumer.
        |queue, a1| queue.release(a1.receipt, ms(0), Millis(9)).unwrap(),
    ];
    for end in ends {
        let queue = fifo_with(2, &settings);
        send_with(&queue, "a1", Options { ttl: Some(ms(9)), ..Options::default() });
        send(&queue, &["a2"]);
        let a1 = receive(&queue, 1, NOW);
        end(&queue, &a1[0]);
        assert_eq!(queue.depth(), 1);
        assert_eq!(texts(&receive(&queue, 9, Millis(9))), ["a2"]);
        // Also its place is free.
        send(&queue, &["b1"]);
        assert_eq!(take_all(&queue, NOW), ["b1"]);
    }
}

#[test]
fn what_expires_or_is_purged_behind_others_is_gone_at_once() {
    let queue = fifo(3);
    send(&queue, &["a1"]);
    send_with(&queue, "a2", Options { ttl: Some(ms(5)), ..Options::default() });
    send(&queue, &["a3"]);
    let a1 = receive(&queue, 1, NOW)[0].receipt;
    queue.tick(Millis(5));
    assert_eq!((queue.counts().ready, queue.counts().expired), (1, 1));
    // Its slot holds the next one.
    send(&queue, &["a4"]);
    queue.ack(a1, NOW).unwrap();
    assert_eq!(texts(&receive(&queue, 1, Millis(5))), ["a3"]);
    assert_eq!(queue.purge(Millis(5)), 2);
    assert_eq!(queue.ready(), 0);
    send(&queue, &["a5", "a6", "a7"]);
    assert_eq!(take_all(&queue, Millis(5)), ["a5", "a6", "a7"]);
}

#[test]
fn only_what_could_be_received_is_dropped_for_room() {
    let queue = fifo_with(2, &Settings { overflow: Overflow::DropOldest, ..Settings::default() });
    send(&queue, &["a1", "a2"]);
    let a1 = receive(&queue, 1, NOW)[0].receipt;
    let refused = queue.try_send(Message::text("b1"), Options::default(), NOW).unwrap_err();
    assert_eq!(refused.why, SendRefusal::Full { capacity: 2 });
    queue.release(a1, ms(0), NOW).unwrap();
    send(&queue, &["b1"]);
    assert_eq!(queue.counts().dropped, 1);
    assert_eq!(take_all(&queue, NOW), ["a2", "b1"]);
}

#[test]
fn a_message_on_its_way_elsewhere_locks_its_group() {
    let queue = fifo(9);
    send(&queue, &["a1", "a2"]);
    let mut held = queue.take_next(NOW).expect("there is one");
    assert_eq!(text(&held.look().0), "a1");
    assert!(receive(&queue, 9, NOW).is_empty());
    drop(held);
    queue.take_next(NOW).expect("it is back").moved(NOW);
    assert_eq!(texts(&receive(&queue, 9, NOW)), ["a2"]);
}

#[test]
fn the_queue_is_browsed_and_resized_as_any_other() {
    let queue = fifo(8);
    send(&queue, &["a1", "b1", "a2", "b2", "a3"]);
    let a1 = receive(&queue, 1, NOW)[0].receipt;
    let shown: Vec<_> = queue.browse(9, NOW).iter().map(|look| text(&look.message)).collect();
    assert_eq!(shown, ["b1", "a2", "b2", "a3"]);
    queue.resize(5, NOW).unwrap();
    queue.resize(4, NOW).unwrap_err();
    queue.ack(a1, NOW).unwrap();
    queue.resize(4, NOW).unwrap();
    let refused = queue.try_send(Message::text("c1"), Options::default(), NOW).unwrap_err();
    assert_eq!(refused.why, SendRefusal::Full { capacity: 4 });
    assert_eq!(take_all(&queue, NOW), ["b1", "a2", "b2", "a3"]);
}

#[test]
fn a_batch_is_sent_in_order() {
    let queue = fifo(9);
    let mut batch: Vec<_> = ["a1", "b1", "a2"]
        .map(|text| (Message::text(text).with_group(Some(&text[..1])), Options::default()))
        .into();
    let mut ids = Vec::new();
    queue.try_send_batch(&mut batch, NOW, &mut ids);
    assert_eq!((batch.len(), ids.len()), (0, 3));
    assert_eq!(take_all(&queue, NOW), ["a1", "b1", "a2"]);
}

const GROUPS: [&str; 3] = ["a", "b", "c"];
const EACH: u32 = times(3_000, 5) as u32;

/// Consumers that acknowledge, give back, and let leases run out, all at once: of each group the messages
/// are acknowledged in the order in which they were sent, each once.
#[test]
fn order_holds_whatever_consumers_do_at_once() {
    let queue = fifo(40);
    let clock = AtomicU64::new(0);
    let acked: [Mutex<Vec<u32>>; GROUPS.len()] = Default::default();
    let left = AtomicU64::new(u64::from(EACH) * GROUPS.len() as u64);
    let produce = |group: &str| {
        for number in 0..EACH {
            let mut message = Message::bytes(&number.to_le_bytes()).with_group(Some(group));
            loop {
                let now = Millis(clock.load(Ordering::SeqCst));
                match queue.try_send(message, Options::default(), now) {
                    Ok(_) => break,
                    Err(refused) => message = refused.message,
                }
                thread::yield_now();
            }
        }
    };
    let consume = |mut turn: u64| {
        while left.load(Ordering::SeqCst) > 0 {
            turn += 1;
            let now = Millis(clock.fetch_add(turn % 2, Ordering::SeqCst));
            let lease = ms(5 + turn % 50);
            let mut received = Vec::new();
            let request = Request { max: 1 + turn as usize % 4, lease: Some(lease) };
            if queue.try_receive(request, now, &mut received).is_err() {
                queue.tick(now);
                thread::yield_now();
            }
            // Always what is first, so that what was acknowledged was not passed by.
            for (nth, one) in received.iter().enumerate() {
                let group = one.message.group().expect("all have one");
                let group = GROUPS.iter().position(|known| *known == group).expect("it is one");
                let number = one.message.body().try_into().expect("four bytes");
                let given_up = match (turn + nth as u64) % 7 {
                    0 => queue.release(one.receipt, ms(turn % 3), now).is_ok(),
                    1 => true,
                    _ => {
                        let mut acked = acked[group].lock().expect("nobody panics with it");
                        let now = Millis(clock.load(Ordering::SeqCst));
                        match queue.ack(one.receipt, now) {
                            Ok(()) => {
                                acked.push(u32::from_le_bytes(number));
                                left.fetch_sub(1, Ordering::SeqCst);
                                false
                            }
                            Err(_) => true,
                        }
                    }
                };
                if given_up {
                    // Neither those behind it: they are received again, in order.
                    for behind in &received[nth + 1..] {
                        let _ = queue.release(behind.receipt, ms(0), now);
                    }
                    break;
                }
            }
        }
    };
    thread::scope(|scope| {
        GROUPS.iter().for_each(|group| _ = scope.spawn(|| produce(group)));
        let consume = &consume;
        (0..3).for_each(|first| _ = scope.spawn(move || consume(first)));
    });
    for acked in acked {
        let acked = acked.into_inner().expect("nobody panics with it");
        assert!(acked.iter().copied().eq(0..EACH), "in order, and each once");
    }
    assert_eq!((queue.depth(), queue.ready(), queue.counts().in_flight), (0, 0, 0));
}
