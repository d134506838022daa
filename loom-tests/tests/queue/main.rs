//! The queue under loom: the source that ships, beside a `sync` module of loom's atomics and cells.
//!
//! `README.md` beside this package says what is modelled.

#![allow(clippy::duplicate_mod)] // `parts` has some files of the queue by themselves

#[allow(dead_code, unused_imports)] // the models need a part of what there is
#[path = "../../../src/queue/mod.rs"]
mod queue;
#[allow(dead_code)] // the queue needs a part of it
#[path = "../../../src/ring/mod.rs"]
mod ring;
mod sync;

mod fixture;
mod model;
mod parts;
mod waking;

mod batches;
mod browsing;
mod closing;
mod counted;
mod delays;
mod groups;
mod late_acks;
mod leases;
mod purging;
mod receivers;
mod resizing;
mod senders;
mod singles;
