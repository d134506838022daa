//! When the next thing is due, for many slots: a tree of earliest deadlines.
//!
//! A slot's deadline stands in the slot. Above every 64 of them stands the earliest of theirs, above
//! 64 of those the earliest of these, up to one. Noting a deadline goes up only for as long as it
//! is earlier than what stands there, which for leases of one length is hardly ever; and a sweep goes
//! down only where something may be due. Nothing is taken out when a message is gone: an entry may
//! be too early, never too late, and the sweep that finds nothing there sets it right.
//!
//! Lock-free: a note is at most one read-modify-write a level.

use super::time::Millis;
use crate::sync::{AtomicU64, Ordering, PLAIN_MEMORY};

/// Under a model two, so that few slots have several levels.
const FAN: usize = if PLAIN_MEMORY { 64 } else { 2 };

/// The earliest deadlines of a fixed number of slots.
pub(super) struct Deadlines {
    /// From the one above the slots to a single word. Entries count down from the end of time, so
    /// that zeroed memory has none, and the earliest is the largest.
    levels: Box<[Box<[AtomicU64]>]>,
    slots: usize,
}

fn entry(deadline: Millis) -> u64 {
    u64::MAX - deadline.0
}

fn deadline(entry: u64) -> Millis {
    Millis(u64::MAX - entry)
}

impl Deadlines {
    /// Of `slots` slots, at least one, without a deadline.
    pub(super) fn new(slots: usize) -> Self {
        let mut levels = Vec::new();
        let mut words = slots;
        loop {
            words = words.div_ceil(FAN);
            levels.push((0..words).map(|_| AtomicU64::new(0)).collect());
            if words == 1 {
                return Self { levels: levels.into(), slots };
            }
        }
    }

    /// Notes that slot `index` has this deadline, which stands in it already. Returns whether it is
    /// earlier than all that were noted.
    pub(super) fn note(&self, mut index: usize, due: Millis) -> bool {
        let due = entry(due);
        for level in &self.levels {
            index /= FAN;
            let word = &level[index];
            // ORDERING: SeqCst, with the store of the deadline before and those of `sweep`: either
            // the sweep that clears this word comes first, and then it is seen to be cleared, or
            // the sweep's look at the slot comes after the deadline stood there.
            if word.load(Ordering::SeqCst) >= due || word.fetch_max(due, Ordering::SeqCst) >= due {
                return false;
            }
        }
        true
    }

    /// The earliest deadline, or one before it.
    pub(super) fn earliest(&self) -> Millis {
        let root = self.levels.last().expect("there is at least one level");
        // ORDERING: SeqCst, as in `note`.
        deadline(root[0].load(Ordering::SeqCst))
    }

    /// Visits every slot whose deadline may have come, some others too. `visit` does what is due and
    /// returns the deadline that the slot has then, or [`Millis::NEVER`].
    ///
    /// All slots of a word are visited whose entry is taken out, also such as were not in use a
    /// moment ago: they may have been noted there since.
    pub(super) fn sweep(&self, now: Millis, mut visit: impl FnMut(usize) -> Millis) {
        self.sweep_word(self.levels.len() - 1, 0, now, &mut visit);
    }

    fn sweep_word(
        &self,
        level: usize,
        index: usize,
        now: Millis,
        visit: &mut impl FnMut(usize) -> Millis,
    ) -> Millis {
        let word = &self.levels[level][index];
        // ORDERING: SeqCst, here and below, as in `note`.
        let noted = deadline(word.load(Ordering::SeqCst));
        if noted > now {
            return noted;
        }
        word.swap(0, Ordering::SeqCst);
        let below = if level == 0 { self.slots } else { self.levels[level - 1].len() };
        let mut earliest = Millis::NEVER;
        for child in index * FAN..((index + 1) * FAN).min(below) {
            let due = match level {
                0 => visit(child),
                _ => self.sweep_word(level - 1, child, now, visit),
            };
            earliest = earliest.min(due);
        }
        if earliest < Millis::NEVER {
            word.fetch_max(entry(earliest), Ordering::SeqCst);
        }
        earliest
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sync::in_model;

    /// Less of everything where an instruction takes a microsecond.
    const SLOTS: usize = if cfg!(miri) { 200 } else { 10_000 };
    const CASES: u32 = if cfg!(miri) { 4 } else { 256 };

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: CASES,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// Against a plain list: a sweep visits all that are due, and `earliest` is never late.
        #[test]
        fn nothing_due_is_passed_over(
            slots in 1_usize..SLOTS,
            steps in prop::collection::vec((any::<prop::sample::Index>(), 0_u64..1000, 0_u64..50), 1..100),
        ) {
            if !PLAIN_MEMORY {
                // Too many words for a model, which has `tests/queue` in their place.
                return Ok(());
            }
            let tree = Deadlines::new(slots);
            let mut deadlines = vec![Millis::NEVER; slots];
            let mut now = Millis(0);
            for (index, in_ms, passed) in steps {
                let index = index.index(slots);
                deadlines[index] = Millis(now.0 + in_ms);
                tree.note(index, deadlines[index]);
                prop_assert!(tree.earliest() <= *deadlines.iter().min().unwrap());
                now = Millis(now.0 + passed);
                tree.sweep(now, |index| {
                    if deadlines[index] <= now {
                        deadlines[index] = Millis::NEVER;
                    }
                    deadlines[index]
                });
                prop_assert!(deadlines.iter().all(|deadline| *deadline > now));
                // Where the sweep has been, the entries are exact.
                prop_assert!(tree.earliest() <= *deadlines.iter().min().unwrap());
            }
        }
    }

    #[test]
    fn only_an_earlier_deadline_reaches_the_top() {
        in_model(|| {
            let tree = Deadlines::new(5000);
            assert_eq!(tree.earliest(), Millis::NEVER);
            assert!(tree.note(4999, Millis(10)));
            assert!(!tree.note(0, Millis(11)));
            assert!(tree.note(1, Millis(9)));
            assert_eq!(tree.earliest(), Millis(9));
        });
    }
}
