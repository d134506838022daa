//! What a bounded queue may answer, and whether what threads saw could have been answers of one.
//!
//! This library is the oracle of every test of the ring that has more than one thread: the models
//! under loom (`tests/loom`) and shuttle (`tests/shuttle`) and the stress tests of the root package
//! (`tests/ring`). It knows nothing of the ring: [`spec`] is a `VecDeque` with a capacity and a
//! closed flag, [`history`] searches for an order of whole operations that explains a recording,
//! and [`coverage`] lists what whole operations can give, so that a model can be asked whether it
//! got to see all of it.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod coverage;
pub mod history;
pub mod spec;
