//! The SQS face, as its clients see it: both protocols, every case over both where that can differ.
//!
//! Nothing here sleeps. What takes time is waited for by a receive that waits, or by asking until it is so.

mod attributes;
mod auth;
mod batch;
mod dead_letters;
mod errors;
mod fifo;
mod full;
mod limits;
mod message_attributes;
mod messages;
mod mixed;
mod moves;
mod queues;
mod receipts;
mod stopping;
mod tags;
mod waiting;
mod wire;

use std::time::Instant;

use serde_json::{Value, json};

use self::wire::{BOTH, Failure, Protocol};
use crate::support::client::request;
use crate::support::{Answer, Client, DEADLINE, Server};

/// A server, and a connection to it that speaks one protocol.
struct Service {
    server: Server,
    client: Client,
    protocol: Protocol,
}

/// Runs a case over both protocols, each with a server of its own.
#[track_caller]
fn over_both(case: impl Fn(&mut Service)) {
    over_both_with(&[], case);
}

#[track_caller]
fn over_both_with(args: &[&str], case: impl Fn(&mut Service)) {
    for protocol in BOTH {
        case(&mut Service::start_with(protocol, args));
    }
}

impl Service {
    fn start_with(protocol: Protocol, args: &[&str]) -> Self {
        let server = Server::start_with(args);
        let client = server.client();
        Self { server, client, protocol }
    }

    fn json() -> Self {
        Self::start_with(Protocol::Json, &[])
    }

    /// The bytes of a request.
    fn bytes(&self, action: &str, document: &Value) -> Vec<u8> {
        let (headers, body) = self.protocol.encode(action, document);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        request("POST", "/", &headers, body.as_bytes())
    }

    #[track_caller]
    fn call(&mut self, action: &str, document: Value) -> Result<Value, Failure> {
        let bytes = self.bytes(action, &document);
        self.client.send(bytes);
        let answer = self.client.answer();
        self.protocol.decode(action, &answer)
    }

    /// Calls and insists on success.
    #[track_caller]
    fn ok(&mut self, action: &str, document: Value) -> Value {
        let asked = document.to_string();
        self.call(action, document)
            .unwrap_or_else(|failure| panic!("{action} {asked}: {failure:?}"))
    }

    /// Calls and insists on this error; returns its text.
    #[track_caller]
    fn fail(&mut self, action: &str, document: Value, shape: &str, code: &str) -> Failure {
        let asked = document.to_string();
        let Err(failure) = self.call(action, document) else { panic!("{action} {asked} succeeds") };
        assert_eq!(failure.code, code, "{action} {asked}: {failure:?}");
        if self.protocol == Protocol::Json {
            assert_eq!(failure.shape.as_deref(), Some(shape), "{action} {asked}: {failure:?}");
        }
        failure
    }

    /// An `InvalidParameterValue` whose text has this in it.
    #[track_caller]
    fn refuse(&mut self, action: &str, document: Value, told: &str) {
        let failure =
            self.fail(action, document, "InvalidParameterValueException", "InvalidParameterValue");
        assert_eq!((failure.status, failure.side.as_str()), (400, "Sender"), "{failure:?}");
        assert!(failure.message.contains(told), "{failure:?}");
    }

    /// Makes a queue. Returns its URL.
    #[track_caller]
    fn create(&mut self, name: &str) -> String {
        self.create_with(name, json!({}))
    }

    #[track_caller]
    fn create_with(&mut self, name: &str, attributes: Value) -> String {
        let made = self.ok("CreateQueue", json!({"QueueName": name, "Attributes": attributes}));
        text(&made["QueueUrl"])
    }

    #[track_caller]
    fn send(&mut self, url: &str, body: &str) -> Value {
        self.ok("SendMessage", json!({"QueueUrl": url, "MessageBody": body}))
    }

    /// Receives with these fields beside the queue: the messages.
    #[track_caller]
    fn receive(&mut self, url: &str, mut fields: Value) -> Vec<Value> {
        fields["QueueUrl"] = json!(url);
        messages(&self.ok("ReceiveMessage", fields))
    }

    /// Receives exactly one message.
    #[track_caller]
    fn receive_one(&mut self, url: &str, fields: Value) -> Value {
        let mut messages = self.receive(url, fields);
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages.remove(0)
    }

    #[track_caller]
    fn delete(&mut self, url: &str, message: &Value) {
        let document = json!({"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]});
        self.ok("DeleteMessage", document);
    }

    /// All attributes of a queue.
    #[track_caller]
    fn attributes(&mut self, url: &str) -> Value {
        let document = json!({"QueueUrl": url, "AttributeNames": ["All"]});
        self.ok("GetQueueAttributes", document)["Attributes"].take()
    }

    /// How many messages of a queue are visible, in flight and delayed.
    #[track_caller]
    fn counts(&mut self, url: &str) -> [u64; 3] {
        let attributes = self.attributes(url);
        ["", "NotVisible", "Delayed"].map(|which| {
            let count = &attributes[format!("ApproximateNumberOfMessages{which}")];
            count.as_str().and_then(|count| count.parse().ok()).expect("a number")
        })
    }

    /// The queue's document of the v1 face.
    #[track_caller]
    fn describe(&self, queue: &str) -> Value {
        let answer = self.server.client().get(&format!("/v1/queues/{queue}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// A receive that waits, over a connection of its own; it is in line when this returns.
    #[track_caller]
    fn park(&mut self, url: &str, mut fields: Value) -> Parked {
        fields["QueueUrl"] = json!(url);
        let queue = url.rsplit('/').next().expect("a URL has a last part");
        let before = self.waiting(queue);
        let mut client = self.server.client();
        client.send(self.bytes("ReceiveMessage", &fields));
        self.wait_for_waiting(queue, before + 1);
        Parked { client, protocol: self.protocol }
    }

    fn waiting(&self, queue: &str) -> u64 {
        self.describe(queue)["counts"]["waiting_receives"].as_u64().expect("a number")
    }

    #[track_caller]
    fn wait_for_waiting(&self, queue: &str, wanted: u64) {
        let deadline = Instant::now() + DEADLINE;
        while self.waiting(queue) != wanted {
            assert!(Instant::now() < deadline, "there are never {wanted}");
        }
    }
}

/// A receive that waits.
struct Parked {
    client: Client,
    protocol: Protocol,
}

impl Parked {
    #[track_caller]
    fn messages(&mut self) -> Vec<Value> {
        let answer: Answer = self.client.answer();
        let answer = self.protocol.decode("ReceiveMessage", &answer);
        messages(&answer.expect("a receive is answered"))
    }
}

/// The messages of an answer, which has no list where there are none.
#[track_caller]
fn messages(answer: &Value) -> Vec<Value> {
    match &answer["Messages"] {
        Value::Null => Vec::new(),
        Value::Array(list) if !list.is_empty() => list.clone(),
        other => panic!("no messages: {other}"),
    }
}

fn bodies(messages: &[Value]) -> Vec<String> {
    messages.iter().map(|message| text(&message["Body"])).collect()
}

#[track_caller]
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
