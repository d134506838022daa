//! Stopping: nothing that was acknowledged goes missing from the account, requests under way
//! finish, and the port is free for the next server at once.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::answer::{EMPTY, FULL};
use crate::support::client::{ended_between_answers, post};
use crate::support::{Client, DEADLINE, Exit, Server, event_body};

/// A clean end, and the number of events that the stop line says were still queued.
#[track_caller]
fn assert_stopped(exit: &Exit) -> u64 {
    assert_eq!(exit.status.code(), Some(0), "{exit:?}");
    assert!(!exit.stderr.contains("panicked"), "{}", exit.stderr);
    queued_at_stop(&exit.stderr)
}

/// Reads `... N events still queued`.
#[track_caller]
pub fn queued_at_stop(log: &str) -> u64 {
    let line = log.lines().last().unwrap_or_default();
    let words: Vec<_> = line.split_whitespace().collect();
    words
        .windows(2)
        .filter(|pair| pair[1].starts_with("event"))
        .find_map(|pair| pair[0].parse().ok())
        .unwrap_or_else(|| panic!("no number of events in the last line: {log}"))
}

#[test]
fn sigterm_stops_an_idle_server() {
    assert_eq!(assert_stopped(&Server::start().stop(Signal::SIGTERM)), 0);
}

#[test]
fn sigint_stops_an_idle_server() {
    assert_eq!(assert_stopped(&Server::start().stop(Signal::SIGINT)), 0);
}

#[test]
fn a_server_that_stops_says_how_many_events_it_still_had() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let server = Server::start();
        let mut client = server.client();
        (0..5).for_each(|n| client.put(&n.to_string()));
        client.take();
        assert_eq!(assert_stopped(&server.stop(signal)), 4);
    }
}

#[test]
fn idle_connections_do_not_hold_up_the_end() {
    let server = Server::start();
    let mut served = server.client();
    served.put("x");
    let unused = server.client();
    // An answer over a later connection: the earlier ones have been accepted too.
    server.size();
    let began = Instant::now();
    assert_eq!(assert_stopped(&server.stop(Signal::SIGTERM)), 1);
    // Held up, it would end after the 5 s that requests under way are given.
    assert!(began.elapsed() < Duration::from_secs(4), "took {:?}", began.elapsed());
    assert_eq!(served.until_closed(), b"");
    assert_eq!(unused.until_closed(), b"");
}

/// An enqueue that the server has begun, as its interim answer shows, and whose body is yet to come.
fn begin_enqueue(server: &Server, body: &[u8]) -> Client {
    let mut client = server.client();
    client.send(format!(
        "POST /enqueue HTTP/1.1\r\nHost: ringmq\r\nExpect: 100-continue\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    ));
    assert_eq!(client.answer().status, 100);
    client
}

#[test]
fn a_request_under_way_is_finished_and_new_ones_are_not_begun() {
    let server = Server::start();
    server.client().put("before");
    let body = event_body("under way");
    let mut client = begin_enqueue(&server, &body);

    server.process.signal(Signal::SIGTERM);
    let turned_away = refused(server.addr);
    client.send(body);
    assert_eq!(client.answer().event(), "under way");
    assert_eq!(client.until_closed(), b"");
    for client in turned_away {
        assert_eq!(client.until_closed(), b"");
    }
    assert_eq!(assert_stopped(&server.process.wait()), 2);
}

#[test]
fn a_stalled_request_holds_up_the_end_for_some_seconds_at_most() {
    let server = Server::start();
    let _stalled = begin_enqueue(&server, b"never sent");
    let began = Instant::now();
    assert_eq!(assert_stopped(&server.stop(Signal::SIGTERM)), 0);
    // Service managers and container runtimes kill what takes ten seconds.
    assert!(began.elapsed() < Duration::from_secs(9), "took {:?}", began.elapsed());
}

/// Connects until the server no longer accepts. Gives back those that were still let in.
fn refused(addr: SocketAddr) -> Vec<Client> {
    let deadline = Instant::now() + DEADLINE;
    let mut let_in = Vec::new();
    loop {
        match Client::try_connect(addr) {
            Ok(client) => let_in.push(client),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return let_in,
            // Caught between the kernel's accept and the server's.
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        assert!(Instant::now() < deadline, "the server goes on accepting");
        // A waiting line of connections is no reason for the server not to come to its end.
        let_in.drain(..let_in.len().saturating_sub(100));
        thread::yield_now();
    }
}

/// What one thread knows at the end: answers it had, and requests it never heard of again.
#[derive(Default)]
struct Account {
    acknowledged: u64,
    unanswered: u64,
}

/// Repeats the request, over a new connection whenever the server closes one, until the server
/// accepts no more. Says `warm` once after a hundred successes.
fn repeat_until_refused(
    addr: SocketAddr,
    request: &[u8],
    refusal: &str,
    warm: &Sender<()>,
) -> Account {
    let mut account = Account::default();
    while let Ok(mut client) = Client::try_connect(addr) {
        loop {
            match client.try_send(request).and_then(|()| client.try_answer()) {
                Ok(answer) if answer.status == 200 => {
                    account.acknowledged += 1;
                    if account.acknowledged == 100 {
                        warm.send(()).expect("somebody waits for this");
                    }
                }
                Ok(answer) => assert_eq!((answer.status, answer.text().as_str()), (500, refusal)),
                Err(error) => {
                    assert!(ended_between_answers(&error), "an answer was cut or late: {error}");
                    account.unanswered += 1;
                    break;
                }
            }
        }
    }
    account
}

#[test]
fn every_acknowledged_event_is_accounted_for_when_stopped_under_load() {
    for (signal, capacity) in [(Signal::SIGTERM, 64), (Signal::SIGINT, 64), (Signal::SIGTERM, 3)] {
        let server = Server::with_capacity(capacity);
        let addr = server.addr;
        let enqueue = post("/enqueue", &event_body("x"));
        let dequeue = b"GET /dequeue HTTP/1.1\r\nHost: ringmq\r\n\r\n".to_vec();
        let (warm, warmed) = mpsc::channel();
        let start = |request: &Vec<u8>, refusal| {
            let (request, warm) = (request.clone(), warm.clone());
            thread::spawn(move || repeat_until_refused(addr, &request, refusal, &warm))
        };
        let producers: Vec<_> = (0..4).map(|_| start(&enqueue, FULL)).collect();
        let consumers: Vec<_> = (0..4).map(|_| start(&dequeue, EMPTY)).collect();
        for _ in 0..producers.len() + consumers.len() {
            warmed.recv_timeout(DEADLINE).expect("every thread gets through");
        }

        let exit = server.stop(signal);
        let queued = assert_stopped(&exit);
        let sum = |threads: Vec<thread::JoinHandle<Account>>| {
            threads.into_iter().fold(Account::default(), |sum, thread| {
                let account = thread.join().expect("no thread saw a fault");
                Account {
                    acknowledged: sum.acknowledged + account.acknowledged,
                    unanswered: sum.unanswered + account.unanswered,
                }
            })
        };
        let (sent, taken) = (sum(producers), sum(consumers));
        let least = sent.acknowledged.saturating_sub(taken.acknowledged + taken.unanswered);
        let most = sent.acknowledged + sent.unanswered - taken.acknowledged;
        assert!(
            (least..=most).contains(&queued),
            "{queued} still queued, but between {least} and {most} must be"
        );
        assert!(queued <= capacity as u64);
    }
}

#[test]
fn the_port_is_free_again_at_once() {
    let mut server = Server::start_to_be_restarted();
    let addr = server.addr;
    for round in 0..5 {
        let mut client = server.client();
        // Memory is all there is: each server starts with nothing.
        assert_eq!(client.take(), None);
        client.put(&round.to_string());
        // The side that closes first keeps the address in TIME_WAIT: let that be the server.
        client.send("GET /size HTTP/1.1\r\nHost: ringmq\r\nConnection: close\r\n\r\n");
        client.answer().assert_json(r#"{"size":1}"#);
        assert_eq!(client.until_closed(), b"");
        let _open_to_the_end = server.client();

        assert_eq!(assert_stopped(&server.stop(Signal::SIGTERM)), 1);
        server = Server::start_at(addr);
    }
    assert_eq!(server.addr, addr);
}

#[test]
fn a_killed_server_leaves_its_port_free_too() {
    let server = Server::start_to_be_restarted();
    let addr = server.addr;
    let mut client = server.client();
    client.put("x");
    let exit = server.stop(Signal::SIGKILL);
    assert_eq!(exit.status.code(), None);
    client.until_closed();
    assert_eq!(Server::start_at(addr).size(), 0);
}
