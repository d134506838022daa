//! A deadline that is noted is not lost to a sweep.

use std::sync::Arc;

use super::deadlines::Deadlines;
use super::time::Millis;
use crate::model::{Model, race, race_three};
use crate::sync::{AtomicU64, Ordering};

/// Slots with nothing but a deadline, and the tree above them.
struct Slots {
    due: Vec<AtomicU64>,
    tree: Deadlines,
}

impl Slots {
    fn new(due: &[u64]) -> Arc<Self> {
        let slots = Self {
            due: due.iter().map(|_| AtomicU64::new(Millis::NEVER.0)).collect(),
            tree: Deadlines::new(due.len()),
        };
        for (index, due) in due.iter().enumerate().filter(|(_, due)| **due > 0) {
            slots.set(index, *due);
        }
        Arc::new(slots)
    }

    /// As `Taken::leave` does it. Returns whether somebody has to be told.
    fn set(&self, index: usize, due: u64) -> bool {
        self.due[index].swap(due, Ordering::SeqCst);
        self.tree.note(index, Millis(due))
    }

    /// What is due is done; returns the earliest deadline.
    fn sweep(&self, now: u64) -> u64 {
        let visit = |index: usize| loop {
            let due = self.due[index].load(Ordering::SeqCst);
            if due > now {
                return Millis(due);
            }
            let done = self.due[index].compare_exchange(
                due,
                Millis::NEVER.0,
                Ordering::SeqCst,
                Ordering::SeqCst,
            );
            if done.is_ok() {
                return Millis::NEVER;
            }
        };
        self.tree.sweep(Millis(now), visit);
        self.tree.earliest().0
    }

    fn pending(&self) -> Vec<usize> {
        let is_pending = |index: &usize| self.due[*index].load(Ordering::SeqCst) < Millis::NEVER.0;
        (0..self.due.len()).filter(is_pending).collect()
    }
}

/// The timer knows of the deadline: from the sweep, or because it is told.
#[test]
fn note_against_sweep() {
    for slots in [&[5, 0][..], &[5, 0, 0], &[5, 0, 0, 0, 0]] {
        for noted in 1..slots.len() {
            let slots = slots.to_vec();
            Model::new("deadlines: note against sweep").preemptions(3).check(
                &["told", "found", "found and told"],
                move || {
                    let slots = Slots::new(&slots);
                    let (timer, noter) = (Arc::clone(&slots), Arc::clone(&slots));
                    let (next, told) = race(move || timer.sweep(5), move || noter.set(noted, 7));
                    assert!(slots.tree.earliest() <= Millis(7));
                    slots.sweep(7);
                    assert_eq!(slots.pending(), [0; 0]);
                    let found = next <= 7;
                    match (found, told) {
                        (true, true) => "found and told",
                        (true, false) => "found",
                        (false, true) => "told",
                        (false, false) => "nobody knows",
                    }
                    .to_owned()
                },
            );
        }
    }
}

#[test]
fn two_notes_against_sweep() {
    Model::new("deadlines: two notes against sweep").check(&["known"], || {
        let slots = Slots::new(&[5, 0, 0, 0]);
        let (timer, one, other) = (Arc::clone(&slots), Arc::clone(&slots), Arc::clone(&slots));
        let (next, first, second) =
            race_three(move || timer.sweep(5), move || one.set(1, 7), move || other.set(2, 6));
        assert!(slots.tree.earliest() <= Millis(6));
        // Of two that are noted at once, who notes the later one may rest on the other.
        let known = next <= 6 || second || (first && next <= 7);
        slots.sweep(6);
        assert_eq!(slots.pending(), [1]);
        assert!(slots.tree.earliest() <= Millis(7));
        slots.sweep(7);
        assert_eq!(slots.pending(), [0; 0]);
        if known { "known" } else { "nobody knows" }.to_owned()
    });
}

#[test]
fn sweep_against_sweep() {
    Model::new("deadlines: sweep against sweep").preemptions(3).check(&["[1]"], || {
        let slots = Slots::new(&[5, 7, 5]);
        let (one, other) = (Arc::clone(&slots), Arc::clone(&slots));
        race(move || one.sweep(5), move || other.sweep(5));
        let pending = slots.pending();
        assert!(slots.tree.earliest() <= Millis(7));
        slots.sweep(7);
        assert_eq!(slots.pending(), [0; 0]);
        format!("{pending:?}")
    });
}
