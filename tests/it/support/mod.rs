//! What every test here needs: a server that is always stopped, and a client that sends and
//! reads exact bytes.

pub mod answer;
pub mod client;
pub mod process;
pub mod server;
mod signer;
mod victim;

use std::time::Duration;

pub use answer::Answer;
pub use client::Client;
pub use process::{Exit, Process};
pub use server::Server;
pub use signer::Signer;
pub use victim::Victim;

/// How long anything may take before a test fails. Generous, because it is only ever reached by
/// a fault: nothing waits for it to pass.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// The event as a JSON request body.
pub fn event_body(event: &str) -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!({ "event": event })).expect("a string is valid JSON")
}
