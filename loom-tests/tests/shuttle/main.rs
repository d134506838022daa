//! The ring under shuttle: the source that ships, beside a `sync` module of shuttle's atomics.
//!
//! loom cannot schedule several threads that wait at once; here are the models that have them.

#[allow(dead_code, unused_imports)] // nobody looks here
#[path = "../../../src/ring/mod.rs"]
mod ring;
mod sync;

#[path = "../common/perform.rs"]
mod perform;
#[path = "../common/run.rs"]
mod run;
mod schedules;
#[path = "../common/tracked.rs"]
mod tracked;

mod waiters;
