//! A server that stops: what was begun is finished, who waits is answered, who comes late is told.

use std::time::Instant;

use nix::sys::signal::Signal;
use serde_json::json;

use super::{Protocol, Service, over_both};
use crate::support::{Client, DEADLINE};

/// A send that the server has begun, as its interim answer shows, and the body that is yet to come.
fn begin_send(service: &Service, url: &str) -> (Client, String) {
    let document = json!({"QueueUrl": url, "MessageBody": "under way"});
    let (headers, body) = service.protocol.encode("SendMessage", &document);
    let mut client = service.server.client();
    let mut head = "POST / HTTP/1.1\r\nHost: ringmq\r\nExpect: 100-continue\r\n".to_owned();
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    client.send(format!("{head}Content-Length: {}\r\n\r\n", body.len()));
    assert_eq!(client.answer().status, 100);
    (client, body)
}

#[test]
fn what_was_begun_is_finished_and_new_sends_are_refused() {
    over_both(|service| {
        let url = service.create("q");
        let (mut begun, body) = begin_send(service, &url);
        let mut waiting = service.park(&url, json!({"WaitTimeSeconds": 20}));

        service.server.process.signal(Signal::SIGTERM);
        assert!(waiting.messages().is_empty());
        let deadline = Instant::now() + DEADLINE;
        while service.server.client().get("/readyz").status != 503 {
            assert!(Instant::now() < deadline, "the server is still ready");
        }
        service.client = service.server.client();
        let document = json!({"QueueUrl": url, "MessageBody": "late"});
        let late = service.fail(
            "SendMessage",
            document,
            "ServiceUnavailableException",
            "ServiceUnavailable",
        );
        assert_eq!((late.status, late.side.as_str()), (503, "Receiver"));

        begun.send(body);
        let answer = begun.answer();
        let sent = Protocol::decode(service.protocol, "SendMessage", &answer);
        assert!(sent.is_ok(), "{sent:?}");
    });
}
