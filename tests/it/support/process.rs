//! A child process whose output is read as it comes and which never outlives its test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use super::DEADLINE;

/// A running child. Dropping it kills it and waits for it.
pub struct Process {
    child: Child,
    pub stdout: Lines,
    pub stderr: Lines,
}

/// What a child left behind.
#[derive(Debug)]
pub struct Exit {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Process {
    pub fn spawn(command: &mut Command) -> Self {
        Self::spawn_fed(command, Stdio::null())
    }

    /// One that reads what the caller has to say.
    pub fn spawn_fed(command: &mut Command, stdin: Stdio) -> Self {
        let mut child = command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let stdout = Lines::read(child.stdout.take().expect("stdout is piped"));
        let stderr = Lines::read(child.stderr.take().expect("stderr is piped"));
        Self { child, stdout, stderr }
    }

    /// Runs a command that is expected to end by itself.
    pub fn run(command: &mut Command) -> Exit {
        Self::spawn(command).wait()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("process ids are positive i32");
        signal::kill(Pid::from_raw(pid), signal).expect("the child has not been waited for");
    }

    /// Presses Ctrl-C until the child ends. A signal that comes in the instant before a sleep begins does
    /// not end that sleep, so whoever sees nothing happen presses it again.
    pub fn interrupt(mut self) -> Exit {
        const PATIENCE: Duration = Duration::from_secs(5);
        let deadline = Instant::now() + DEADLINE;
        self.signal(Signal::SIGINT);
        while !self.stdout.ends_before(Instant::now() + PATIENCE) && Instant::now() < deadline {
            self.signal(Signal::SIGINT);
        }
        self.wait()
    }

    /// Waits for the end of the child, which is seen as the end of its output.
    ///
    /// The text returned starts with the lines that were waited for earlier.
    pub fn wait(self) -> Exit {
        self.wait_within(DEADLINE)
    }

    /// The same for a child that has more to do.
    pub fn wait_within(mut self, limit: Duration) -> Exit {
        let deadline = Instant::now() + limit;
        let stdout = self.stdout.rest(deadline);
        let stderr = self.stderr.rest(deadline);
        let status = self.child.wait().expect("a child can be waited for");
        Exit { status, stdout, stderr }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Errors mean that it is gone already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One output stream of a child, line by line.
pub struct Lines {
    incoming: Receiver<String>,
    seen: Vec<String>,
}

impl Lines {
    fn read(stream: impl Read + Send + 'static) -> Self {
        let (outgoing, incoming) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n') {
                let Ok(line) = line else { return };
                // Nobody listens any more: keep reading, or the child would block on a full pipe.
                let _ = outgoing.send(String::from_utf8_lossy(&line).into_owned());
            }
        });
        Self { incoming, seen: Vec::new() }
    }

    /// The next line for which `wanted` holds, waiting for it as long as the deadline allows.
    pub fn wait_for(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.next(deadline) {
                Ok(line) if wanted(&line) => return line,
                Ok(_) => {}
                Err(error) => panic!("{error} before the line came; seen: {:#?}", self.seen),
            }
        }
    }

    /// Whether the stream ends before then. What comes until then is seen.
    fn ends_before(&mut self, deadline: Instant) -> bool {
        loop {
            match self.next(deadline) {
                Ok(_) => {}
                Err(error) => return error == RecvTimeoutError::Disconnected,
            }
        }
    }

    /// Everything seen so far and everything that comes until the stream ends.
    fn rest(&mut self, deadline: Instant) -> String {
        loop {
            match self.next(deadline) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(error) => panic!("{error}: still running; seen: {:#?}", self.seen),
            }
        }
        self.seen.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    fn next(&mut self, deadline: Instant) -> Result<String, RecvTimeoutError> {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = self.incoming.recv_timeout(left)?;
        self.seen.push(line.clone());
        Ok(line)
    }
}
