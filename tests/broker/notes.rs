//! What is kept with a queue and changes nothing about its messages.

use ringmq::broker::{DeclareMode, Declared, Error, QueueName, SettingsDocument};
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
    assert_eq!(queue.with_annotation("Policy", |text| text.map(str::len)), Some(2));
    assert!(queue.with_annotation("None", |text| text.is_none()));

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

#[test]
fn a_queue_is_made_or_changed_as_is_meant_and_with_its_notes() {
    let broker = broker();
    let name: QueueName = "q".parse().unwrap();
    let declare_as = |said, mode, note: &str| {
        let said = from_value(said).expect("settings");
        broker.declare_as(&name, said, mode, |labels, annotations| {
            labels.insert("label".into(), note.into());
            annotations.insert("annotation".into(), note.into());
        })
    };
    let changed = declare_as(json!({"capacity": 7}), DeclareMode::Update, "none");
    assert_eq!(changed, Err(Error::NotFound(name.clone())));
    assert!(broker.queue("q").is_err());

    let made = declare_as(json!({"capacity": 7}), DeclareMode::Create, "made");
    assert_eq!(made, Ok(Declared::Created));
    let queue = broker.queue("q").unwrap();
    let notes = || (queue.labels()["label"].clone(), queue.annotations()["annotation"].clone());
    assert_eq!(notes(), ("made".into(), "made".into()));

    let Err(Error::AlreadyExists { settings, .. }) =
        declare_as(json!({"capacity": 8}), DeclareMode::Create, "again")
    else {
        panic!("it is there")
    };
    assert_eq!(*settings, broker.describe(&queue).settings);
    assert_eq!((queue.capacity(), notes().0.as_str()), (7, "made"));

    // What is refused changes no notes either.
    let refused = declare_as(json!({"dead_letter": "q"}), DeclareMode::Update, "refused");
    assert!(matches!(refused, Err(Error::Setting { field: "dead_letter", .. })));
    assert_eq!(notes(), ("made".into(), "made".into()));
    let changed = declare_as(json!({"capacity": 8}), DeclareMode::Update, "changed");
    assert_eq!(changed, Ok(Declared::Updated));
    assert_eq!((queue.capacity(), notes().1.as_str()), (8, "changed"));
}
