//! Eight producers and eight consumers over HTTP: nothing lost, nothing twice, order kept, and
//! every "full" and "empty" true, at capacities from 1 to 1024.

mod history;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use crate::support::answer::{EMPTY, FULL};
use crate::support::{Client, DEADLINE, Server};
use history::{Call, Span, check};

const PRODUCERS: usize = 8;
const CONSUMERS: usize = 8;

/// Events of one producer.
const EVENTS: usize = 500;

fn event(producer: usize, number: usize) -> String {
    format!("{producer}:{number}")
}

/// Sends its events in order, each again until there is room.
fn produce(addr: SocketAddr, producer: usize) -> Vec<Call> {
    let mut client = Client::connect(addr);
    let mut calls = Vec::new();
    for number in 0..EVENTS {
        let event = event(producer, number);
        loop {
            let (span, answer) = Span::measure(|| client.enqueue(&event));
            if answer.status == 200 {
                assert_eq!(answer.event(), event);
                calls.push(Call::Enqueued(event, span));
                break;
            }
            assert_eq!((answer.status, answer.text().as_str()), (500, FULL));
            calls.push(Call::Full(span));
        }
    }
    calls
}

/// Takes events until all consumers together have as many as there are.
fn consume(addr: SocketAddr, taken: &AtomicUsize) -> Vec<Call> {
    let mut client = Client::connect(addr);
    let deadline = Instant::now() + DEADLINE;
    let mut calls = Vec::new();
    while taken.load(Ordering::Relaxed) < PRODUCERS * EVENTS {
        let (span, answer) = Span::measure(|| client.dequeue());
        if answer.status == 200 {
            taken.fetch_add(1, Ordering::Relaxed);
            calls.push(Call::Dequeued(answer.event(), span));
        } else {
            assert_eq!((answer.status, answer.text().as_str()), (500, EMPTY));
            calls.push(Call::Empty(span));
        }
        assert!(Instant::now() < deadline, "{} events never came", PRODUCERS * EVENTS);
    }
    calls
}

/// Asks for the state over and over: each answer must make sense in itself.
fn observe(addr: SocketAddr, capacity: usize, done: &AtomicBool) {
    let mut client = Client::connect(addr);
    while !done.load(Ordering::Relaxed) {
        let status = client.get("/status").json();
        let size = status["size"].as_u64().expect("size is a number") as usize;
        assert!(size <= capacity, "{status}");
        assert_eq!(status["capacity"], capacity, "{status}");
        assert_eq!(status["isEmpty"], size == 0, "{status}");
        assert_eq!(status["isFull"], size == capacity, "{status}");
        let size = client.get("/size").json()["size"].as_u64().expect("size is a number");
        assert!(size as usize <= capacity, "{size}");
    }
}

/// Runs everybody against a server of this capacity and checks what all of them saw.
fn run(capacity: usize, workers: &str) {
    let server = Server::start_with(&["--capacity", &capacity.to_string(), "--workers", workers]);
    let addr = server.addr;
    let taken = AtomicUsize::new(0);
    let done = AtomicBool::new(false);
    let calls: Vec<Call> = thread::scope(|scope| {
        let threads: Vec<_> = (0..PRODUCERS)
            .map(|producer| scope.spawn(move || produce(addr, producer)))
            .chain((0..CONSUMERS).map(|_| scope.spawn(|| consume(addr, &taken))))
            .collect();
        let observer = scope.spawn(|| observe(addr, capacity, &done));
        let joined: Vec<_> = threads.into_iter().map(thread::ScopedJoinHandle::join).collect();
        // Before any panic is passed on, or the observer would never end.
        done.store(true, Ordering::Relaxed);
        observer.join().expect("every state made sense");
        joined.into_iter().flat_map(|calls| calls.expect("every call went well")).collect()
    });
    if let Err(fault) = check(&calls, capacity) {
        panic!("capacity {capacity}: {fault}");
    }
    let mut client = server.client();
    assert_eq!(client.take(), None);
    client.get("/status").assert_json(&format!(
        r#"{{"status":"OK","size":0,"capacity":{capacity},"isEmpty":true,"isFull":false}}"#
    ));
}

#[test]
fn nothing_is_lost_doubled_or_reordered_at_capacity_1() {
    run(1, "2");
}

#[test]
fn nothing_is_lost_doubled_or_reordered_at_capacity_2() {
    run(2, "2");
}

#[test]
fn nothing_is_lost_doubled_or_reordered_at_capacity_3() {
    run(3, "2");
}

#[test]
fn nothing_is_lost_doubled_or_reordered_at_capacity_64() {
    run(64, "2");
}

#[test]
fn nothing_is_lost_doubled_or_reordered_at_capacity_1024() {
    run(1024, "2");
}

#[test]
fn nothing_is_lost_doubled_or_reordered_with_more_workers_than_cores() {
    run(2, "16");
}

#[test]
fn nothing_is_lost_doubled_or_reordered_with_one_worker() {
    run(3, "1");
}

#[test]
fn exactly_as_many_events_are_accepted_as_fit() {
    for capacity in [1, 2, 3, 64] {
        let server = Server::with_capacity(capacity);
        let addr = server.addr;
        // Nobody consumes: of 8 x 20 attempts, those that fit succeed, no more and no fewer.
        let accepted: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..PRODUCERS)
                .map(|producer| {
                    scope.spawn(move || {
                        let mut client = Client::connect(addr);
                        let sent = (0..20).map(|n| client.enqueue(&event(producer, n)).status);
                        sent.filter(|&status| status == 200).count()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no call fails")).sum()
        });
        assert_eq!(accepted, capacity);
        server.client().get("/isFull").assert_json(r#"{"isFull":true}"#);
        assert_eq!(server.drain().len(), capacity);
    }
}

#[test]
fn consumers_share_what_there_is_without_overlap() {
    let server = Server::start();
    let addr = server.addr;
    let mut client = server.client();
    let mut events: Vec<_> = (0..500).map(|n| event(0, n)).collect();
    events.iter().for_each(|event| client.put(event));
    let mut taken: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..CONSUMERS).map(|_| scope.spawn(move || Client::connect(addr).drain())).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no call fails")).collect()
    });
    taken.sort_unstable();
    events.sort_unstable();
    assert_eq!(taken, events);
}
