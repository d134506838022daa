//! Queues come, go and change places, and nothing runs backwards.

use serde_json::json;

use super::Service;
use super::page::Page;

const SENT: &str = "ringmq_queue_sent_messages_total";

fn send_many(service: &mut Service, queue: &str, count: usize) {
    let batch = vec!["m"; count];
    service.post(&format!("/v1/queues/{queue}/messages/batch"), json!(batch).to_string());
    service.receive(queue, "?max=1000&lease=0");
}

#[test]
fn no_more_queues_have_series_than_may() {
    let mut service = Service::start_with(&["--metrics-queues", "3"]);
    for number in 0..20 {
        service.create(&format!("queue-{number:02}"), json!({}));
    }
    for queue in ["queue-07", "queue-11", "queue-19"] {
        send_many(&mut service, queue, 10);
    }
    service.send("queue-03");
    let page = service.page();
    assert_eq!(page.queues(), ["queue-07", "queue-11", "queue-19", "(other)"]);
    assert_eq!(page.of_queue("sent_messages_total", "(other)"), 1.0);
    assert_eq!(page.of_queue("ready_messages", "(other)"), 1.0);
    assert_eq!(page.of_queue("capacity_messages", "(other)"), 18.0 * 1024.0);
    assert_eq!(page.value("ringmq_queues", &[]), 21.0);

    let mut service = Service::start_with(&["--metrics-queues", "0"]);
    service.client.put("event");
    let page = service.page();
    assert_eq!(page.queues(), ["(other)"]);
    assert_eq!(page.of_queue("sent_messages_total", "(other)"), 1.0);
}

#[test]
fn all_queues_have_series_where_there_are_few() {
    let mut service = Service::with_queue(json!({}));
    assert_eq!(service.page().queues(), ["default", "q"]);
    send_many(&mut service, "q", 5);
    service.page();
    // What was deleted has been told of; there is nothing left for the others.
    service.delete("q");
    assert_eq!(service.page().queues(), ["default"]);
}

#[test]
fn a_queue_has_to_be_much_busier_to_take_another_ones_place() {
    let mut service = Service::start_with(&["--metrics-queues", "1"]);
    service.create("a", json!({}));
    service.create("b", json!({}));
    send_many(&mut service, "a", 10);
    assert_eq!(service.page().queues(), ["a", "(other)"]);
    send_many(&mut service, "b", 15);
    assert_eq!(service.page().queues(), ["a", "(other)"]);
    send_many(&mut service, "b", 15);
    assert_eq!(service.page().queues(), ["b", "(other)"]);
}

#[test]
fn counters_never_fall_and_what_happened_is_told_once() {
    let mut service = Service::start_with(&["--metrics-queues", "2"]);
    let (mut sent, mut before, mut seen_gone) = (0, Page::default(), Vec::new());
    // As if at random: which queue is busy, and which is deleted, changes all the time.
    let mut state = 12345u32;
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    for round in 0..120u32 {
        let queue = format!("q{}", random(6));
        service.create(&queue, json!({}));
        let count = 1 + random(40) as usize * (1 + round as usize / 10);
        send_many(&mut service, &queue, count);
        sent += count;
        if random(4) == 0 {
            // Also one that has messages, and one that was used since it was last told of.
            service.send(&queue);
            sent += 1;
            service.delete(&queue);
        }
        let page = service.page();
        page.assert_grown_from(&before);
        let gone = before.queues().into_iter().filter(|it| !page.queues().contains(it));
        seen_gone.extend(gone.map(|name| before.of_queue("sent_messages_total", name)));
        assert!(page.queues().len() <= 3, "{:?}", page.queues());
        before = page;
    }
    assert!(seen_gone.len() > 5, "few changed places: {seen_gone:?}");

    // All queues go. What the others tell, and what the series told that are gone now, is all there was.
    for number in 0..6 {
        service.client.request("DELETE", &format!("/v1/queues/q{number}"));
    }
    let page = service.page();
    page.assert_grown_from(&before);
    assert_eq!(page.queues(), ["default", "(other)"]);
    assert!(page.sum(SENT) <= sent as f64);
}

#[test]
fn what_every_series_ever_told_adds_up_to_what_happened() {
    let mut service = Service::start_with(&["--metrics-queues", "2"]);
    let mut sent = 0;
    for round in 0..30 {
        // Three queues for two places, each by far the busiest in its turn; none is deleted.
        let (queue, count) = (format!("q{}", round % 3), 1 << (round / 3).min(9));
        service.create(&queue, json!({}));
        send_many(&mut service, &queue, count);
        sent += count;
        let page = service.page();
        // A series that is not told now has told something, and goes on from there.
        assert!(page.sum(SENT) <= sent as f64);
    }
    // With all of them told, each has what was counted while it was.
    let names = ["q0", "q1", "q2", "default"];
    let mut told = std::collections::HashMap::new();
    for queue in names.iter().chain(&names) {
        send_many(&mut service, queue, 1000);
        send_many(&mut service, queue, 1000);
        service.page();
        send_many(&mut service, queue, 1000);
        sent += 3000;
        let page = service.page();
        for queue in page.queues() {
            told.insert(queue.to_owned(), page.of_queue("sent_messages_total", queue));
        }
    }
    let last = service.page();
    for queue in last.queues() {
        told.insert(queue.to_owned(), last.of_queue("sent_messages_total", queue));
    }
    assert_eq!(told.values().sum::<f64>(), sent as f64, "{told:?}");
}

#[test]
fn a_queue_that_is_made_again_goes_on_where_it_was() {
    let mut service = Service::with_queue(json!({}));
    send_many(&mut service, "q", 5);
    assert_eq!(service.page().of_queue("sent_messages_total", "q"), 5.0);
    service.delete("q");
    service.create("q", json!({}));
    send_many(&mut service, "q", 3);
    assert_eq!(service.page().of_queue("sent_messages_total", "q"), 8.0);
    // Once it was seen that there is none, its series has ended.
    service.delete("q");
    service.page();
    service.create("q", json!({}));
    send_many(&mut service, "q", 2);
    assert_eq!(service.page().of_queue("sent_messages_total", "q"), 2.0);
}
