//! The ring under loom: the source that ships, beside a `sync` module of loom's atomics and cells.
//!
//! `README.md` beside this package says what is modelled and what loom cannot see.

#[allow(dead_code, unused_imports)] // the queue needs more of a look
#[path = "../../../src/ring/mod.rs"]
mod ring;
mod sync;

mod model;
#[path = "../common/perform.rs"]
mod perform;
#[path = "../common/run.rs"]
mod run;
#[path = "../common/tracked.rs"]
mod tracked;

mod batches;
mod close;
mod counts;
mod drops;
mod force;
mod peek;
mod singles;
mod stopped;
