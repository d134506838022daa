//! Batches against single operations and against each other. Batches wait for a busy neighbour, so
//! a model has at most one of them that could wait at a time.

use loom_tests::spec::Op::{Close, PopBatch, PushBatch, TryPop, TryPopBatch, TryPush};

use crate::model::Model;

#[test]
fn m5_push_batch_against_pop() {
    for capacity in [1, 2, 3] {
        Model::new("push_batch, pop", capacity)
            .holding(&[91])
            .thread(&[PushBatch(vec![11, 12])])
            .thread(&[TryPop, TryPop])
            .preemptions(3)
            .meets_busy()
            .check();
    }
}

/// The slots that the batch wants come free one by one, and a push before it looks ahead at them.
#[test]
fn m5_push_batch_into_a_full_ring_against_pop() {
    Model::new("push, push_batch, pop when full", 3)
        .holding(&[91, 92, 93])
        .thread(&[TryPush(11), PushBatch(vec![12, 13])])
        .thread(&[TryPop, TryPop])
        .preemptions(3)
        .meets_busy()
        .check();
}

#[test]
fn m5_push_batch_against_push() {
    for capacity in [2, 3] {
        Model::new("push_batch, push", capacity)
            .thread(&[PushBatch(vec![11, 12])])
            .thread(&[TryPush(21), TryPush(22)])
            .preemptions(3)
            .check();
    }
}

#[test]
fn m5_push_batch_against_push_batch() {
    for capacity in [2, 3] {
        Model::new("push_batch, push_batch", capacity)
            .thread(&[PushBatch(vec![11, 12])])
            .thread(&[PushBatch(vec![21, 22])])
            .preemptions(3)
            .check();
    }
}

#[test]
fn m5_pop_batch_against_push() {
    for capacity in [1, 2, 3] {
        Model::new("pop_batch, push", capacity)
            .holding(&[91])
            .thread(&[PopBatch(2), PopBatch(2)])
            .thread(&[TryPush(11), TryPush(12)])
            .preemptions(3)
            .check();
    }
}

#[test]
fn m5_pop_batch_against_pop() {
    Model::new("pop_batch, pop", 3)
        .holding(&[91, 92, 93])
        .thread(&[PopBatch(2)])
        .thread(&[TryPop, TryPush(21)])
        .preemptions(3)
        .check();
}

#[test]
fn m5_try_pop_batch_against_push_and_close() {
    for capacity in [1, 2] {
        Model::new("try_pop_batch, push_batch", capacity)
            .thread(&[TryPopBatch(2), TryPopBatch(2)])
            .thread(&[PushBatch(vec![11, 12]), Close])
            .meets_busy()
            .preemptions(3)
            .check();
    }
}

#[test]
fn m5_pop_batch_against_pop_batch() {
    Model::new("pop_batch, pop_batch", 3)
        .holding(&[91, 92, 93])
        .thread(&[PopBatch(2)])
        .thread(&[PopBatch(2)])
        .preemptions(3)
        .check();
}

#[test]
fn m5_push_batch_against_pop_batch() {
    for capacity in [1, 2, 3] {
        Model::new("push_batch, pop_batch", capacity)
            .holding(&[91])
            .thread(&[PushBatch(vec![11, 12])])
            .thread(&[PopBatch(2), PopBatch(2)])
            .preemptions(3)
            .check();
    }
}

#[test]
fn m5_a_batch_round_the_end_of_the_ring() {
    Model::new("batches round the end", 2)
        .holding(&[91])
        .thread(&[TryPop, PushBatch(vec![11, 12])])
        .thread(&[PopBatch(2), TryPop])
        .preemptions(3)
        .check();
}

#[test]
fn m5_a_batch_two_singles_and_a_consumer() {
    Model::new("push_batch, push, pop", 2)
        .thread(&[PushBatch(vec![11, 12])])
        .thread(&[TryPush(21)])
        .thread(&[TryPop])
        .meets_busy()
        .check();
}

/// The last slot of a lap is claimed and not published when the first slot of the next one is.
#[test]
fn m5_a_batch_does_not_reach_over_a_gap() {
    Model::new("push, push, pop_batch", 2)
        .starting_at_the_second_slot()
        .thread(&[TryPush(11)])
        .thread(&[TryPush(21)])
        .thread(&[PopBatch(2)])
        .check();
}
