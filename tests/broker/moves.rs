//! Move tasks, and who sends its dead letters where.

use std::cell::RefCell;
use std::future::ready;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ringmq::broker::{Broker, Error, MoveError, MoveStatus, Named};
use ringmq::queue::Request;
use serde_json::json;

use crate::{AT_ONCE, bodies, broker, declare, done, receive, send};

/// A queue of dead letters with so many messages.
fn letters(broker: &Broker, count: usize) -> Arc<Named> {
    let queue = declare(broker, "dead", json!({}));
    for number in 0..count {
        send(broker, &queue, &number.to_string(), None);
    }
    queue
}

#[test]
fn a_task_moves_all_that_was_there() {
    let broker = broker();
    let (dead, live) = (letters(&broker, 3), declare(&broker, "live", json!({})));
    let task = broker.start_move(&dead, Some("live"), None).unwrap();
    assert_eq!((task.status(), task.moved(), task.to_move()), (MoveStatus::Running, 0, 3));
    let another = broker.start_move(&dead, Some("live"), None).unwrap_err();
    assert_eq!(another, Error::Move(MoveError::UnderWay));
    done(broker.run_move(&task, |_| ready(())));
    assert_eq!((task.status(), task.moved()), (MoveStatus::Completed, 3));
    assert_eq!(bodies(&receive(&broker, &live, 9)), ["0", "1", "2"]);
    assert_eq!(broker.cancel_move(task.handle()), Err(Error::Move(MoveError::Over)));
}

#[test]
fn a_rate_spaces_the_messages() {
    let broker = broker();
    let (dead, _live) = (letters(&broker, 3), declare(&broker, "live", json!({})));
    let task = broker.start_move(&dead, Some("live"), Some(2)).unwrap();
    let slept = RefCell::new(Vec::new());
    // A sleep that takes no time: so all messages but the first have to wait, each for longer.
    done(broker.run_move(&task, |span| {
        slept.borrow_mut().push(span);
        ready(())
    }));
    let slept = slept.into_inner();
    assert_eq!(slept.len(), 2);
    assert!(slept[0] <= Duration::from_millis(500), "{slept:?}");
    assert!(slept[1] <= Duration::from_secs(1) && slept[1] > slept[0], "{slept:?}");
}

#[test]
fn a_task_is_cancelled_between_two_messages() {
    let broker = broker();
    let (dead, live) = (letters(&broker, 3), declare(&broker, "live", json!({})));
    let task = broker.start_move(&dead, Some("live"), Some(1)).unwrap();
    done(broker.run_move(&task, |_| {
        assert_eq!(broker.cancel_move(task.handle()), Ok(1));
        assert_eq!(task.status(), MoveStatus::Cancelling);
        ready(())
    }));
    assert_eq!((task.status(), task.moved()), (MoveStatus::Cancelled, 1));
    assert_eq!((dead.depth(), live.depth()), (2, 1));
    for unknown in ["", "dead/", "nothing/0000000000000000", "dead/0000000000000000"] {
        assert_eq!(broker.cancel_move(unknown), Err(Error::Move(MoveError::Unknown)));
    }
}

#[test]
fn a_task_that_cannot_go_on_says_why() {
    let broker = broker();
    // These do not say where they came from.
    let dead = letters(&broker, 1);
    let task = broker.start_move(&dead, None, None).unwrap();
    done(broker.run_move(&task, |_| ready(())));
    assert_eq!(task.status(), MoveStatus::Failed);
    assert!(task.failure().unwrap().contains("where it came from"));
    assert_eq!(dead.ready(), 1);
    assert!(matches!(broker.start_move(&dead, Some("nowhere"), None), Err(Error::NotFound(_))));
    assert!(broker.start_move(&dead, Some("dead"), None).is_err());
}

#[test]
fn a_task_waits_for_room() {
    let broker = broker();
    let (dead, live) = (letters(&broker, 2), declare(&broker, "live", json!({"capacity": 1})));
    let task = broker.start_move(&dead, Some("live"), None).unwrap();
    done(broker.run_move(&task, |_| {
        for (_, receipt) in receive(&broker, &live, 1) {
            broker.ack(&live, &receipt).unwrap();
        }
        ready(())
    }));
    assert_eq!((task.status(), task.moved()), (MoveStatus::Completed, 2));
}

#[test]
fn a_task_that_is_dropped_has_failed() {
    let broker = broker();
    let (dead, _live) = (letters(&broker, 2), declare(&broker, "live", json!({})));
    let task = broker.start_move(&dead, Some("live"), Some(1)).unwrap();
    let mut run = Box::pin(broker.run_move(&task, |_| std::future::pending()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(run.as_mut().poll(&mut context), Poll::Pending));
    drop(run);
    assert_eq!((task.status(), task.moved()), (MoveStatus::Failed, 1));
}

#[test]
fn the_last_ten_tasks_are_kept() {
    let broker = broker();
    let (dead, _live) = (letters(&broker, 0), declare(&broker, "live", json!({})));
    let mut handles = Vec::new();
    for _ in 0..12 {
        let task = broker.start_move(&dead, Some("live"), None).unwrap();
        done(broker.run_move(&task, |_| ready(())));
        handles.insert(0, task.handle().to_owned());
    }
    let kept = broker.moves_of(&dead);
    assert_eq!(kept.iter().map(|task| task.handle()).collect::<Vec<_>>(), handles[..10]);
}

#[test]
fn dead_letters_of_a_fifo_queue_keep_their_group_and_go_back_in_order() {
    let broker = broker();
    let dead = declare(&broker, "dead", json!({"fifo": true}));
    let settings = json!({"fifo": true, "dead_letter": "dead", "max_receives": 1});
    let live = declare(&broker, "live", settings);
    for (text, group) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
        send(&broker, &live, text, Some(group));
    }
    for (_, receipt) in receive(&broker, &live, 9) {
        broker.release(&live, &receipt, Duration::ZERO).unwrap();
    }
    assert_eq!((live.depth(), dead.depth()), (0, 3));
    let first = receive(&broker, &dead, 1);
    assert_eq!(bodies(&first), ["a1"]);
    assert_eq!(bodies(&receive(&broker, &dead, 9)), ["b1"], "the other is behind its group");
    broker.release(&dead, &first[0].1, Duration::ZERO).unwrap();
    let task = broker.start_move(&dead, None, None).unwrap();
    done(broker.run_move(&task, |_| ready(())));
    assert_eq!((task.status(), task.moved()), (MoveStatus::Completed, 2));
    assert_eq!(bodies(&receive(&broker, &live, 9)), ["a1", "a2"]);
}

#[test]
fn a_queue_knows_whose_dead_letters_it_takes() {
    let broker = broker();
    let dead = letters(&broker, 0);
    assert!(broker.dead_letter_sources(dead.name()).is_empty());
    for name in ["b", "a", "c"] {
        declare(&broker, name, json!({"dead_letter": "dead"}));
    }
    declare(&broker, "c", json!({"dead_letter": null}));
    let sources = broker.dead_letter_sources(dead.name());
    assert_eq!(sources.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn a_move_asks_nothing_about_the_size() {
    let broker = broker();
    let dead = declare(&broker, "dead", json!({"max_message_bytes": 1}));
    let settings = json!({"dead_letter": "dead", "max_receives": 1, "max_message_bytes": 4});
    let live = declare(&broker, "live", settings);
    send(&broker, &live, "full", None);
    let (_, receipt) = receive(&broker, &live, 1).remove(0);
    broker.release(&live, &receipt, Duration::ZERO).unwrap();
    assert_eq!((live.depth(), dead.depth()), (0, 1));

    declare(&broker, "live", json!({"max_message_bytes": 1}));
    let task = broker.start_move(&dead, None, None).unwrap();
    done(broker.run_move(&task, |_| ready(())));
    assert_eq!(task.status(), MoveStatus::Completed);
    assert_eq!(bodies(&receive(&broker, &live, 9)), ["full"]);
}

#[test]
fn nothing_goes_from_a_fifo_queue_to_another_kind_or_back() {
    let broker = broker();
    let plain = declare(&broker, "plain", json!({}));
    let fifo = declare(&broker, "fifo", json!({"fifo": true}));
    send(&broker, &plain, "p", None);
    send(&broker, &fifo, "f", Some("a"));
    for (source, target) in [(&plain, "fifo"), (&fifo, "plain")] {
        let is_told = |error, wanted| {
            assert!(matches!(error, Error::Setting { field, .. } if field == wanted), "{error}");
        };
        let said = serde_json::from_value(json!({"dead_letter": target})).expect("settings");
        is_told(broker.declare(source.name(), said).unwrap_err(), "dead_letter");
        is_told(broker.start_move(source, Some(target), None).unwrap_err(), "to");
        is_told(broker.redrive_one(source, Some(target)).unwrap_err(), "to");
        assert_eq!((source.ready(), source.depth()), (1, 1));
    }
}

#[test]
fn a_dead_letter_is_as_old_as_it_was() {
    let broker = broker();
    let dead = declare(&broker, "dead", json!({}));
    let live = declare(&broker, "live", json!({"dead_letter": "dead", "max_receives": 1}));
    let first = |queue: &Arc<Named>| {
        let request = Request { max: 1, lease: None };
        let delivered = done(broker.receive(queue, request, AT_ONCE)).expect("it is there");
        let one = delivered.deliveries()[0].clone();
        let receipt = delivered.receipt(&one);
        delivered.passed_on();
        (one.sent_at, one.first_received_at, one.receive_count, receipt)
    };
    send(&broker, &live, "a", None);
    let (sent_at, first_received_at, _, receipt) = first(&live);
    while broker.clock().now() == first_received_at {
        std::hint::spin_loop();
    }
    let receipt = std::str::from_utf8(&receipt).unwrap();
    broker.release(&live, receipt, Duration::ZERO).unwrap();
    let (dead_sent_at, dead_first_received_at, receives, _) = first(&dead);
    assert_eq!((dead_sent_at, dead_first_received_at), (sent_at, first_received_at));
    assert_eq!(receives, 1);
}
