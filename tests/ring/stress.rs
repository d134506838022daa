//! Many operations of several threads, and sums that must come out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::ring::{PopError, PushError, RingBuffer, TryPopError, TryPushError};
use crate::times;

/// Producer and number.
type Value = (usize, usize);

fn push_all(ring: &RingBuffer<Value>, producer: usize, count: usize) {
    for number in 0..count {
        while let Err(error) = ring.push((producer, number)) {
            assert_eq!(error, PushError::Full((producer, number)));
            thread::yield_now();
        }
    }
}

/// Pops until the ring is closed and empty.
fn pop_all(ring: &RingBuffer<Value>) -> Vec<Value> {
    let mut got = Vec::new();
    loop {
        match ring.pop() {
            Ok(value) => got.push(value),
            Err(PopError::Empty) => thread::yield_now(),
            Err(PopError::Closed) => return got,
        }
    }
}

/// One consumer sees the values of each producer in order.
fn assert_producers_in_order(got: &[Value]) {
    let mut last = HashMap::new();
    for &(producer, number) in got {
        if let Some(before) = last.insert(producer, number) {
            assert!(before < number, "producer {producer}: {number} after {before}");
        }
    }
}

/// All together have every value exactly once.
fn assert_each_once(mut got: Vec<Value>, producers: usize, count: usize) {
    got.sort_unstable();
    let sent = (0..producers).flat_map(|producer| (0..count).map(move |n| (producer, n)));
    assert!(got.into_iter().eq(sent), "lost or doubled");
}

fn pass(capacity: usize, producers: usize, consumers: usize, count: usize) {
    let ring = RingBuffer::new(capacity);
    let got: Vec<Vec<Value>> = thread::scope(|scope| {
        let consumers: Vec<_> = (0..consumers).map(|_| scope.spawn(|| pop_all(&ring))).collect();
        thread::scope(|scope| {
            for producer in 0..producers {
                let ring = &ring;
                scope.spawn(move || push_all(ring, producer, count));
            }
        });
        ring.close();
        consumers.into_iter().map(|consumer| consumer.join().expect("no panic")).collect()
    });
    for got in &got {
        assert_producers_in_order(got);
    }
    assert_each_once(got.concat(), producers, count);
}

#[test]
fn spsc() {
    for capacity in [1, 2, 3, 64] {
        pass(capacity, 1, 1, times(50_000, 15));
    }
}

#[test]
fn mpmc() {
    for capacity in [1, 2, 3, 7, 64, 1000] {
        pass(capacity, times(4, 2), times(4, 2), times(10_000, 6));
    }
}

/// Each thread pops only what it has pushed before in number, so the ring is never empty for it;
/// and there are as many slots as threads, so it is never full either.
#[test]
fn a_ring_that_holds_a_value_is_never_empty_nor_with_room_full() {
    let threads = 4;
    let ring = RingBuffer::new(threads);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for number in 0..times(20_000, 15) {
                    ring.push(number).expect("there is a slot for each thread");
                    assert!(!ring.is_empty());
                    ring.pop().expect("there is a value for each thread");
                    assert!(!ring.is_full());
                }
            });
        }
    });
    assert!(ring.is_empty());
}

/// The same with the forms that do not wait: busy is the only other answer.
#[test]
fn try_forms_are_busy_rather_than_wrong() {
    let threads = 3;
    let ring = RingBuffer::new(threads);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for number in 0..times(20_000, 15) {
                    while let Err(error) = ring.try_push(number) {
                        assert_eq!(error, TryPushError::Busy(number));
                        thread::yield_now();
                    }
                    while let Err(error) = ring.try_pop() {
                        assert_eq!(error, TryPopError::Busy);
                        thread::yield_now();
                    }
                }
            });
        }
    });
    assert!(ring.is_empty());
}

/// A full ring, of which each thread takes a value before it puts one back: never full for it.
#[test]
fn a_slot_that_was_made_free_can_be_filled() {
    let threads = 4;
    for capacity in [4, 5, 16] {
        let ring = RingBuffer::new(capacity);
        ring.push_batch(&mut (0..capacity).collect());
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    for _ in 0..times(10_000, 10) {
                        let value = ring.pop().expect("there are as many values as threads");
                        ring.push(value).expect("this thread has made room");
                    }
                });
            }
        });
        assert!(ring.is_full());
        let mut left = Vec::new();
        ring.pop_batch(&mut left, capacity);
        left.sort_unstable();
        assert!(left.into_iter().eq(0..capacity));
    }
}

#[test]
fn len_stays_within_what_was_pushed_and_popped() {
    let ring = RingBuffer::new(3);
    let (pushed, popped) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let count = times(20_000, 15);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..count {
                while ring.push(number).is_err() {
                    thread::yield_now();
                }
                pushed.fetch_add(1, Ordering::SeqCst);
            }
        });
        scope.spawn(|| {
            for _ in 0..count {
                while ring.pop().is_err() {
                    thread::yield_now();
                }
                popped.fetch_add(1, Ordering::SeqCst);
            }
        });
        scope.spawn(|| {
            while popped.load(Ordering::SeqCst) < count {
                let (pushed_before, popped_before) =
                    (pushed.load(Ordering::SeqCst), popped.load(Ordering::SeqCst));
                let len = ring.len();
                let (pushed_after, popped_after) =
                    (pushed.load(Ordering::SeqCst), popped.load(Ordering::SeqCst));
                assert!(len <= ring.capacity());
                // One more of each may be under way than has been counted.
                assert!(len <= pushed_after + 1 - popped_before, "{len} is too many");
                assert!(len + popped_after + 1 >= pushed_before, "{len} is too few");
                thread::yield_now();
            }
        });
    });
}

/// What one call of `push_batch` moves stays together, whoever pushes beside it.
#[test]
fn a_pushed_batch_is_not_interrupted() {
    let producers = 3;
    let batches = times(3_000, 8);
    let ring = RingBuffer::new(5);
    let mut got = Vec::new();
    let moved: HashMap<(usize, usize), usize> = thread::scope(|scope| {
        let produce = |producer: usize| {
            let ring = &ring;
            scope.spawn(move || {
                let mut moved = Vec::new();
                for batch in 0..batches {
                    let mut values: Vec<_> =
                        (0..1 + batch % 4).map(|place| (producer, batch, place)).collect();
                    moved.push(((producer, batch), ring.push_batch(&mut values)));
                    thread::yield_now();
                }
                moved
            })
        };
        let running: Vec<_> = (0..producers).map(produce).collect();
        while !running.iter().all(|producer| producer.is_finished()) {
            if ring.pop_batch(&mut got, 3) == 0 {
                thread::yield_now();
            }
        }
        running.into_iter().flat_map(|producer| producer.join().expect("no panic")).collect()
    });
    while ring.pop_batch(&mut got, 3) > 0 {}

    let mut seen = 0;
    for batch in got.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let (producer, number, _) = batch[0];
        assert!(batch.iter().map(|value| value.2).eq(0..moved[&(producer, number)]));
        seen += batch.len();
    }
    assert_eq!(seen, moved.values().sum::<usize>());
}

/// What one call of `pop_batch` takes are neighbours, whoever pops beside it.
#[test]
fn a_popped_batch_has_no_gaps() {
    let count = times(20_000, 40);
    let ring = RingBuffer::new(6);
    let got: Vec<Value> = thread::scope(|scope| {
        scope.spawn(|| {
            push_all(&ring, 0, count);
            ring.close();
        });
        let consume = || {
            let mut got = Vec::new();
            while !(ring.is_closed() && ring.is_empty()) {
                let mut batch = Vec::with_capacity(4);
                if ring.pop_batch(&mut batch, 4) == 0 {
                    thread::yield_now();
                }
                assert!(batch.windows(2).all(|two: &[Value]| two[0].1 + 1 == two[1].1));
                got.extend(batch);
            }
            got
        };
        let consumers = [scope.spawn(consume), scope.spawn(consume)];
        consumers.into_iter().flat_map(|consumer| consumer.join().expect("no panic")).collect()
    });
    assert_each_once(got, 1, count);
}

/// Every value that `force_push` takes is displaced, popped or left, once; and the order of each
/// producer is kept for whoever takes values out.
#[test]
fn force_push_accounts_for_every_value() {
    let producers = times(3, 2);
    let count = times(20_000, 8);
    for capacity in [1, 2, 3, 8] {
        let ring = RingBuffer::new(capacity);
        let mut got: Vec<Vec<Value>> = thread::scope(|scope| {
            let force = |producer: usize| {
                let ring = &ring;
                scope.spawn(move || {
                    let push = |number| ring.force_push((producer, number)).expect("it is open");
                    (0..count).filter_map(push).collect::<Vec<_>>()
                })
            };
            let running: Vec<_> = (0..producers).map(force).collect();
            let mut popped = Vec::new();
            while !running.iter().all(|producer| producer.is_finished()) {
                popped.extend(ring.pop().ok());
            }
            let displaced = running.into_iter().map(|producer| producer.join().expect("no panic"));
            displaced.chain([popped]).collect()
        });
        got.push(std::iter::from_fn(|| ring.pop().ok()).collect());
        for got in &got {
            assert_producers_in_order(got);
        }
        assert_each_once(got.concat(), producers, count);
    }
}

/// Batches long enough that stamps are stored and read by the block, beside each other and round the
/// end of the ring.
#[test]
fn long_batches_beside_each_other() {
    let count = times(200_000, 400);
    for capacity in [100, 257] {
        let ring = RingBuffer::new(capacity);
        let push_all = |producer: usize| {
            let (mut next, mut batch) = (0, Vec::new());
            while next < count || !batch.is_empty() {
                let until = count.min(next + 1 + next % 100);
                batch.extend((next..until).map(|number| (producer, number)));
                next = until;
                if ring.push_batch(&mut batch) == 0 {
                    thread::yield_now();
                }
            }
        };
        let pop_all = || {
            let mut got = Vec::new();
            loop {
                let max = 1 + got.len() % 100;
                if ring.pop_batch(&mut got, max) == 0 {
                    if ring.is_closed() && ring.is_empty() {
                        return got;
                    }
                    thread::yield_now();
                }
            }
        };
        let got = thread::scope(|scope| {
            let consumers = [scope.spawn(pop_all), scope.spawn(pop_all)];
            let producers = [scope.spawn(|| push_all(0)), scope.spawn(|| push_all(1))];
            producers.into_iter().for_each(|producer| producer.join().expect("no panic"));
            ring.close();
            consumers.map(|consumer| consumer.join().expect("no panic"))
        });
        got.iter().for_each(|got| assert_producers_in_order(got));
        assert_each_once(got.concat(), 2, count);
    }
}

/// Close in the middle of traffic: what was accepted comes out, once, and nothing else.
#[test]
fn close_loses_nothing_that_was_accepted() {
    for round in 0..times(200, 3) {
        let ring = RingBuffer::new(1 + round % 4);
        // How many values were accepted until the ring was closed.
        let produce = |producer: usize| {
            let mut number = 0;
            loop {
                match ring.push((producer, number)) {
                    Ok(()) => number += 1,
                    Err(PushError::Full(_)) => thread::yield_now(),
                    Err(PushError::Closed(_)) => return number,
                }
            }
        };
        let (accepted, got) = thread::scope(|scope| {
            let producers = [scope.spawn(|| produce(0)), scope.spawn(|| produce(1))];
            let consumers = [scope.spawn(|| pop_all(&ring)), scope.spawn(|| pop_all(&ring))];
            while ring.is_empty() {
                thread::yield_now();
            }
            assert!(ring.close());
            let accepted = producers.map(|producer| producer.join().expect("no panic"));
            (accepted, consumers.map(|consumer| consumer.join().expect("no panic")))
        });
        for got in &got {
            assert_producers_in_order(got);
        }
        let mut got = got.concat();
        got.sort_unstable();
        let sent = (0..2).flat_map(|producer| (0..accepted[producer]).map(move |n| (producer, n)));
        assert!(got.into_iter().eq(sent), "lost, doubled or accepted after close");
        assert_eq!(ring.pop(), Err(PopError::Closed));
    }
}
