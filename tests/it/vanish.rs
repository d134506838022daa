//! Clients that vanish, stall or never read: the counts still add up, nothing is invented, and
//! everybody else is served.

use std::collections::HashSet;
use std::fs;
use std::io::{ErrorKind, Write};
use std::time::Instant;

use crate::support::client::{ended_between_answers, post};
use crate::support::{Answer, Client, DEADLINE, Server, event_body};

/// How many clients vanish in each way.
const CLIENTS: usize = 40;

const GET_DEQUEUE: &[u8] = b"GET /dequeue HTTP/1.1\r\nHost: ringmq\r\n\r\n";

/// The ways to leave without having read everything.
const FAREWELLS: [fn(Client); 3] = [
    |client| drop(client),
    |client| client.reset(),
    |client| {
        client.finish_sending();
        client.until_closed();
    },
];

/// A server together with the number of sockets it has when only `probe` is connected.
struct Watched {
    server: Server,
    probe: Client,
    sockets_at_rest: usize,
}

impl Watched {
    fn start(args: &[&str]) -> Self {
        let server = Server::start_with(args);
        let mut probe = server.client();
        probe.get("/size").assert_json(r#"{"size":0}"#);
        let sockets_at_rest = sockets_of(&server);
        Self { server, probe, sockets_at_rest }
    }

    /// Waits until the server has let go of every connection but the probe's, so that whatever
    /// the vanished clients caused has happened.
    fn settle(&mut self) {
        // Connections are accepted in their order: once a new one is served, none of theirs still
        // waits in the kernel.
        self.server.size();
        let deadline = Instant::now() + DEADLINE;
        while sockets_of(&self.server) > self.sockets_at_rest {
            assert!(Instant::now() < deadline, "connections of vanished clients stay open");
            self.probe.get("/size");
        }
    }
}

/// The kernel's own list of what the server has open.
fn sockets_of(server: &Server) -> usize {
    fs::read_dir(format!("/proc/{}/fd", server.process.id()))
        .expect("the server runs")
        // A descriptor may be closed between being listed and being read.
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}

#[test]
fn half_a_request_is_never_an_event() {
    let mut watched = Watched::start(&[]);
    let whole = post("/enqueue", br#"{"event":"never"}"#);
    let head = whole.len() - r#"{"event":"never"}"#.len();
    let promised_more = String::from_utf8(post("/enqueue", br#"{"event":"never"}"#))
        .expect("ASCII")
        .replace("Length: 17", "Length: 18");
    let unended = "POST /enqueue HTTP/1.1\r\nHost: ringmq\r\nTransfer-Encoding: chunked\r\n\r\n\
                   11\r\n{\"event\":\"never\"}\r\n";
    for part in [
        &whole[..0],
        &whole[..1],
        &whole[..head / 2],
        &whole[..head - 2],
        &whole[..head],
        &whole[..head + 1],
        &whole[..whole.len() - 1],
        promised_more.as_bytes(),
        unended.as_bytes(),
    ] {
        for farewell in FAREWELLS {
            for _ in 0..5 {
                let mut client = watched.server.client();
                client.send(part);
                farewell(client);
            }
        }
    }
    watched.settle();
    assert_eq!(watched.probe.take(), None);
}

#[test]
fn half_a_dequeue_takes_nothing() {
    let mut watched = Watched::start(&[]);
    watched.probe.put("kept");
    for part in [1, GET_DEQUEUE.len() / 2, GET_DEQUEUE.len() - 1] {
        for farewell in FAREWELLS {
            let mut client = watched.server.client();
            client.send(&GET_DEQUEUE[..part]);
            farewell(client);
        }
    }
    watched.settle();
    assert_eq!(watched.server.drain(), ["kept"]);
}

#[test]
fn events_of_vanished_producers_count_once_or_not_at_all() {
    let mut watched = Watched::start(&["--capacity", "4096"]);
    let mut acknowledged = Vec::new();
    let mut unread = HashSet::new();
    for farewell in FAREWELLS {
        for _ in 0..CLIENTS {
            let event = format!("unread {}", unread.len());
            let mut client = watched.server.client();
            client.send(post("/enqueue", &event_body(&event)));
            farewell(client);
            unread.insert(event);

            let event = format!("acknowledged {}", acknowledged.len());
            watched.probe.put(&event);
            acknowledged.push(event);
        }
    }
    watched.settle();
    let size = watched.server.size();
    let mut drained = watched.server.drain();
    assert_eq!(drained.len(), size);
    drained.retain(|event| !unread.remove(event));
    assert_eq!(drained, acknowledged);
}

#[test]
fn vanished_consumers_take_one_event_each_at_most() {
    let mut watched = Watched::start(&[]);
    let events: Vec<_> = (0..5 * CLIENTS).map(|n| n.to_string()).collect();
    events.iter().for_each(|event| watched.probe.put(event));
    for farewell in FAREWELLS {
        for _ in 0..CLIENTS {
            let mut client = watched.server.client();
            client.send(GET_DEQUEUE);
            farewell(client);
        }
    }
    watched.settle();
    let size = watched.server.size();
    let left = watched.server.drain();
    assert_eq!(left.len(), size);
    assert!(left.len() >= events.len() - FAREWELLS.len() * CLIENTS, "{} left", left.len());
    // Dequeues take from the front, so what is left is exactly the end of the line.
    assert_eq!(left, events[events.len() - left.len()..]);
}

#[test]
fn a_half_closed_client_gets_its_whole_answer_or_none() {
    let mut watched = Watched::start(&[]);
    let mut acknowledged = HashSet::new();
    for n in 0..CLIENTS {
        let event = n.to_string();
        let mut client = watched.server.client();
        client.send(post("/enqueue", &event_body(&event)));
        client.finish_sending();
        match client.try_answer() {
            Ok(answer) => {
                assert_eq!((answer.status, answer.event()), (200, event.clone()));
                acknowledged.insert(event);
            }
            Err(error) => assert!(ended_between_answers(&error), "{error}"),
        }
        assert_eq!(client.until_closed(), b"");
    }
    watched.settle();
    let left = watched.server.drain();
    let unique: HashSet<_> = left.iter().cloned().collect();
    assert_eq!(unique.len(), left.len());
    assert!(acknowledged.is_subset(&unique), "an acknowledged event is lost");
}

#[test]
fn stalled_clients_do_not_stop_the_others() {
    let server = Server::start_with(&["--workers", "1"]);
    let whole = post("/enqueue", br#"{"event":"stalled"}"#);
    let mut stalled: Vec<_> = (0..200)
        .map(|n| {
            let mut client = server.client();
            client.send(&whole[..n % whole.len()]);
            client
        })
        .collect();
    let mut client = server.client();
    for _ in 0..100 {
        client.put("x");
        assert_eq!(client.take().as_deref(), Some("x"));
    }
    // One of them wakes up and finishes.
    let n = whole.len() - 1;
    stalled[n].send(&whole[n..]);
    assert_eq!(stalled[n].answer().event(), "stalled");
    assert_eq!(client.take().as_deref(), Some("stalled"));
}

#[test]
fn a_client_that_never_reads_its_answers_does_not_stop_the_others() {
    let server = Server::start_with(&["--workers", "1"]);
    let client = server.client();
    client.stream().set_nonblocking(true).expect("a socket can be non-blocking");
    let requests = b"GET /status HTTP/1.1\r\nHost: ringmq\r\n\r\n".repeat(1000);
    // Until the server no longer reads, because its answers are not read either. A server that
    // reads on for ever would have to hold them all in memory.
    let mut sent = 0;
    let deadline = Instant::now() + DEADLINE;
    let mut other = server.client();
    let mut refused_in_a_row = 0;
    while refused_in_a_row < 100 {
        assert!(sent < 256 << 20, "the server takes requests without end");
        assert!(Instant::now() < deadline, "the server never stops reading");
        match client.stream().write(&requests) {
            Ok(count) => {
                sent += count;
                refused_in_a_row = 0;
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                refused_in_a_row += 1;
                // The server's turn: by now it has had as many as there are refusals.
                other.get("/size").assert_json(r#"{"size":0}"#);
            }
        }
    }
    for _ in 0..100 {
        other.put("x");
        assert_eq!(other.take().as_deref(), Some("x"));
    }
}

#[test]
fn a_vanishing_crowd_leaves_no_connection_and_no_event_behind() {
    let mut watched = Watched::start(&["--capacity", "64"]);
    let addr = watched.server.addr;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for n in 0..100 {
                    let mut client = Client::connect(addr);
                    // The connection may already be gone; the crowd does not care.
                    let _ = match n % 4 {
                        0 => client.try_send(post("/enqueue", &event_body("crowd"))),
                        1 => client.try_send(GET_DEQUEUE),
                        2 => client.try_send(&GET_DEQUEUE[..n % GET_DEQUEUE.len()]),
                        _ => client.try_send(GET_DEQUEUE.repeat(10)),
                    };
                    FAREWELLS[(n + thread) % FAREWELLS.len()](client);
                }
            });
        }
    });
    watched.settle();
    let status: Answer = watched.probe.get("/status");
    let size = status.json()["size"].as_u64().expect("a number") as usize;
    let left = watched.server.drain();
    assert_eq!(left.len(), size);
    assert!(left.iter().all(|event| event == "crowd"));
    watched
        .probe
        .get("/status")
        .assert_json(r#"{"status":"OK","size":0,"capacity":64,"isEmpty":true,"isFull":false}"#);
    (0..64).for_each(|n| watched.probe.put(&n.to_string()));
    assert_eq!(watched.probe.enqueue("full").status, 500);
    assert_eq!(watched.server.drain().len(), 64);
}
