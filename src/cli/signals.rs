//! Ctrl-C for commands that go on until somebody ends them.

use std::process::exit;
use std::sync::atomic::{AtomicBool, Ordering};

use super::exit::{Exit, Failure};

/// Calls `first` at the first SIGINT, SIGTERM or SIGHUP; whoever presses again will not wait.
pub(super) fn on_interrupt(first: impl Fn() + Send + 'static) -> Result<(), Failure> {
    let pressed = AtomicBool::new(false);
    let handler = move || {
        if pressed.swap(true, Ordering::Relaxed) {
            exit(Exit::Interrupted as i32);
        }
        first();
    };
    ctrlc::set_handler(handler)
        .map_err(|error| Failure::new(format!("cannot catch Ctrl-C: {error}")))
}
