//! `ringmq queues`: what queues there are.

use clap::Args;
use serde_json::Value;

use super::client::{Client, Request};
use super::connection::Connection;
use super::exit::Failure;
use super::output::{Output, bytes, lines, plain, table};

/// List the queues
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ringmq queues
  ringmq queues --prefix orders. --json | jq -r '.queues[].name'")]
pub(super) struct Queues {
    /// Only those whose name begins with this
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    prefix: String,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    output: Output,
}

impl Queues {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = Client::new(&self.connection)?;
        let document: Value = client.ask(&list(&self.prefix))?;
        self.output.tell(&document, as_table)
    }
}

/// The request for all queues that begin with this.
pub(super) fn list(prefix: &str) -> Request<'static> {
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("prefix", prefix).finish();
    Request::get(format!("/v1/queues?{query}"))
}

fn as_table(document: &Value) -> String {
    let none = Vec::new();
    let queues = document["queues"].as_array().unwrap_or(&none);
    let head = ["QUEUE", ">READY", ">IN FLIGHT", ">DELAYED", ">CAPACITY", ">SIZE", "STATE"];
    let mut table = table(&head);
    for queue in queues {
        let number = |field: &str| plain(&queue[field]);
        let paused = queue["paused"] == true;
        table.add_row([
            number("name"),
            number("ready"),
            number("in_flight"),
            number("delayed"),
            number("capacity"),
            bytes(queue["bytes"].as_u64().unwrap_or(0)),
            if paused { "paused" } else { "" }.to_owned(),
        ]);
    }
    lines(&table).join("\n")
}
