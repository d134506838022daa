//! What is kept with a queue and changes nothing about its messages.

use ringmq::broker::{Error, SettingsDocument};
use serde_json::{from_value, json};

use crate::{broker, declare};

#[test]
fn labels_and_annotations_are_kept_apart() {
    let broker = broker();
    let queue = declare(&broker, "q", json!({"labels": {"team": "a"}}));
    broker.annotate(&queue, |notes| _ = notes.insert("Policy".into(), "{}".into()));
    broker.label(&queue, |labels| _ = labels.insert("env".into(), "test".into())).unwrap();
    assert_eq!(
        queue.labels().into_iter().collect::<Vec<_>>(),
        [("env".to_owned(), "test".to_owned()), ("team".to_owned(), "a".to_owned()),]
    );
    // Settings that say nothing of them leave both, and null clears the labels.
    declare(&broker, "q", json!({"capacity": 7}));
    assert_eq!(queue.labels().len(), 2);
    declare(&broker, "q", json!({"labels": null}));
    assert!(queue.labels().is_empty());
    assert_eq!(queue.annotations()["Policy"], "{}");

    let refused = broker.label(&queue, |labels| _ = labels.insert(String::new(), String::new()));
    assert!(matches!(refused, Err(Error::Setting { field: "labels", .. })));
    assert!(queue.labels().is_empty());
}

#[test]
fn a_queue_is_fifo_from_the_beginning_or_never() {
    let broker = broker();
    let queue = declare(&broker, "q", json!({"fifo": true}));
    assert!(queue.is_fifo());
    assert!(broker.describe(&queue).settings.fifo);
    declare(&broker, "q", json!({"fifo": true, "capacity": 7}));
    let change = |said| {
        let said: SettingsDocument = from_value(said).expect("settings");
        broker.declare(queue.name(), said)
    };
    for said in [json!({"fifo": false, "capacity": 9}), json!({"fifo": null})] {
        assert!(matches!(change(said), Err(Error::Setting { field: "fifo", .. })));
    }
    assert_eq!(queue.capacity(), 7);
}

#[test]
fn a_queue_knows_when_it_was_made_and_changed() {
    let broker = broker();
    let queue = declare(&broker, "q", json!({}));
    let made = broker.describe(&queue);
    assert_eq!(made.created_at, made.modified_at);
    let moment = broker.clock().now();
    while broker.clock().now() == moment {
        std::hint::spin_loop();
    }
    // What changes nothing is no change.
    declare(&broker, "q", json!({"capacity": 100}));
    assert_eq!(broker.describe(&queue).modified_at, made.modified_at);
    declare(&broker, "q", json!({"capacity": 99}));
    let changed = broker.describe(&queue);
    assert!(changed.modified_at > made.modified_at);
    assert_eq!(changed.created_at, made.created_at);
}
