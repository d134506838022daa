//! Nothing is accepted after close, and nothing accepted before it is lost.

use loom_tests::spec::Op::{Close, IsClosed, IsFull, PushBatch, TryPop, TryPush};

use crate::model::Model;

#[test]
fn m9_close_against_push_and_pop() {
    for capacity in [1, 2] {
        Model::new("close, push, pop", capacity)
            .thread(&[TryPop, TryPop])
            .thread(&[TryPush(11), TryPush(12)])
            .thread(&[Close])
            .meets_busy()
            .check();
    }
}

#[test]
fn m9_close_against_push_when_full() {
    Model::new("close, push, pop when full", 1)
        .holding(&[91])
        .thread(&[Close])
        .thread(&[TryPush(11)])
        .thread(&[TryPop, TryPop])
        .check();
}

#[test]
fn m9_close_against_close() {
    Model::new("close, close", 1)
        .thread(&[Close, TryPush(11)])
        .thread(&[Close, IsClosed])
        .preemptions(3)
        .check();
}

#[test]
fn m9_close_then_push_against_push() {
    Model::new("close then push, push", 2)
        .thread(&[IsClosed, Close, TryPush(11)])
        .thread(&[TryPush(21), TryPush(22), TryPop])
        .preemptions(3)
        .check();
}

#[test]
fn m9_close_against_push_batch() {
    Model::new("close, push_batch", 2)
        .thread(&[Close, TryPop])
        .thread(&[PushBatch(vec![11, 12]), PushBatch(vec![13])])
        .preemptions(3)
        .check();
}

/// By the clock: whoever begins after close has ended finds it closed.
#[test]
fn m9_close_is_known_to_all_that_come_after_it() {
    Model::new("close, push and pop", 3)
        .thread(&[TryPush(11), TryPop, TryPop])
        .thread(&[Close])
        .preemptions(3)
        .check();
    Model::new("close, is_closed", 1)
        .thread(&[IsClosed, TryPop, IsClosed])
        .thread(&[Close])
        .preemptions(3)
        .check();
}

/// A close and a pop that each look whether the other has been are not both first: their order is
/// one with the order of the claims.
#[test]
fn m9_close_and_pop_agree_on_an_order() {
    Model::new("close then is_full, pop then is_closed", 1)
        .holding(&[91])
        .thread(&[Close, IsFull])
        .thread(&[TryPop, IsClosed])
        .preemptions(3)
        .check();
}
