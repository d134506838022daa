//! Looking at messages without receiving them.

use std::sync::Arc;

use crate::fixture::{NOW, left, queue, receive, tag};
use crate::model::{Model, race};

#[test]
fn browse_against_receive() {
    Model::new("browse against receive").preemptions(3).check(
        &["[1], got 1, left [] [1]", "[], got 1, left [] [1]"],
        || {
            let queue = queue(1, &[1]);
            let (browser, consumer) = (Arc::clone(&queue), Arc::clone(&queue));
            let (seen, received) = race(
                move || -> Vec<u8> {
                    browser.browse(1, NOW).iter().map(|look| tag(&look.message)).collect()
                },
                move || receive(&consumer, NOW),
            );
            format!("{seen:?}, {received}, {}", left(queue, NOW))
        },
    );
}
