//! What the queue is made of, each by itself: fewer steps, so more of their interleavings.

#[allow(dead_code)] // here and below: each is modelled in part
#[path = "../../../../src/queue/deadlines.rs"]
mod deadlines;
#[allow(dead_code)]
#[path = "../../../../src/queue/line.rs"]
mod line;
#[allow(dead_code)]
#[path = "../../../../src/queue/time.rs"]
mod time;
#[allow(dead_code)]
#[path = "../../../../src/queue/waiters.rs"]
mod waiters;

mod lines;
mod trees;
mod waiting;
