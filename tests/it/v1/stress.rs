//! Many producers and consumers over one queue, of whom some let their leases run out and some are
//! killed mid-request: every accepted message is acknowledged, and only once where no lease ran out.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};

use super::{Service, messages, receipt, text};
use crate::support::client::post;
use crate::support::{Client, DEADLINE};

const PRODUCERS: usize = 8;
const CONSUMERS: usize = 8;

/// Messages of one producer.
const MESSAGES: usize = 250;

/// What one consumer knows at the end.
#[derive(Default)]
struct Account {
    /// Bodies whose ack was answered with yes.
    acked: Vec<String>,
    /// Bodies that were delivered for the first time, by what it read itself.
    delivered: Vec<String>,
    /// Bodies that it let go without an ack, on purpose.
    let_go: HashSet<String>,
}

fn produce(addr: SocketAddr, producer: usize) {
    let mut client = Client::connect(addr);
    for number in 0..MESSAGES {
        let body = format!("{producer}:{number}");
        // Some wait for room, some come again.
        let prefer = if producer.is_multiple_of(2) { "wait=30" } else { "wait=0" };
        loop {
            let answer = client.call("POST", "/v1/queues/q/messages", &[("Prefer", prefer)], &body);
            if answer.status == 201 {
                break;
            }
            answer.assert_problem(429, "queue_full");
        }
    }
}

fn consume(addr: SocketAddr, consumer: usize, acked: &AtomicUsize) -> Account {
    let mut client = Client::connect(addr);
    let mut account = Account::default();
    let deadline = Instant::now() + DEADLINE;
    let over = || acked.load(Ordering::SeqCst) >= PRODUCERS * MESSAGES;
    for round in 0_usize.. {
        if over() {
            break;
        }
        assert!(Instant::now() < deadline, "some messages never came");
        // Every now and then a client is gone while its poll is parked, or before it reads its answer.
        if consumer == 0 && round % 5 == 0 {
            client.send(post("/v1/queues/q/receive?wait=1&lease=20ms&max=5", b""));
            client.reset();
            client = Client::connect(addr);
            continue;
        }
        let careless = consumer == 1 && round % 3 == 0;
        let target = match careless {
            true => "/v1/queues/q/receive?wait=0.2&lease=1ms&max=2",
            false => "/v1/queues/q/receive?wait=0.2&lease=1h&max=10",
        };
        let received = messages(&client.call("POST", target, &[], ""));
        for message in &received {
            let body = text(&message["body"]);
            if message["receive_count"] == 1 {
                account.delivered.push(body.clone());
            }
            if careless {
                account.let_go.insert(body);
            }
        }
        if careless {
            continue;
        }
        let answered = match consumer % 2 {
            0 => received.iter().map(|message| ack(&mut client, message)).collect(),
            _ => ack_all(&mut client, &received),
        };
        for (message, status) in received.iter().zip(answered) {
            assert_eq!(status, 204, "its lease was long: {message}");
            account.acked.push(text(&message["body"]));
            acked.fetch_add(1, Ordering::SeqCst);
        }
    }
    account
}

fn ack(client: &mut Client, message: &Value) -> u64 {
    let target = format!("/v1/queues/q/leases/{}", receipt(message));
    client.call("DELETE", &target, &[], "").status.into()
}

fn ack_all(client: &mut Client, messages: &[Value]) -> Vec<u64> {
    if messages.is_empty() {
        return Vec::new();
    }
    let receipts: Vec<_> = messages.iter().map(receipt).collect();
    let body = json!({ "receipts": receipts }).to_string();
    super::results(&client.post("/v1/queues/q/leases/ack", body)).1
}

#[test]
fn every_accepted_message_is_acknowledged_and_only_once() {
    for (capacity, workers) in [(1000, "2"), (7, "4")] {
        let mut service = Service::start_with(&["--workers", workers]);
        service.create("q", json!({ "capacity": capacity }));
        let addr = service.server.addr;
        let acked = &AtomicUsize::new(0);
        let accounts: Vec<Account> = thread::scope(|scope| {
            for producer in 0..PRODUCERS {
                scope.spawn(move || produce(addr, producer));
            }
            let consumers: Vec<_> = (0..CONSUMERS)
                .map(|consumer| scope.spawn(move || consume(addr, consumer, acked)))
                .collect();
            consumers.into_iter().map(|one| one.join().expect("a consumer ends")).collect()
        });

        // Whose ack was told yes was acknowledged once, whatever happened to its leases before.
        let mut times: HashMap<&str, u32> = HashMap::new();
        for body in accounts.iter().flat_map(|account| &account.acked) {
            *times.entry(body).or_default() += 1;
        }
        for producer in 0..PRODUCERS {
            for number in 0..MESSAGES {
                assert_eq!(
                    times.remove(&*format!("{producer}:{number}")),
                    Some(1),
                    "{producer}:{number}"
                );
            }
        }
        assert!(times.is_empty(), "nobody sent {times:?}");
        // Nobody was delivered a message for the first time after somebody else.
        let mut first = HashSet::new();
        for body in accounts.iter().flat_map(|account| &account.delivered) {
            assert!(first.insert(body), "{body} was delivered twice for the first time");
        }
        let description = service.describe("q");
        for count in ["depth", "ready", "in_flight", "delayed", "bytes", "waiting_sends"] {
            assert_eq!(description["counts"][count], 0, "{description}");
        }
        let all = PRODUCERS * MESSAGES;
        assert_eq!(description["totals"]["sent"], all, "{description}");
        assert_eq!(description["totals"]["gone"], all, "{description}");
        let let_go: usize = accounts.iter().map(|account| account.let_go.len()).sum();
        let run_out = description["totals"]["leases_run_out"].as_u64().expect("a number");
        assert!(run_out as usize >= let_go, "{description}");
    }
}
