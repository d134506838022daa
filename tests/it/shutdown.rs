//! Stopping: nothing that was acknowledged goes missing from the account, requests under way
//! finish, and the port is free for the next server at once.

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

/// Reads `... N messages still queued`.
#[track_caller]
pub fn queued_at_stop(log: &str) -> u64 {
    let line = log.lines().last().unwrap_or_default();
    let words: Vec<_> = line.split_whitespace().collect();
    words
        .windows(2)
        .filter(|pair| pair[1].starts_with("message"))
        .find_map(|pair| pair[0].parse().ok())
        .unwrap_or_else(|| panic!("no number of messages in the last line: {log}"))
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

/// Asks until the server says that it is about to stop.
fn wait_until_draining(server: &Server) {
    let deadline = Instant::now() + DEADLINE;
    while server.client().get("/readyz").status != 503 {
        assert!(Instant::now() < deadline, "the server is still ready");
    }
}

#[test]
fn a_request_under_way_is_finished_and_new_sends_are_refused() {
    let server = Server::start();
    server.client().put("before");
    let body = event_body("under way");
    let mut client = begin_enqueue(&server, &body);

    server.process.signal(Signal::SIGTERM);
    wait_until_draining(&server);
    assert_eq!(server.client().get("/livez").status, 200);
    server.client().enqueue("late").assert_error(503, "the server is stopping");
    // What is there can still be taken.
    assert_eq!(server.client().take().as_deref(), Some("before"));

    client.send(body);
    assert_eq!(client.answer().event(), "under way");
    assert_eq!(client.until_closed(), b"");
    assert_eq!(assert_stopped(&server.process.wait()), 1);
}

#[test]
fn parked_polls_are_answered_and_v1_sends_refused_when_the_server_stops() {
    let server = Server::start();
    let under_way = begin_enqueue(&server, b"never sent");
    let mut polls: Vec<_> = (0..20)
        .map(|number| {
            let mut client = server.client();
            let accept = if number % 2 == 0 { "*/*" } else { "application/octet-stream" };
            client.send(format!(
                "POST /v1/queues/default/receive?wait=60 HTTP/1.1\r\nHost: ringmq\r\n\
                 Accept: {accept}\r\n\r\n"
            ));
            client
        })
        .collect();
    let deadline = Instant::now() + DEADLINE;
    while server.client().get("/v1/queues/default").json()["counts"]["waiting_receives"] != 20 {
        assert!(Instant::now() < deadline, "not all polls are parked");
    }

    server.process.signal(Signal::SIGTERM);
    for (number, poll) in polls.iter_mut().enumerate() {
        let answer = poll.answer();
        match number % 2 {
            0 => answer.assert_json(r#"{"messages":[]}"#),
            _ => assert_eq!(answer.status, 204),
        }
    }
    wait_until_draining(&server);
    let mut client = server.client();
    client.send(post("/v1/queues/default/messages", b"late"));
    let refused = client.answer();
    assert_eq!(refused.status, 503);
    assert_eq!(refused.json()["code"], "draining");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(client.until_closed(), b"");
    // A poll that comes now is not parked.
    let mut late = server.client();
    late.send(post("/v1/queues/default/receive?wait=60", b""));
    late.answer().assert_json(r#"{"messages":[]}"#);

    drop(under_way);
    assert_eq!(assert_stopped(&server.process.wait()), 0);
}

#[test]
fn the_last_line_tells_what_is_queued_in_flight_and_delayed() {
    let server = Server::start();
    let mut client = server.client();
    client.send(post(
        "/v1/queues/default/messages/batch",
        br#"["1","2","3",{"body":"4","delay":60}]"#,
    ));
    assert_eq!(client.answer().status, 200);
    client.send(post("/v1/queues/default/receive", b""));
    assert_eq!(client.answer().status, 200);
    let exit = server.stop(Signal::SIGTERM);
    assert_eq!(assert_stopped(&exit), 2);
    let last = exit.stderr.lines().last().unwrap_or_default();
    assert!(last.ends_with("2 messages still queued, 1 in flight, 1 delayed"), "{last}");
}

#[test]
fn a_stalled_request_holds_up_the_end_for_the_drain_timeout_at_most() {
    let server = Server::start_with(&["--drain-timeout", "2s"]);
    let _stalled = begin_enqueue(&server, b"never sent");
    let began = Instant::now();
    assert_eq!(assert_stopped(&server.stop(Signal::SIGTERM)), 0);
    assert!(began.elapsed() < Duration::from_secs(9), "took {:?}", began.elapsed());
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
                // About to stop.
                Ok(answer) if answer.status == 503 => {}
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
