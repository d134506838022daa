//! Threads that count in one lane lose nothing.

use std::sync::Arc;

use crate::fixture::{NOW, send, take};
use crate::model::{Model, race};
use crate::queue::{Queue, Settings};
use crate::sync::yield_now;

#[test]
fn two_consumers_count_in_one_lane() {
    Model::new("two consumers count in one lane").check(&["3 in the end"], || {
        let queue = Queue::new(4, &Settings::default()).expect("a queue may have that capacity");
        let queue = Arc::new(queue.into_counted());
        // Slots and the lane are made before: they are in a `OnceBox`, and that this passes memory on
        // loom does not see.
        queue.make_slots().expect("there is memory");
        for tag in [1, 2, 3] {
            assert_eq!(send(&queue, tag, NOW), "sent");
        }
        assert_eq!(take(&queue, NOW), "got 1");
        let (one, two) = (Arc::clone(&queue), Arc::clone(&queue));
        race(move || take_surely(&one), move || take_surely(&two));
        let tallied = queue.tallied();
        assert_eq!((tallied.acked, tallied.time_in_queue.count()), (3, 3));
        format!("{} in the end", tallied.received)
    });
}

fn take_surely(queue: &Queue) {
    while !take(queue, NOW).starts_with("got") {
        yield_now();
    }
}
