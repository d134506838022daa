//! A look at the oldest values takes nothing, shows only what was there, and is done before anybody writes
//! over what it looks at: that is a race of cells, which loom finds.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use crate::ring::{RingBuffer, TryPushError};

type Ring = RingBuffer<u32>;

/// Checks a look at a full ring of this capacity beside a thread that does `other` and one that does `third`.
/// Every look of `expected`, and no other, must have been reached.
fn check(
    capacity: usize,
    expected: &[&[u32]],
    other: impl Fn(&Ring) + Copy + Send + Sync + 'static,
    third: Option<fn(&Ring)>,
) {
    let reached = Arc::new(Mutex::new(BTreeSet::new()));
    let found = Arc::clone(&reached);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let ring = Arc::new(Ring::after_laps(capacity, 2));
        for value in 0..capacity as u32 {
            assert_eq!(ring.try_push(value), Ok(()));
        }
        let beside = Arc::clone(&ring);
        let mut others = vec![loom::thread::spawn(move || other(&beside))];
        if let Some(third) = third {
            let beside = Arc::clone(&ring);
            others.push(loom::thread::spawn(move || third(&beside)));
        }
        let mut seen = Vec::new();
        if ring.peek(0, capacity, &mut seen) {
            let values: Vec<_> = seen.iter().map(|seen| seen.value).collect();
            found.lock().expect("one thread at a time").insert(values);
        } else {
            assert!(seen.is_empty());
        }
        others.into_iter().for_each(|other| other.join().expect("it does not panic"));
        // Nobody looks any more, so everything goes on.
        while ring.try_pop().is_ok() {}
        for value in 0..capacity as u32 {
            assert_eq!(ring.try_push(value), Ok(()));
        }
    });
    let reached = reached.lock().expect("it is over");
    let expected: BTreeSet<_> = expected.iter().map(|values| values.to_vec()).collect();
    assert_eq!(*reached, expected, "capacity {capacity}");
}

fn pop_and_push(ring: &Ring) {
    assert_eq!(ring.try_pop(), Ok(0));
    match ring.try_push(9) {
        Ok(()) | Err(TryPushError::Busy(9)) => {}
        Err(refused) => panic!("{refused:?}"),
    }
}

#[test]
fn m16_a_look_beside_a_pop_and_a_push() {
    check(1, &[&[], &[0], &[9]], pop_and_push, None);
    check(2, &[&[0, 1], &[1], &[1, 9]], pop_and_push, None);
}

#[test]
fn m16_a_look_beside_a_pop_and_a_push_of_two() {
    let pop = |ring: &Ring| assert_eq!(ring.try_pop(), Ok(0));
    let push = |ring: &Ring| _ = ring.try_push(9);
    check(1, &[&[], &[0], &[9]], pop, Some(push));
}

#[test]
fn m16_a_look_beside_a_force_push() {
    let force = |ring: &Ring| assert_eq!(ring.force_push(9), Ok(Some(0)));
    check(1, &[&[], &[0], &[9]], force, None);
    check(2, &[&[0, 1], &[1], &[1, 9]], force, None);
}

#[test]
fn m16_a_look_beside_a_look() {
    let look = |ring: &Ring| _ = ring.peek(0, 1, &mut Vec::new());
    check(1, &[&[], &[0], &[9]], pop_and_push, Some(look));
}
