//! `force_push` displaces the oldest value, and nothing else. It waits for neighbours, so a model
//! has at most two threads of it.

use loom_tests::spec::Op::{Close, ForcePush, PopBatch, PushBatch, TryPop, TryPush};

use crate::model::Model;

#[test]
fn m8_force_push_against_pop() {
    for capacity in [1, 2] {
        Model::new("force_push, pop", capacity)
            .holding(&[91, 92][..capacity])
            .thread(&[ForcePush(11), ForcePush(12)])
            .thread(&[TryPop, TryPop])
            .preemptions(3)
            .meets_busy()
            .check();
    }
}

#[test]
fn m8_force_push_against_push() {
    for capacity in [1, 2] {
        Model::new("force_push, push", capacity)
            .thread(&[ForcePush(11), ForcePush(12)])
            .thread(&[TryPush(21), TryPush(22)])
            .preemptions(3)
            .check();
    }
}

#[test]
fn m8_force_push_against_force_push() {
    for capacity in [1, 2] {
        Model::new("force_push, force_push", capacity)
            .holding(&[91, 92][..capacity])
            .thread(&[ForcePush(11)])
            .thread(&[ForcePush(21)])
            .preemptions(3)
            .check();
    }
}

#[test]
fn m8_force_push_against_push_and_pop() {
    for capacity in [1, 2] {
        Model::new("force_push, push, pop", capacity)
            .holding(&[91, 92][..capacity])
            .thread(&[ForcePush(11)])
            .thread(&[TryPush(21)])
            .thread(&[TryPop])
            .meets_busy()
            .check();
    }
}

#[test]
fn m8_force_push_against_a_push_that_is_not_published() {
    Model::new("force_push, push then pop", 1)
        .thread(&[ForcePush(11)])
        .thread(&[TryPush(21), TryPop])
        .preemptions(3)
        .check();
}

#[test]
fn m8_force_push_against_batches() {
    Model::new("force_push, push_batch", 2)
        .thread(&[ForcePush(11)])
        .thread(&[PushBatch(vec![21, 22])])
        .preemptions(3)
        .check();
    Model::new("force_push, pop_batch", 2)
        .holding(&[91, 92])
        .thread(&[ForcePush(11)])
        .thread(&[PopBatch(2)])
        .preemptions(3)
        .check();
}

#[test]
fn m8_force_push_against_close() {
    for capacity in [1, 2] {
        Model::new("force_push, close and pop", capacity)
            .holding(&[91, 92][..capacity])
            .thread(&[ForcePush(11), ForcePush(12)])
            .thread(&[Close, TryPop, TryPop])
            .preemptions(3)
            .check();
    }
}
