//! The v1 face, as its clients see it: named queues, leases, waiting, honest refusals.
//!
//! Nothing here sleeps. What takes time is waited for by a read that blocks (a poll that is parked),
//! or by asking for the queue's counts until they say so.

mod backpressure;
mod batch;
mod bounds;
mod browse;
mod dead_letters;
mod errors;
mod idempotency;
mod leases;
mod mixed;
mod parked_sends;
mod pause;
mod queues;
mod receive;
mod redrive;
mod send;
mod settings;
mod stress;
mod vanish;
mod waiting;

use std::time::Instant;

use serde_json::{Value, json};

use crate::support::client::request;
use crate::support::{Answer, Client, DEADLINE, Server};

/// The header that asks for a message as it was sent.
const RAW: (&str, &str) = ("Accept", "application/octet-stream");

/// No messages.
const NONE: [Value; 0] = [];

/// A server, and a connection to it.
struct Service {
    server: Server,
    client: Client,
}

impl Service {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(args: &[&str]) -> Self {
        let server = Server::start_with(args);
        let client = server.client();
        Self { server, client }
    }

    /// A server with one queue `q`.
    fn with_queue(settings: Value) -> Self {
        let mut service = Self::start();
        service.create("q", settings);
        service
    }

    #[track_caller]
    fn call(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        let answer = self.client.call(method, target, headers, body);
        check_marks(target, &answer);
        answer
    }

    #[track_caller]
    fn get(&mut self, target: &str) -> Answer {
        self.call("GET", target, &[], "")
    }

    #[track_caller]
    fn post(&mut self, target: &str, body: impl AsRef<[u8]>) -> Answer {
        self.call("POST", target, &[], body)
    }

    #[track_caller]
    fn post_json(&mut self, target: &str, body: Value) -> Answer {
        self.post(target, body.to_string())
    }

    #[track_caller]
    fn put(&mut self, queue: &str, settings: Value) -> Answer {
        self.call("PUT", &format!("/v1/queues/{queue}"), &[], settings.to_string())
    }

    /// Makes a queue and insists on success.
    #[track_caller]
    fn create(&mut self, queue: &str, settings: Value) {
        let answer = self.put(queue, settings);
        assert_eq!(answer.status, 201, "{}", answer.text());
    }

    #[track_caller]
    fn try_send(
        &mut self,
        queue: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        self.call("POST", &format!("/v1/queues/{queue}/messages"), headers, body)
    }

    /// Sends and insists on success. Returns the message's id.
    #[track_caller]
    fn send(&mut self, queue: &str, body: impl AsRef<[u8]>) -> String {
        self.send_with(queue, &[], body)
    }

    #[track_caller]
    fn send_with(
        &mut self,
        queue: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> String {
        let answer = self.try_send(queue, headers, body);
        assert_eq!(answer.status, 201, "{}", answer.text());
        text(&answer.json()["id"])
    }

    /// Receives: the messages, as JSON has them.
    #[track_caller]
    fn receive(&mut self, queue: &str, query: &str) -> Vec<Value> {
        let answer = self.post(&format!("/v1/queues/{queue}/receive{query}"), "");
        messages(&answer)
    }

    /// Receives exactly one message.
    #[track_caller]
    fn receive_one(&mut self, queue: &str, query: &str) -> Value {
        let mut messages = self.receive(queue, query);
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages.remove(0)
    }

    /// Takes everything that is ready for good: the bodies.
    #[track_caller]
    fn drain(&mut self, queue: &str) -> Vec<String> {
        bodies(&self.receive(queue, "?max=1000&lease=0"))
    }

    #[track_caller]
    fn ack(&mut self, queue: &str, receipt: &str) -> Answer {
        self.call("DELETE", &format!("/v1/queues/{queue}/leases/{receipt}"), &[], "")
    }

    #[track_caller]
    fn release(&mut self, queue: &str, receipt: &str, query: &str) -> Answer {
        self.post(&format!("/v1/queues/{queue}/leases/{receipt}/release{query}"), "")
    }

    #[track_caller]
    fn describe(&mut self, queue: &str) -> Value {
        let answer = self.get(&format!("/v1/queues/{queue}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// A number of the queue's description, such as `/counts/ready`.
    #[track_caller]
    fn number(&mut self, queue: &str, pointer: &str) -> u64 {
        let description = self.describe(queue);
        let number = description.pointer(pointer).and_then(Value::as_u64);
        number.unwrap_or_else(|| panic!("{pointer} is no number: {description}"))
    }

    /// Asks until a number of the queue's description is this one.
    #[track_caller]
    fn wait_for(&mut self, queue: &str, pointer: &str, wanted: u64) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let number = self.number(queue, pointer);
            if number == wanted {
                return;
            }
            assert!(Instant::now() < deadline, "{pointer} is {number} and not {wanted}");
        }
    }

    /// Asks until the queue's description is as wanted.
    #[track_caller]
    fn wait_until(&mut self, queue: &str, wanted: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let description = self.describe(queue);
            if wanted(&description) {
                return;
            }
            assert!(Instant::now() < deadline, "it never comes: {description}");
        }
    }

    /// A poll that waits, over a connection of its own; it is in line when this returns.
    #[track_caller]
    fn park(&mut self, queue: &str, query: &str) -> Client {
        self.park_call(
            queue,
            "/counts/waiting_receives",
            &request("POST", &format!("/v1/queues/{queue}/receive{query}"), &[], b""),
        )
    }

    /// A send that waits for room, as `park`.
    #[track_caller]
    fn park_send(&mut self, queue: &str, body: &str) -> Client {
        let target = format!("/v1/queues/{queue}/messages");
        let send = request("POST", &target, &[("Prefer", "wait=60")], body.as_bytes());
        self.park_call(queue, "/counts/waiting_sends", &send)
    }

    #[track_caller]
    fn park_call(&mut self, queue: &str, pointer: &str, bytes: &[u8]) -> Client {
        let before = self.number(queue, pointer);
        let mut client = self.server.client();
        client.send(bytes);
        self.wait_for(queue, pointer, before + 1);
        client
    }
}

/// Every answer about a queue says how full it is.
#[track_caller]
fn check_marks(target: &str, answer: &Answer) {
    if target.starts_with("/v1/queues/") && (200..300).contains(&answer.status) {
        marks(answer);
    }
}

/// `Queue-Depth` and `Queue-Capacity` of an answer that has them.
#[track_caller]
fn marks(answer: &Answer) -> (u64, u64) {
    let number = |name| {
        let value = answer.header(name).and_then(|value| value.parse().ok());
        value.unwrap_or_else(|| panic!("no {name}: {answer:?} {}", answer.text()))
    };
    (number("queue-depth"), number("queue-capacity"))
}

/// The messages of an answer to a receive.
#[track_caller]
fn messages(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    marks(answer);
    let mut document = answer.json();
    match document["messages"].take() {
        Value::Array(messages) => messages,
        _ => panic!("no messages: {document}"),
    }
}

fn bodies(messages: &[Value]) -> Vec<String> {
    messages.iter().map(|message| text(&message["body"])).collect()
}

#[track_caller]
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// The receipt of a message.
#[track_caller]
fn receipt(message: &Value) -> String {
    text(&message["receipt"])
}

/// The results of an answer about many, and their statuses.
#[track_caller]
fn results(answer: &Answer) -> (Vec<Value>, Vec<u64>) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut document = answer.json();
    let Value::Array(results) = document["results"].take() else {
        panic!("no results: {document}")
    };
    let statuses = results.iter().map(|result| result["status"].as_u64().expect("a status"));
    let statuses = statuses.collect();
    (results, statuses)
}

/// `Retry-After` is whole seconds, from 1 to 60.
#[track_caller]
fn assert_retry_after(answer: &Answer) -> u64 {
    let wait = answer.header("retry-after").and_then(|wait| wait.parse().ok());
    let wait: u64 = wait.unwrap_or_else(|| panic!("no Retry-After: {answer:?}"));
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(answer.json()["retry_after_s"], json!(wait));
    wait
}
