//! One thread: what a ring is, and the sizes it comes in.

use crate::ring::{CapacityError, PopError, PushError, RingBuffer, TryPopError, TryPushError};

#[test]
fn smoke() {
    let ring = RingBuffer::new(2);
    assert_eq!(ring.pop(), Err(PopError::Empty));
    assert_eq!(ring.push(1), Ok(()));
    assert_eq!(ring.push(2), Ok(()));
    assert_eq!(ring.push(3), Err(PushError::Full(3)));
    assert_eq!(ring.pop(), Ok(1));
    assert_eq!(ring.push(4), Ok(()));
    assert_eq!(ring.pop(), Ok(2));
    assert_eq!(ring.pop(), Ok(4));
    assert_eq!(ring.pop(), Err(PopError::Empty));
}

#[test]
fn a_closed_ring_gives_what_it_has_and_takes_nothing() {
    let ring = RingBuffer::new(2);
    ring.push(1).expect("room");
    assert!(!ring.is_closed());
    assert!(ring.close());
    assert!(!ring.close(), "closed already");
    assert!(ring.is_closed());
    assert_eq!(ring.push(2), Err(PushError::Closed(2)));
    assert_eq!(ring.try_push(2), Err(TryPushError::Closed(2)));
    assert_eq!(ring.force_push(2), Err(PushError::Closed(2)));
    let mut values = vec![2, 3];
    assert_eq!(ring.push_batch(&mut values), 0);
    assert_eq!(values, [2, 3]);
    assert_eq!(ring.pop(), Ok(1));
    assert_eq!(ring.pop(), Err(PopError::Closed));
    assert_eq!(ring.try_pop(), Err(TryPopError::Closed));
    assert_eq!(ring.pop_batch(&mut values, 2), 0);
    assert!(ring.is_empty());
}

#[test]
fn a_ring_has_exactly_the_capacity_it_was_asked_for() {
    for capacity in 1..=crate::times(70, 10) {
        let ring = RingBuffer::new(capacity);
        assert_eq!(ring.capacity(), capacity);
        for value in 0..capacity {
            assert!(!ring.is_full());
            assert_eq!(ring.push(value), Ok(()));
            assert_eq!(ring.len(), value + 1);
        }
        assert!(ring.is_full());
        assert_eq!(ring.push(capacity), Err(PushError::Full(capacity)));
    }
}

#[test]
fn a_capacity_that_cannot_be_is_an_error() {
    let error = |capacity| RingBuffer::<u64>::try_new(capacity).expect_err("not a capacity");
    assert_eq!(error(0), CapacityError::Zero);
    assert_eq!(error(RingBuffer::<u64>::MAX_CAPACITY + 1), CapacityError::TooLarge);
    assert_eq!(error(usize::MAX), CapacityError::TooLarge);
    // More bytes than there are addresses.
    type Huge = [u64; 1 << 32];
    let huge = RingBuffer::<Huge>::try_new(RingBuffer::<Huge>::MAX_CAPACITY);
    assert_eq!(huge.expect_err("no such memory"), CapacityError::OutOfMemory);
}

#[test]
#[should_panic(expected = "capacity must be at least 1")]
fn new_panics_without_capacity() {
    let _ = RingBuffer::<u64>::new(0);
}

#[test]
#[should_panic(expected = "capacity must be at most 2147483648")]
fn new_panics_above_the_largest_capacity() {
    let _ = RingBuffer::<u64>::new(RingBuffer::<u64>::MAX_CAPACITY + 1);
}

#[test]
fn values_of_no_size() {
    let ring = RingBuffer::new(3);
    assert_eq!(ring.push_batch(&mut vec![(); 5]), 3);
    assert_eq!(ring.push(()), Err(PushError::Full(())));
    assert_eq!(ring.force_push(()), Ok(Some(())));
    assert_eq!(ring.pop(), Ok(()));
    let mut out = Vec::new();
    assert_eq!(ring.pop_batch(&mut out, usize::MAX), 2);
    assert_eq!(out.len(), 2);
    assert_eq!(ring.pop(), Err(PopError::Empty));
}

#[test]
fn large_values_come_out_as_they_went_in() {
    type Large = [u64; 100];
    let large = |n: u64| -> Large { std::array::from_fn(|i| n * 1000 + i as u64) };
    let ring = RingBuffer::new(3);
    for lap in 0..5 {
        assert_eq!(ring.push_batch(&mut vec![large(lap), large(lap + 10)]), 2);
        assert_eq!(ring.push(large(lap + 20)), Ok(()));
        assert_eq!(ring.force_push(large(lap + 30)), Ok(Some(large(lap))));
        let mut out = Vec::new();
        assert_eq!(ring.pop_batch(&mut out, 3), 3);
        assert_eq!(out, [large(lap + 10), large(lap + 20), large(lap + 30)]);
    }
}

#[test]
fn strongly_aligned_values_stay_aligned() {
    #[repr(align(128))]
    struct Aligned(u8);
    let ring = RingBuffer::new(5);
    for n in 0..12 {
        ring.push(Box::new(Aligned(n))).expect("room");
        let value = *ring.pop().expect("it was pushed");
        assert_eq!(value.0, n);
    }
    let ring = RingBuffer::new(5);
    assert_eq!(ring.push_batch(&mut (0..5).map(Aligned).collect()), 5);
    let mut out = Vec::new();
    assert_eq!(ring.pop_batch(&mut out, 5), 5);
    assert!(out.iter().map(|value| value.0).eq(0..5));
}

#[test]
fn pop_batch_appends_and_asks_for_no_more_memory_than_there_are_values() {
    let ring = RingBuffer::new(1000);
    ring.push_batch(&mut vec![1, 2, 3]);
    let mut out = vec![0];
    assert_eq!(ring.pop_batch(&mut out, usize::MAX), 3);
    assert_eq!(out, [0, 1, 2, 3]);
    assert!(out.capacity() < 1000, "{}", out.capacity());
    assert_eq!(ring.pop_batch(&mut out, 0), 0);
}

#[test]
fn what_it_shows_of_itself() {
    let ring = RingBuffer::new(3);
    ring.push(7).expect("room");
    assert_eq!(format!("{ring:?}"), "RingBuffer { len: 1, capacity: 3, closed: false }");
    assert_eq!(format!("{:?}", PushError::Full(7)), "Full(..)");
    assert_eq!(PushError::Full(7).to_string(), "the ring is full");
    assert_eq!(TryPushError::Busy(7).into_inner(), 7);
}

#[test]
fn a_ring_is_shared_by_reference_if_its_values_can_be_sent() {
    fn shared<T: Send + Sync>() {}
    shared::<RingBuffer<u64>>();
    shared::<RingBuffer<std::cell::Cell<u64>>>();
}

/// Pages of this process that are in memory, in bytes.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("linux has it");
    let pages = statm.split(' ').nth(1).expect("the second field is resident");
    pages.parse::<usize>().expect("it is a number") * 4096
}

#[test]
#[cfg(target_os = "linux")]
#[cfg_attr(miri, ignore = "miri backs all memory that is asked for")]
fn a_ring_of_a_hundred_million_slots_costs_what_it_holds() {
    let before = resident();
    let ring = RingBuffer::new(100_000_000);
    for value in 0..10_000_u64 {
        assert_eq!(ring.push(value), Ok(()));
    }
    let grown = resident().saturating_sub(before);
    // Untouched it would be 1.6 GB; tests beside this one take some memory too.
    assert!(grown < 100 << 20, "{grown} bytes");
    assert_eq!(ring.len(), 10_000);
}
