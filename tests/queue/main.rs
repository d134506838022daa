//! The queue from outside, on one thread and on many. `loom-tests` has its models.
//!
//! Time is a number that the tests choose. Each module shrinks under miri.

mod capacity;
mod control;
mod dead_letters;
mod due;
mod groups;
mod leases;
mod model;
mod operation;
mod sequential;
mod stress;
mod support;
mod tally;
mod waiting;

/// How often to do something: less often under miri, which is hundreds of times slower.
const fn times(native: usize, miri: usize) -> usize {
    if cfg!(miri) { miri } else { native }
}
