//! ringmq: an HTTP event queue service with a lock-free ring buffer at its heart.

#![deny(unsafe_code)]
#![warn(missing_docs)]

#[allow(unsafe_code)] // slots are handed from thread to thread; nowhere else is there any
pub mod ring;
mod sync;
