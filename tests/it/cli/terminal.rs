//! A terminal for a child: what people see.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use super::{client, ok, with_queue};
use crate::support::{DEADLINE, Server};

/// A child on a terminal of its own, of 100 columns and 30 lines.
pub struct Terminal {
    child: Child,
    master: File,
    incoming: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    pub fn spawn(command: &mut Command) -> Self {
        let size = Winsize { ws_row: 30, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(Some(&size), None).expect("there are terminals");
        let side = || Stdio::from(pair.slave.try_clone().expect("a descriptor can be cloned"));
        let child = command.env("TERM", "xterm-256color");
        let child = child.stdin(side()).stdout(side()).stderr(side()).spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        // Else the other end would never see that the child has closed it.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        drop(pair.slave);
        let master = File::from(pair.master);
        let mut reader = master.try_clone().expect("a descriptor can be cloned");
        let (to, incoming) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // At the end Linux tells an error, and others nothing.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if to.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, master, incoming, seen: String::new() }
    }

    /// Waits for this text.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        while !self.seen.contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.incoming.recv_timeout(left) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(error) => panic!("{error} before {text:?} came; seen: {}", self.seen),
            }
        }
    }

    /// Forgets what was seen.
    pub fn forget(&mut self) {
        self.seen.clear();
    }

    pub fn seen(&self) -> &str {
        &self.seen
    }

    pub fn enter(&mut self, line: &str) {
        writeln!(self.master, "{line}").expect("the child reads");
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("process ids are positive i32");
        signal::kill(Pid::from_raw(pid), signal).expect("the child has not been waited for");
    }

    /// Waits for the end; everything that was seen.
    #[track_caller]
    pub fn wait(mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.incoming.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(error) => panic!("{error}: still running; seen: {}", self.seen),
            }
        }
        let status = self.child.wait().expect("a child can be waited for");
        (status, std::mem::take(&mut self.seen))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Errors mean that it is gone already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command on a terminal; what it shows.
#[track_caller]
pub fn show(server: &Server, args: &[&str]) -> String {
    let mut command = client(server);
    command.env_remove("NO_COLOR").args(args);
    let (status, seen) = Terminal::spawn(&mut command).wait();
    assert!(status.success(), "{args:?}: {seen}");
    seen
}

#[test]
fn a_terminal_gets_tables_and_colours_and_a_pipe_json() {
    let server = with_queue("{}");
    let seen = show(&server, &["queues"]);
    assert!(seen.contains("QUEUE") && seen.contains("\x1b[1m"), "{seen:?}");
    assert!(ok(&server, &["queues"]).starts_with('{'));
    assert!(show(&server, &["queues", "--json"]).starts_with('{'));
    let plain = ok(&server, &["queues", "--output", "table"]);
    assert!(plain.contains("QUEUE") && !plain.contains('\x1b'), "{plain:?}");
}

#[test]
fn no_color_is_respected() {
    let server = with_queue("{}");
    let mut command = client(&server);
    let (status, seen) = Terminal::spawn(command.arg("queues").env("NO_COLOR", "1")).wait();
    assert!(status.success() && seen.contains("QUEUE") && !seen.contains('\x1b'), "{seen:?}");
}

#[test]
fn the_output_can_be_set_by_a_variable() {
    let server = with_queue("{}");
    let exit =
        crate::support::Process::run(client(&server).arg("queues").env("RINGMQ_OUTPUT", "table"));
    assert!(exit.stdout.starts_with("QUEUE"), "{}", exit.stdout);
}
