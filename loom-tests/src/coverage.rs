//! What whole operations can give: the results a model must have reached before it may pass.
//!
//! A model checker that explores too little passes quietly. So each model is asked for every result
//! that some interleaving of whole operations has; the answers that only overlapping operations
//! give (busy, short batches) come on top.

use std::collections::{BTreeSet, HashSet};

use crate::history::{Event, History};
use crate::spec::{Op, Outcome, Queue, Tag};

/// What one run answered, and what it left.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Run {
    /// Per thread, the answers in order.
    pub outcomes: Vec<Vec<Outcome>>,
    /// What was left in the queue, if that was looked at.
    pub left: Option<Vec<Tag>>,
}

impl Run {
    /// The answers of a recording, without who overlapped whom.
    pub fn of(history: &History) -> Self {
        let answers = |calls: &Vec<Event>| calls.iter().map(|call| call.outcome.clone()).collect();
        Self { outcomes: history.threads.iter().map(answers).collect(), left: history.left.clone() }
    }
    /// Each answer alone, with its thread and its place in the thread's program.
    pub fn answers(&self) -> Vec<(usize, usize, Outcome)> {
        let mut answers = Vec::new();
        for (thread, outcomes) in self.outcomes.iter().enumerate() {
            for (place, outcome) in outcomes.iter().enumerate() {
                answers.push((thread, place, outcome.clone()));
            }
        }
        answers
    }
}

/// Every result of running `programs` on `start`, one whole operation at a time.
pub fn interleavings(start: &Queue, programs: &[Vec<Op>]) -> BTreeSet<Run> {
    let mut results = BTreeSet::new();
    let mut tried = HashSet::new();
    let mut open = vec![(start.clone(), vec![Vec::new(); programs.len()])];
    while let Some((queue, outcomes)) = open.pop() {
        let next = |thread: usize| programs[thread].get(outcomes[thread].len());
        if (0..programs.len()).all(|thread| next(thread).is_none()) {
            results.insert(Run { outcomes, left: Some(queue.values().collect()) });
            continue;
        }
        for (thread, op) in (0..programs.len()).filter_map(|thread| Some((thread, next(thread)?))) {
            let (mut queue, mut outcomes) = (queue.clone(), outcomes.clone());
            outcomes[thread].push(queue.answer(op));
            if tried.insert((queue.clone(), outcomes.clone())) {
                open.push((queue, outcomes));
            }
        }
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_and_a_pop_have_two_results() {
        let programs = [vec![Op::Push(1)], vec![Op::Pop]];
        let results = interleavings(&Queue::new(1), &programs);
        let outcomes: Vec<_> = results.iter().map(|run| run.outcomes[1][0].clone()).collect();
        assert_eq!(outcomes, [Outcome::Popped(1), Outcome::Empty]);
    }
}
