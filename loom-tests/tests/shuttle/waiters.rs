//! Threads that wait for each other's claim windows, several at a time.

use loom_tests::spec::Op::{
    Close, ForcePush, IsClosed, IsEmpty, IsFull, Len, Pop, PopBatch, Push, PushBatch, TryPop,
    TryPush,
};

use crate::schedules::Schedules;

#[test]
fn m1_two_producers_and_two_consumers_that_wait() {
    for capacity in [1, 2, 3] {
        Schedules::new("two producers, two consumers", capacity)
            .thread(&[Push(11), Push(12)])
            .thread(&[Push(21)])
            .thread(&[Pop, Pop])
            .thread(&[Pop])
            .check();
    }
}

#[test]
fn m2_three_producers_wait_for_one_consumer() {
    for capacity in [1, 2] {
        Schedules::new("three producers on a full ring", capacity)
            .holding(&[91, 92][..capacity])
            .thread(&[Push(11)])
            .thread(&[Push(21)])
            .thread(&[Push(31)])
            .thread(&[Pop, Pop])
            .check();
    }
}

#[test]
fn m3_three_consumers_wait_for_one_producer() {
    for capacity in [1, 2] {
        Schedules::new("three consumers on an empty ring", capacity)
            .thread(&[Push(11), Push(12)])
            .thread(&[Pop])
            .thread(&[Pop])
            .thread(&[Pop])
            .check();
    }
}

#[test]
fn m4_busy_means_a_neighbour() {
    for capacity in [1, 2] {
        Schedules::new("try_ forms", capacity)
            .thread(&[TryPush(11), TryPush(12)])
            .thread(&[TryPush(21)])
            .thread(&[TryPop, TryPop])
            .thread(&[TryPop])
            .check();
    }
}

#[test]
fn m5_batches_of_three_threads() {
    for capacity in [1, 2, 3] {
        Schedules::new("batches", capacity)
            .holding(&[91])
            .thread(&[PushBatch(vec![11, 12])])
            .thread(&[PushBatch(vec![21, 22])])
            .thread(&[PopBatch(2), PopBatch(3)])
            .check();
        Schedules::new("batches and singles", capacity)
            .holding(&[91])
            .thread(&[PushBatch(vec![11, 12])])
            .thread(&[Push(21)])
            .thread(&[PopBatch(2)])
            .thread(&[Pop])
            .check();
    }
}

#[test]
fn m6_questions_beside_traffic() {
    for capacity in [1, 2] {
        for question in [Len, IsEmpty, IsFull] {
            Schedules::new("questions", capacity)
                .holding(&[91])
                .thread(&[question.clone(), question])
                .thread(&[ForcePush(11)])
                .thread(&[Push(21)])
                .thread(&[Pop])
                .check();
        }
    }
}

#[test]
fn m8_three_threads_force_push() {
    for capacity in [1, 2, 3] {
        Schedules::new("three times force_push", capacity)
            .holding(&[91, 92, 93][..capacity])
            .thread(&[ForcePush(11), ForcePush(12)])
            .thread(&[ForcePush(21)])
            .thread(&[ForcePush(31)])
            .check();
    }
}

#[test]
fn m8_force_push_beside_traffic() {
    for capacity in [1, 2] {
        Schedules::new("force_push, push, pop", capacity)
            .holding(&[91])
            .thread(&[ForcePush(11), ForcePush(12)])
            .thread(&[Push(21), Pop])
            .thread(&[Pop])
            .check();
        Schedules::new("force_push, batches", capacity)
            .holding(&[91])
            .thread(&[ForcePush(11)])
            .thread(&[ForcePush(21)])
            .thread(&[PushBatch(vec![31, 32])])
            .thread(&[PopBatch(2)])
            .check();
    }
}

#[test]
fn m9_close_beside_traffic() {
    for capacity in [1, 2] {
        Schedules::new("close, push, pop", capacity)
            .thread(&[Push(11), Push(12)])
            .thread(&[Push(21), IsClosed])
            .thread(&[Pop, Pop])
            .thread(&[Close])
            .check();
        Schedules::new("close, force_push, batches", capacity)
            .holding(&[91])
            .thread(&[ForcePush(11)])
            .thread(&[PushBatch(vec![21])])
            .thread(&[PopBatch(2), Pop])
            .thread(&[Close])
            .check();
    }
}
