//! Every value is dropped exactly once, wherever it ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::ring::RingBuffer;
use crate::times;

/// Counts its drop in the cell with its number; the first one that is told to panics then.
struct Counted<'a> {
    drops: &'a AtomicUsize,
    panics: bool,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::Relaxed);
        assert!(!self.panics, "as told");
    }
}

fn counters(count: usize) -> Vec<AtomicUsize> {
    (0..count).map(|_| AtomicUsize::new(0)).collect()
}

fn counted(drops: &AtomicUsize) -> Counted<'_> {
    Counted { drops, panics: false }
}

fn assert_each_once(counters: &[AtomicUsize]) {
    for (number, drops) in counters.iter().enumerate() {
        assert_eq!(drops.load(Ordering::Relaxed), 1, "value {number}");
    }
}

#[test]
fn what_remains_is_dropped_with_the_ring() {
    for capacity in 1..=9 {
        for popped in 0..=capacity {
            let drops = counters(capacity + popped);
            let ring = RingBuffer::new(capacity);
            let mut values = drops.iter().map(counted);
            for value in values.by_ref().take(capacity) {
                assert!(ring.push(value).is_ok());
            }
            for value in values {
                drop(ring.pop());
                assert!(ring.push(value).is_ok());
            }
            drop(ring);
            assert_each_once(&drops);
        }
    }
}

#[test]
fn a_closed_ring_drops_what_remains_too() {
    let drops = counters(2);
    let ring = RingBuffer::new(3);
    for drops in &drops {
        assert!(ring.push(counted(drops)).is_ok());
    }
    ring.close();
    drop(ring);
    assert_each_once(&drops);
}

#[test]
fn refused_displaced_and_batched_values_are_dropped_once() {
    let drops = counters(9);
    let ring = RingBuffer::new(2);
    let mut values: Vec<_> = drops.iter().map(counted).collect();
    assert_eq!(ring.push_batch(&mut values), 2);
    let refused = values.pop().expect("7 are left");
    drop(ring.push(refused).expect_err("it is full"));
    let forced = values.pop().expect("6 are left");
    drop(ring.force_push(forced).expect("it is open").expect("it was full"));
    let mut out = Vec::new();
    assert_eq!(ring.pop_batch(&mut out, 1), 1);
    drop(out);
    drop(values);
    drop(ring);
    assert_each_once(&drops);
}

#[test]
fn a_panic_in_a_drop_does_not_keep_the_rest() {
    for first_to_panic in 0..4 {
        let drops = counters(4);
        let ring = RingBuffer::new(4);
        for (number, drops) in drops.iter().enumerate() {
            let value = Counted { drops, panics: number == first_to_panic };
            assert!(ring.push(value).is_ok());
        }
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(ring)));
        assert!(dropped.is_err(), "the panic is passed on");
        assert_each_once(&drops);
    }
}

#[test]
fn values_of_no_size_are_dropped_once() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPS.fetch_add(1, Ordering::Relaxed);
        }
    }
    let ring = RingBuffer::new(3);
    assert_eq!(ring.push_batch(&mut vec![Nothing, Nothing]), 2);
    drop(ring.pop());
    drop(ring);
    assert_eq!(DROPS.load(Ordering::Relaxed), 2);
}

#[test]
fn values_that_threads_pass_are_dropped_once() {
    let per_thread = times(5_000, 20);
    for capacity in [1, 2, 7] {
        let drops = counters(2 * per_thread);
        let ring = RingBuffer::new(capacity);
        thread::scope(|scope| {
            for mine in drops.chunks(per_thread) {
                let ring = &ring;
                scope.spawn(move || {
                    for (number, drops) in mine.iter().enumerate() {
                        let value = counted(drops);
                        match number % 3 {
                            0 => drop(ring.force_push(value)),
                            1 => drop(ring.push(value)),
                            _ => drop((ring.try_push(value), ring.try_pop())),
                        }
                    }
                });
            }
        });
        drop(ring);
        assert_each_once(&drops);
    }
}
