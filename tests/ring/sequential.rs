//! One thread, any operations: the ring and the sequential queue answer alike.

use loom_tests::spec::{Op, Outcome, Queue, Tag};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::perform::perform;
use crate::ring::RingBuffer;
use crate::times;

fn op() -> impl Strategy<Value = Op> {
    let tag = any::<Tag>();
    prop_oneof![
        4 => tag.prop_map(Op::Push),
        2 => tag.prop_map(Op::TryPush),
        2 => tag.prop_map(Op::ForcePush),
        2 => vec(any::<Tag>(), 0..20).prop_map(Op::PushBatch),
        4 => Just(Op::Pop),
        2 => Just(Op::TryPop),
        2 => (0..20_usize).prop_map(Op::PopBatch),
        1 => (0..20_usize).prop_map(Op::TryPopBatch),
        1 => Just(Op::Len),
        1 => Just(Op::IsEmpty),
        1 => Just(Op::IsFull),
        1 => Just(Op::IsClosed),
    ]
}

/// Operations with at most one close among them, mostly late.
fn program() -> impl Strategy<Value = Vec<Op>> {
    (vec(op(), 1..times(120, 25)), 0..200_usize).prop_map(|(mut ops, close_at)| {
        if close_at < ops.len() {
            ops.insert(close_at, Op::Close);
        }
        ops
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: times(1000, 4) as u32,
        failure_persistence: None, // no files beside the sources, and miri has none
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_ring_answers_as_a_queue_of_its_capacity(capacity in 1..=17_usize, program in program()) {
        let ring = RingBuffer::<Tag>::new(capacity);
        let mut queue = Queue::new(capacity);
        for op in program {
            prop_assert_eq!(perform(&ring, &op), queue.answer(&op), "{:?}", op);
        }
        for tag in queue.values() {
            prop_assert_eq!(perform(&ring, &Op::Pop), Outcome::Popped(tag));
        }
        prop_assert!(ring.is_empty());
    }
}
