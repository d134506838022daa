//! Tokens: who may do what, over every face.
//!
//! Nothing here sleeps; a reload is over when the log says so.

mod classic;
mod origin;
mod reload;
mod roles;
mod sqs;
mod start;

use crate::support::server::command;
use crate::support::{Answer, Client, Server};

/// One token for each role on `orders.*`, and one that may do everything.
const TOKENS: &str = "sender=sender-token-0123456789 send:orders.*; \
                      receiver=receiver-token-0123456789 receive:orders.*; \
                      monitor=monitor-token-0123456789 monitor:orders.*; \
                      admin=admin-token-0123456789 admin:orders.*; \
                      figures=figures-token-0123456789 monitor:*; \
                      root=root-token-0123456789 admin";

fn start_with(tokens: &str) -> Server {
    Server::launch(command().env("RINGMQ_AUTH_TOKENS", tokens).args(["--port", "0"]))
}

fn start() -> Server {
    start_with(TOKENS)
}

/// A request of who has the token of this name.
#[track_caller]
fn ask(client: &mut Client, who: &str, method: &str, target: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {who}-token-0123456789");
    client.call(method, target, &[("Authorization", &bearer)], body)
}

/// Makes a queue.
#[track_caller]
fn create(client: &mut Client, queue: &str) {
    let answer = ask(client, "root", "PUT", &format!("/v1/queues/{queue}"), "");
    assert_eq!(answer.status, 201, "{}", answer.text());
}
