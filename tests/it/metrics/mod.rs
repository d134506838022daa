//! `/metrics`: every figure says what happened, in both formats, whatever happens meanwhile.
//!
//! Nothing here sleeps, and no test asserts a time. What takes time is asked for until it is so.

mod counters;
mod examples;
mod exposition;
mod page;
mod ranks;
mod timings;

use std::time::Instant;

use serde_json::{Value, json};

use self::page::{Format, Page};
use crate::support::{Answer, Client, DEADLINE, Server};

/// A server, and a connection to it.
struct Service {
    server: Server,
    client: Client,
}

impl Service {
    fn start_with(args: &[&str]) -> Self {
        let server = Server::start_with(args);
        let client = server.client();
        Self { server, client }
    }

    /// A server with one queue `q`.
    fn with_queue(settings: Value) -> Self {
        let mut service = Self::start_with(&[]);
        service.create("q", settings);
        service
    }

    #[track_caller]
    fn create(&mut self, queue: &str, settings: Value) {
        let target = format!("/v1/queues/{queue}");
        let answer = self.client.call("PUT", &target, &[], settings.to_string());
        assert!([200, 201].contains(&answer.status), "{}", answer.text());
    }

    #[track_caller]
    fn post(&mut self, target: &str, body: impl AsRef<[u8]>) -> Answer {
        let answer = self.client.call("POST", target, &[], body);
        assert!((200..300).contains(&answer.status), "{target}: {}", answer.text());
        answer
    }

    #[track_caller]
    fn send(&mut self, queue: &str) {
        self.post(&format!("/v1/queues/{queue}/messages"), "message");
    }

    #[track_caller]
    fn try_send(&mut self, queue: &str, headers: &[(&str, &str)], body: &str) -> u16 {
        let target = format!("/v1/queues/{queue}/messages");
        self.client.call("POST", &target, headers, body).status
    }

    /// Receives: the receipts.
    #[track_caller]
    fn receive(&mut self, queue: &str, query: &str) -> Vec<String> {
        let answer = self.post(&format!("/v1/queues/{queue}/receive{query}"), "").json();
        let messages = answer["messages"].as_array().expect("a list").iter();
        messages.map(|message| message["receipt"].as_str().unwrap_or_default().to_owned()).collect()
    }

    #[track_caller]
    fn ack(&mut self, queue: &str, receipt: &str) {
        let target = format!("/v1/queues/{queue}/leases/{receipt}");
        assert_eq!(self.client.request("DELETE", &target).status, 204);
    }

    #[track_caller]
    fn delete(&mut self, queue: &str) {
        assert_eq!(self.client.request("DELETE", &format!("/v1/queues/{queue}")).status, 200);
    }

    #[track_caller]
    fn sqs(&mut self, action: &str, document: Value) -> Answer {
        let target = format!("AmazonSQS.{action}");
        let headers = [("Content-Type", "application/x-amz-json-1.0"), ("X-Amz-Target", &*target)];
        self.client.call("POST", "/", &headers, document.to_string())
    }

    #[track_caller]
    fn page(&mut self) -> Page {
        Page::scrape(&mut self.client, Format::OpenMetrics)
    }

    /// Asks until a page is as wanted.
    #[track_caller]
    fn page_when(&mut self, wanted: impl Fn(&Page) -> bool) -> Page {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let page = self.page();
            if wanted(&page) {
                return page;
            }
            assert!(Instant::now() < deadline, "it never comes: {page:?}");
        }
    }

    /// What the API says beside.
    #[track_caller]
    fn totals(&mut self, queue: &str) -> Value {
        self.client.get(&format!("/v1/queues/{queue}")).json()["totals"].take()
    }

    /// Every counter of a queue that is not nothing, without its prefix and suffix.
    #[track_caller]
    fn counters(&mut self, queue: &str) -> Value {
        let page = self.page();
        let names = page.names().filter(|name| name.starts_with("ringmq_queue_"));
        let counters = names.filter(|name| name.ends_with("_total"));
        let told = counters.filter_map(|name| {
            let value = page.find(name, &[("queue", queue)]).filter(|value| *value > 0.0)?;
            let short = name.strip_prefix("ringmq_queue_")?.strip_suffix("_total")?;
            Some((short.trim_end_matches("_messages").to_owned(), json!(value as u64)))
        });
        Value::Object(told.collect())
    }

    /// Every reason for which sends were refused.
    #[track_caller]
    fn refusals(&mut self, queue: &str) -> Value {
        let page = self.page();
        let reasons = [
            "full",
            "full_bytes",
            "out_of_memory",
            "too_large",
            "draining",
            "key_reused",
            "key_in_progress",
        ];
        let told = reasons.into_iter().filter_map(|reason| {
            let labels = [("queue", queue), ("reason", reason)];
            let value = page.value("ringmq_queue_refusals_total", &labels);
            (value > 0.0).then(|| (reason.to_owned(), json!(value as u64)))
        });
        Value::Object(told.collect())
    }
}
