//! `len`, `is_empty` and `is_full` never tell of a moment that was not.

use loom_tests::spec::Op::{ForcePush, IsEmpty, IsFull, Len, PushBatch, TryPop, TryPush};

use crate::model::Model;

#[test]
fn m6_questions_against_a_push_and_a_pop() {
    for question in [Len, IsEmpty, IsFull] {
        for capacity in [1, 2] {
            Model::new("question, push, pop", capacity)
                .holding(&[91])
                .thread(&[question.clone(), question.clone()])
                .thread(&[TryPush(11)])
                .thread(&[TryPop])
                .check();
            Model::new("push, pop, question", capacity)
                .holding(&[91])
                .thread(&[TryPush(11)])
                .thread(&[TryPop])
                .thread(std::slice::from_ref(&question))
                .preemptions(3)
                .check();
        }
    }
}

#[test]
fn m6_questions_against_pairs() {
    for question in [Len, IsEmpty, IsFull] {
        for capacity in [1, 2] {
            Model::new("question, push then pop", capacity)
                .thread(std::slice::from_ref(&question))
                .thread(&[TryPush(11), TryPop])
                .preemptions(3)
                .check();
            Model::new("question, pop then push", capacity)
                .holding(&[91, 92][..capacity])
                .thread(std::slice::from_ref(&question))
                .thread(&[TryPop, TryPush(11)])
                .preemptions(3)
                .check();
        }
    }
}

#[test]
fn m6_questions_against_force_push() {
    for question in [Len, IsEmpty, IsFull] {
        for capacity in [1, 2] {
            Model::new("question, force_push", capacity)
                .holding(&[91, 92][..capacity])
                .thread(std::slice::from_ref(&question))
                .thread(&[ForcePush(11), ForcePush(12)])
                .preemptions(3)
                .check();
        }
    }
}

#[test]
fn m6_questions_against_a_batch() {
    for question in [Len, IsEmpty, IsFull] {
        Model::new("question, push_batch", 2)
            .thread(&[question.clone(), question.clone()])
            .thread(&[PushBatch(vec![11, 12]), TryPop])
            .preemptions(3)
            .check();
    }
}

/// Two threads that ask agree on which of a push and a pop came first.
#[test]
fn m6_two_who_ask_see_one_order() {
    for question in [Len, IsEmpty, IsFull] {
        Model::new("question, question, push, pop", 2)
            .holding(&[91])
            .thread(std::slice::from_ref(&question))
            .thread(std::slice::from_ref(&question))
            .thread(&[TryPush(11)])
            .thread(&[TryPop])
            .preemptions(3)
            .check();
    }
}

/// The counts answer for a value that is claimed and not there yet, so a caller that asks first and
/// pops then is not told that it is empty.
#[test]
fn m6_what_a_question_saw_is_not_missed_afterwards() {
    Model::new("len then pop, push", 1)
        .thread(&[Len, TryPop])
        .thread(&[TryPush(11)])
        .preemptions(3)
        .meets_busy()
        .check();
    Model::new("is_full then push, pop", 1)
        .holding(&[91])
        .thread(&[IsFull, TryPush(11)])
        .thread(&[TryPop])
        .preemptions(3)
        .meets_busy()
        .check();
}
