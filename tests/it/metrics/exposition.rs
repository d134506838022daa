//! The page itself: its formats, its methods, and who asks for it while others work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use super::Service;
use super::page::{BOTH, Format, Page};
use crate::support::{Client, Server};

#[test]
fn both_formats_tell_the_same() {
    let mut service = Service::with_queue(json!({}));
    service.send("q");
    service.receive("q", "");
    let [open_metrics, prometheus] = BOTH.map(|format| Page::scrape(&mut service.client, format));
    let names: Vec<_> = open_metrics.names().collect();
    assert_eq!(names, prometheus.names().collect::<Vec<_>>());
    let sent = |page: &Page| page.of_queue("sent_messages_total", "q");
    assert_eq!((sent(&open_metrics), sent(&prometheus)), (1.0, 1.0));
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    assert_eq!(prometheus.value("ringmq_build_info", &version), 1.0);
    let without = Page::of(&service.client.get("/metrics"), Format::Prometheus);
    assert_eq!(without.names().collect::<Vec<_>>(), names);
}

#[test]
fn every_agreed_name_is_told() {
    let mut service = Service::start_with(&[]);
    let page = service.page();
    let names: Vec<_> = page.names().collect();
    for name in [
        "queue_ready_messages",
        "queue_in_flight_messages",
        "queue_delayed_messages",
        "queue_capacity_messages",
        "queue_bytes",
        "queue_oldest_ready_age_seconds",
        "queue_paused",
        "queue_parked_receivers",
        "queue_parked_senders",
        "queue_sent_messages_total",
        "queue_received_messages_total",
        "queue_acked_messages_total",
        "queue_released_messages_total",
        "queue_lease_expirations_total",
        "queue_expired_messages_total",
        "queue_dropped_messages_total",
        "queue_dead_lettered_messages_total",
        "queue_refusals_total",
        "queue_time_in_queue_seconds_bucket",
        "queue_lease_seconds_bucket",
        "queue_wake_latency_seconds_bucket",
        "http_request_duration_seconds_bucket",
        "queues",
        "memory_used_bytes",
        "memory_limit_bytes",
        "build_info",
    ] {
        assert!(names.contains(&&*format!("ringmq_{name}")), "{name}");
    }
    if cfg!(target_os = "linux") {
        for name in [
            "resident_memory_bytes",
            "cpu_seconds_total",
            "open_fds",
            "max_fds",
            "start_time_seconds",
            "threads",
        ] {
            assert!(names.contains(&&*format!("process_{name}")), "{name}");
        }
    }
}

#[test]
fn requests_are_told_by_face_and_status() {
    let mut service = Service::start_with(&[]);
    service.client.put("event");
    service.client.take();
    service.client.dequeue();
    service.client.get("/v1/queues/none");
    service.sqs("ListQueues", json!({}));
    service.client.get("/livez");
    let page = service.page();
    for (face, status, count) in
        [("classic", "200", 2.0), ("classic", "500", 1.0), ("v1", "404", 1.0), ("sqs", "200", 1.0)]
    {
        let labels = [("face", face), ("status", status)];
        assert_eq!(page.value("ringmq_http_requests_total", &labels), count, "{face} {status}");
    }
    let classic = [("face", "classic")];
    assert_eq!(page.value("ringmq_http_request_duration_seconds_count", &classic), 3.0);
    // The page before is a request of its own face.
    let ops = [("face", "ops"), ("status", "200")];
    assert_eq!(service.page().value("ringmq_http_requests_total", &ops), 2.0);
}

#[test]
fn it_can_only_be_read() {
    let mut service = Service::start_with(&[]);
    let head = service.client.request("HEAD", "/metrics");
    assert_eq!(
        (head.status, head.header("content-type")),
        (200, Some(Format::Prometheus.content_type()))
    );
    for method in ["POST", "DELETE", "PUT"] {
        let answer = service.client.request(method, "/metrics");
        answer.assert_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
    assert_eq!(service.client.get("/metrics/").status, 404);
    service.page();
}

#[test]
fn without_metrics_nothing_is_counted_and_nothing_told() {
    let mut service = Service::start_with(&["--metrics", "off"]);
    assert_eq!(service.client.get("/metrics").status, 404);
    service.create("q", json!({"capacity": 1}));
    service.send("q");
    assert_eq!(service.try_send("q", &[], "full"), 429);
    let receipt = service.receive("q", "").remove(0);
    service.ack("q", &receipt);
    service.client.put("event");
    service.client.take();
    let totals = service.totals("q");
    for (name, value) in
        [("sent", 1), ("gone", 1), ("received", 0), ("acked", 0), ("released", 0), ("refused", 0)]
    {
        assert_eq!(totals[name], json!(value), "{name}: {totals}");
    }
}

#[test]
fn pages_are_whole_and_never_fall_while_others_work() {
    const THREADS: usize = 3;
    const ROUNDS: usize = 150;
    let server = Server::start_with(&["--metrics-queues", "2", "--workers", "2"]);
    let (address, done) = (server.addr, AtomicBool::new(false));
    let work = |number: usize| {
        let mut client = Client::connect(address);
        for round in 0..ROUNDS {
            let queue = format!("q{}", (number + round / 10) % 4);
            client.call("PUT", &format!("/v1/queues/{queue}"), &[], "{}");
            let sent = client.call("POST", &format!("/v1/queues/{queue}/messages"), &[], "m");
            assert!([201, 404].contains(&sent.status), "{}", sent.text());
            client.call("POST", &format!("/v1/queues/{queue}/receive?lease=0"), &[], "");
            if round % 25 == 24 {
                client.request("DELETE", &format!("/v1/queues/{queue}"));
            }
        }
    };
    let watch = |format: Format| {
        let mut client = Client::connect(address);
        let (mut before, mut pages) = (Page::default(), 0);
        while !done.load(Ordering::Relaxed) || pages == 0 {
            let page = Page::scrape(&mut client, format);
            page.assert_grown_from(&before);
            assert!(page.queues().len() <= 3, "{:?}", page.queues());
            (before, pages) = (page, pages + 1);
        }
    };
    thread::scope(|scope| {
        // Two at the same time share what is read, and each sees it grow.
        let watchers = BOTH.map(|format| {
            scope.spawn({
                let watch = &watch;
                move || watch(format)
            })
        });
        let workers: Vec<_> = (0..THREADS)
            .map(|n| {
                scope.spawn({
                    let work = &work;
                    move || work(n)
                })
            })
            .collect();
        let worked: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        done.store(true, Ordering::Relaxed);
        for ended in worked.into_iter().chain(watchers.map(|watcher| watcher.join())) {
            ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}

#[test]
fn a_page_tells_what_was_answered_before_it_was_asked_for() {
    // Also where another page is just being read: that one is not good enough.
    let server = Server::start_with(&["--workers", "2"]);
    let (address, watched) = (server.addr, AtomicBool::new(true));
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut client = Client::connect(address);
            while watched.load(Ordering::Relaxed) {
                Page::scrape(&mut client, Format::Prometheus);
            }
        });
        let mut client = Client::connect(address);
        for count in 1..=50 {
            client.put("event");
            let page = Page::scrape(&mut client, Format::OpenMetrics);
            assert_eq!(page.of_queue("sent_messages_total", "default"), f64::from(count));
        }
        watched.store(false, Ordering::Relaxed);
        watcher.join().expect("it reads pages");
    });
}
