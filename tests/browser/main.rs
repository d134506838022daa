//! The dashboard, and the page of the API, in a real browser against the real server.

#[path = "../it/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "it is shared with tests that need more of it")]
mod support;

mod acts;
mod api_page;
mod connection;
mod looks;
mod overview;
mod page;
mod screenshots;
mod sign_in;
