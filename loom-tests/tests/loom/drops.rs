//! Values left in the ring are dropped with it, each once. (Every other model counts drops too.)

use loom_tests::spec::Op::{Close, ForcePush, PopBatch, PushBatch, TryPop, TryPush};

use crate::model::Model;

#[test]
fn m7_drop_of_what_two_producers_left() {
    Model::new("drop after pushes", 3)
        .dropped_as_it_is()
        .thread(&[TryPush(11), TryPush(12)])
        .thread(&[TryPush(21)])
        .preemptions(3)
        .check();
}

#[test]
fn m7_drop_of_what_a_consumer_left() {
    Model::new("drop after push and pop", 2)
        .dropped_as_it_is()
        .holding(&[91, 92])
        .thread(&[TryPop, TryPush(11)])
        .thread(&[ForcePush(21)])
        .preemptions(3)
        .check();
}

#[test]
fn m7_drop_of_what_batches_left() {
    Model::new("drop after batches", 3)
        .dropped_as_it_is()
        .holding(&[91])
        .thread(&[PushBatch(vec![11, 12])])
        .thread(&[PopBatch(2)])
        .preemptions(3)
        .check();
}

#[test]
fn m7_drop_of_what_a_closed_ring_holds() {
    Model::new("drop after close", 2)
        .dropped_as_it_is()
        .thread(&[TryPush(11), TryPush(12)])
        .thread(&[Close])
        .preemptions(3)
        .check();
}
