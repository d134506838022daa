//! Black-box tests: each starts the real `ringmq` binary on a free port and speaks to it over
//! plain TCP, so that every byte on the wire is the test's own.
//!
//! The modules are named for what they fix; `support` holds the child process and the client.

mod auth;
mod bad_http;
mod bad_input;
mod cli;
mod concurrency;
mod config;
mod contract;
mod dashboard;
mod events;
mod examples;
mod logs;
mod metrics;
mod openapi;
mod packaging;
mod reload;
mod shutdown;
mod slow;
mod sqs;
mod support;
mod tls;
mod too_large;
mod v1;
#[cfg(target_os = "linux")] // it reads /proc to see when the server has let go of a connection
mod vanish;
