//! Pushes and pops of single values.

use loom_tests::spec::Op::{Pop, Push, TryPop, TryPush};

use crate::model::Model;

#[test]
fn m1_two_producers_and_a_consumer() {
    for capacity in [1, 2, 3] {
        Model::new("two producers, consumer", capacity)
            .thread(&[TryPush(11), TryPush(12)])
            .thread(&[TryPush(21)])
            .thread(&[TryPop, TryPop])
            .preemptions(3)
            .meets_busy()
            .check();
    }
}

#[test]
fn m1_two_producers_and_two_consumers() {
    Model::new("two producers, two consumers", 1)
        .thread(&[TryPush(11)])
        .thread(&[TryPush(21)])
        .thread(&[TryPop])
        .thread(&[TryPop])
        .preemptions(1)
        .meets_busy()
        .check();
}

#[test]
fn m2_push_against_pop_when_full() {
    for capacity in [1, 2] {
        Model::new("push, pop when full", capacity)
            .holding(&[91, 92][..capacity])
            .thread(&[TryPush(11), TryPush(12)])
            .thread(&[TryPop, TryPop])
            .preemptions(3)
            .meets_busy()
            .check();
    }
}

#[test]
fn m2_a_push_waits_for_the_pop_that_makes_its_room() {
    Model::new("waiting push, pop when full", 1)
        .holding(&[91])
        .thread(&[Push(11), Push(12)])
        .thread(&[TryPop, TryPop])
        .preemptions(3)
        .check();
}

#[test]
fn m3_push_against_pop_when_empty() {
    for capacity in [1, 2] {
        Model::new("push, pop when empty", capacity)
            .thread(&[TryPop, TryPop])
            .thread(&[TryPush(11), TryPush(12)])
            .preemptions(3)
            .meets_busy()
            .check();
    }
}

#[test]
fn m3_a_pop_waits_for_the_push_of_its_value() {
    for capacity in [1, 2] {
        Model::new("push, waiting pop when empty", capacity)
            .in_first_lap()
            .thread(&[TryPush(11), TryPush(12)])
            .thread(&[Pop, Pop])
            .preemptions(3)
            .check();
    }
}

/// Full needs the push before the pops, empty needs it after them: each thread must see what the
/// other did before it looked.
#[test]
fn m3_full_and_empty_agree_on_an_order() {
    Model::new("full against empty", 2)
        .holding(&[91])
        .thread(&[TryPush(11), TryPush(12)])
        .thread(&[TryPop, TryPop])
        .preemptions(3)
        .check();
}

/// A push that is claimed and not published makes the ring full for one thread, so it must not be
/// empty for another.
#[test]
fn m3_a_claim_that_counts_as_full_is_not_empty() {
    Model::new("full and empty around a claim", 2)
        .holding(&[91])
        .thread(&[TryPush(11)])
        .thread(&[TryPush(21)])
        .thread(&[TryPop, TryPop])
        .meets_busy()
        .check();
}

#[test]
fn m4_two_consumers_and_one_value() {
    for capacity in [1, 2] {
        Model::new("two consumers, one value", capacity)
            .holding(&[91])
            .thread(&[TryPop])
            .thread(&[TryPop, TryPush(21)])
            .preemptions(3)
            .check();
    }
}

#[test]
fn m4_two_consumers_and_a_producer() {
    Model::new("two consumers, producer", 2)
        .thread(&[TryPush(11), TryPush(12)])
        .thread(&[TryPop])
        .thread(&[TryPop])
        .meets_busy()
        .check();
}

#[test]
fn m14_pairs_wrap_round_a_small_ring() {
    for capacity in [1, 2] {
        Model::new("two threads of pairs", capacity)
            .thread(&[TryPush(11), TryPop, TryPush(12), TryPop])
            .thread(&[TryPush(21), TryPop])
            .preemptions(3)
            .meets_busy()
            .check();
    }
}
