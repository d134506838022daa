//! The real binary, started on a free port and stopped with the test.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

use nix::sys::signal::Signal;

use super::{Client, Exit, Process};

/// What the binary reads from its environment beside what begins with `RINGMQ_`, so that the caller's own is not
/// mistaken for a test's.
const VARIABLES: [&str; 4] = ["PORT", "RING_BUFFER_SIZE", "RUST_LOG", "RUST_LOG_STYLE"];

/// The binary under test, with none of its environment variables set.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringmq"));
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("RINGMQ_") {
            command.env_remove(variable);
        }
    }
    command
}

/// A free port, which nobody else is likely to take before it is used.
///
/// It lies below those that systems give to sockets by themselves, so that neither a connection nor
/// a server of another test gets it, and a client that tries it early cannot meet itself.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test runs side by side begin at different places.
    let start = std::process::id() % 10_000;
    loop {
        let offset = start + u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 20_000 + u16::try_from(offset % 10_000).expect("less than 10,000");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// A running server.
pub struct Server {
    pub process: Process,
    pub start_line: String,
    pub addr: SocketAddr,
}

impl Server {
    /// Defaults, on a free port.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    pub fn with_capacity(capacity: usize) -> Self {
        Self::start_with(&["--capacity", &capacity.to_string()])
    }

    /// A free port and these flags.
    pub fn start_with(args: &[&str]) -> Self {
        Self::launch(command().args(["--port", "0"]).args(args))
    }

    /// On a port that nobody else takes while the server is away.
    pub fn start_to_be_restarted() -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, free_port()).into())
    }

    /// Where another server has just stopped.
    pub fn start_at(addr: SocketAddr) -> Self {
        Self::launch(command().args(["--port", &addr.port().to_string()]))
    }

    /// Starts the command and waits for its start line.
    pub fn launch(command: &mut Command) -> Self {
        let mut process = Process::spawn(command);
        let start_line = process.stderr.wait_for(|line| line.contains("listening on "));
        let (_, rest) = start_line.split_once("listening on ").expect("just found");
        let addr = rest.split(',').next().expect("split yields at least one part");
        let addr = addr.parse().unwrap_or_else(|_| panic!("no address in {start_line:?}"));
        Self { process, start_line, addr }
    }

    pub fn client(&self) -> Client {
        Client::connect(self.addr)
    }

    /// Sends the signal and waits for the end.
    pub fn stop(self, signal: Signal) -> Exit {
        self.process.signal(signal);
        self.process.wait()
    }

    /// How many events wait, asked over a connection of its own.
    pub fn size(&self) -> usize {
        let answer = self.client().get("/size");
        answer.json()["size"].as_u64().expect("size is a number") as usize
    }

    /// Takes events until the server says that it is empty.
    pub fn drain(&self) -> Vec<String> {
        self.client().drain()
    }
}
