//! ringmq: an HTTP event queue service with a lock-free bounded ring buffer at its heart.

#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod broker;
pub mod clock;
pub mod config;
pub mod duration;
pub mod http;
pub mod logging;
pub mod queue;
#[allow(unsafe_code)] // slots are handed from thread to thread; nowhere else is there any
pub mod ring;
pub mod server;
mod sync;
pub mod tls;
