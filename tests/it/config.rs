//! Flags, environment variables, and what is said when they are wrong.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::time::Instant;

use nix::sys::signal::Signal;

use crate::support::answer::FULL;
use crate::support::server::{command, free_port};
use crate::support::{Client, DEADLINE, Exit, Process, Server, event_body};

/// Each setting: its flag, its variable, its default.
const SETTINGS: [(&str, &str, &str); 22] = [
    ("--host", "RINGMQ_HOST", "127.0.0.1"),
    ("--port", "PORT", "8080"),
    ("--capacity", "RING_BUFFER_SIZE", "1024"),
    ("--workers", "RINGMQ_WORKERS", ""),
    ("--max-body-bytes", "RINGMQ_MAX_BODY_BYTES", "1048576"),
    ("--max-memory-bytes", "RINGMQ_MAX_MEMORY_BYTES", "1073741824"),
    ("--drain-timeout", "RINGMQ_DRAIN_TIMEOUT", "25s"),
    ("--config", "RINGMQ_CONFIG", ""),
    ("--sqs-account", "RINGMQ_SQS_ACCOUNT", "000000000000"),
    ("--sqs-region", "RINGMQ_SQS_REGION", "us-east-1"),
    ("--sqs-access-key", "RINGMQ_SQS_ACCESS_KEY", ""),
    ("--sqs-secret-key", "RINGMQ_SQS_SECRET_KEY", ""),
    ("--sqs-limits", "RINGMQ_SQS_LIMITS", "strict"),
    ("--auth-file", "RINGMQ_AUTH_FILE", ""),
    ("--tls-cert", "RINGMQ_TLS_CERT", ""),
    ("--tls-key", "RINGMQ_TLS_KEY", ""),
    ("--max-connections", "RINGMQ_MAX_CONNECTIONS", "25600"),
    ("--head-timeout", "RINGMQ_HEAD_TIMEOUT", "5s"),
    ("--body-timeout", "RINGMQ_BODY_TIMEOUT", "30s"),
    ("--keep-alive", "RINGMQ_KEEP_ALIVE", "75s"),
    ("--log", "RUST_LOG", "info"),
    ("--log-format", "RINGMQ_LOG_FORMAT", "text"),
];

/// A server told by environment variables alone.
fn start_with_env(variables: &[(&str, &str)]) -> Server {
    Server::launch(command().env("PORT", "0").envs(variables.iter().copied()))
}

#[test]
fn the_start_line_states_address_capacity_and_workers() {
    let server = Server::start_with(&["--capacity", "7", "--workers", "3"]);
    let expected = format!("listening on {}, capacity 7, workers 3", server.addr);
    assert!(server.start_line.ends_with(&expected), "{}", server.start_line);
    assert_ne!(server.addr.port(), 0);
}

#[test]
fn defaults_are_local_and_hold_1024_events() {
    let server = Server::start();
    let cores = std::thread::available_parallelism().expect("a machine has cores");
    let expected = format!("listening on {}, capacity 1024, workers {cores}", server.addr);
    assert!(server.start_line.ends_with(&expected), "{}", server.start_line);
    assert_eq!(server.addr.ip(), Ipv4Addr::LOCALHOST);
    server.client().get("/capacity").assert_json(r#"{"capacity":1024}"#);
}

#[test]
fn serve_is_the_default_command() {
    let server = Server::launch(command().args(["serve", "--port", "0", "--capacity", "9"]));
    server.client().get("/capacity").assert_json(r#"{"capacity":9}"#);
}

#[test]
fn the_environment_sets_the_capacity() {
    let server = start_with_env(&[("RING_BUFFER_SIZE", "2")]);
    let mut client = server.client();
    client.get("/capacity").assert_json(r#"{"capacity":2}"#);
    client.put("one");
    client.put("two");
    client.enqueue("three").assert_error(500, FULL.trim_end());
}

#[test]
fn the_environment_sets_the_workers() {
    let server = start_with_env(&[("RINGMQ_WORKERS", "5")]);
    assert!(server.start_line.ends_with(", workers 5"), "{}", server.start_line);
}

/// The kernel's own count of the server's threads.
#[cfg(target_os = "linux")]
#[test]
fn each_worker_is_a_thread() {
    let threads = |workers: &str| {
        let server = Server::start_with(&["--workers", workers]);
        // Once a request is answered, every worker has been started.
        server.client().get("/size").assert_json(r#"{"size":0}"#);
        let tasks = format!("/proc/{}/task", server.process.id());
        std::fs::read_dir(tasks).expect("the server runs").count()
    };
    assert_eq!(threads("6"), threads("1") + 5);
}

#[test]
fn the_environment_sets_the_body_limit() {
    let server = start_with_env(&[("RINGMQ_MAX_BODY_BYTES", "20")]);
    let mut client = server.client();
    client.put("x".repeat(8).as_str());
    let answer = client.post("/enqueue", event_body(&"x".repeat(9)));
    assert!(answer.assert_error_line(413).contains("20"));
}

#[test]
fn the_port_is_the_one_asked_for() {
    for told_by in ["flag", "variable"] {
        let port = free_port().to_string();
        let mut command = command();
        match told_by {
            "flag" => command.args(["--port", &port]),
            _ => command.env("PORT", &port),
        };
        assert_eq!(Server::launch(&mut command).addr.port().to_string(), port, "{told_by}");
    }
}

/// The whole of 127.0.0.0/8 is the machine itself on Linux; elsewhere only its first address is.
#[cfg(target_os = "linux")]
#[test]
fn the_host_is_the_one_asked_for() {
    let by_flag = Server::start_with(&["--host", "127.0.0.2"]);
    assert_eq!(by_flag.addr.ip(), Ipv4Addr::new(127, 0, 0, 2));
    by_flag.client().put("x");
    let by_variable = start_with_env(&[("RINGMQ_HOST", "127.0.0.3")]);
    assert_eq!(by_variable.addr.ip(), Ipv4Addr::new(127, 0, 0, 3));
    by_variable.client().put("x");
}

#[test]
fn a_flag_wins_over_its_variable() {
    let server = Server::launch(
        command()
            .envs([
                ("RINGMQ_HOST", "not an address"),
                ("PORT", "1"),
                ("RING_BUFFER_SIZE", "0"),
                ("RINGMQ_WORKERS", "7"),
                ("RINGMQ_MAX_BODY_BYTES", "10"),
                ("RUST_LOG", "off"),
            ])
            .args(["--host", "127.0.0.1", "--port", "0", "--capacity", "5", "--workers", "2"])
            .args(["--max-body-bytes", "1000", "--log", "info"]),
    );
    assert!(server.start_line.ends_with(", capacity 5, workers 2"), "{}", server.start_line);
    server.client().put("longer than ten bytes");
}

#[test]
fn a_flag_may_be_written_with_an_equals_sign() {
    let server = Server::start_with(&["--capacity=11"]);
    server.client().get("/capacity").assert_json(r#"{"capacity":11}"#);
}

#[test]
fn a_bad_value_is_refused_by_name() {
    for (flag, variable, values) in [
        ("--host", "RINGMQ_HOST", &["no host"][..]),
        ("--port", "PORT", &["x", "-1", "65536", "80.5", "0x50", " 80"]),
        (
            "--capacity",
            "RING_BUFFER_SIZE",
            &["x", "0", "-1", "1.5", "1e3", "18446744073709551615", "99999999999999999999999"],
        ),
        ("--workers", "RINGMQ_WORKERS", &["x", "0", "-1", "1000000000"]),
        ("--max-body-bytes", "RINGMQ_MAX_BODY_BYTES", &["x", "0", "-1", "1MB"]),
        ("--max-memory-bytes", "RINGMQ_MAX_MEMORY_BYTES", &["x", "0", "-1", "1GB"]),
        ("--drain-timeout", "RINGMQ_DRAIN_TIMEOUT", &["x", "-1", "2h", "1w"]),
        ("--config", "RINGMQ_CONFIG", &["/no/such/file.toml"]),
        ("--sqs-account", "RINGMQ_SQS_ACCOUNT", &["x", "1234567890123", "12345678901x"]),
        ("--sqs-region", "RINGMQ_SQS_REGION", &["US", "a b", "a:b"]),
        ("--sqs-access-key", "RINGMQ_SQS_ACCESS_KEY", &["a b", "a/b"]),
        ("--sqs-secret-key", "RINGMQ_SQS_SECRET_KEY", &[""]),
        ("--sqs-limits", "RINGMQ_SQS_LIMITS", &["loose", "Strict"]),
        ("--auth-file", "RINGMQ_AUTH_FILE", &["/no/such/file.toml"]),
        ("--max-connections", "RINGMQ_MAX_CONNECTIONS", &["x", "0", "-1", "1000001"]),
        ("--head-timeout", "RINGMQ_HEAD_TIMEOUT", &["x", "-1", "0", "2h"]),
        ("--body-timeout", "RINGMQ_BODY_TIMEOUT", &["x", "-1", "0", "2h"]),
        ("--keep-alive", "RINGMQ_KEEP_ALIVE", &["x", "-1", "0", "2h"]),
        ("--log", "RUST_LOG", &["ringmq=loud", "a=b=c"]),
        ("--log-format", "RINGMQ_LOG_FORMAT", &["", "JSON", "xml"]),
    ] {
        for value in values {
            // Should the value be taken after all, the server must not take a fixed port.
            let mut command = command();
            command.env("PORT", "0");
            let by_flag = Process::run(command.arg(format!("{flag}={value}")));
            assert_refused(&by_flag, flag, value);
            let by_variable = Process::run(self::command().env("PORT", "0").env(variable, value));
            assert_refused(&by_variable, variable, value);
        }
    }
}

#[test]
fn an_access_key_and_its_secret_are_given_together() {
    for (flag, other) in
        [("--sqs-access-key", "--sqs-secret-key"), ("--sqs-secret-key", "--sqs-access-key")]
    {
        let exit = Process::run(command().env("PORT", "0").args([flag, "key"]));
        assert_eq!(exit.status.code(), Some(2), "{exit:?}");
        assert!(exit.stderr.contains(other), "{}", exit.stderr);
    }
}

/// Exit code 2, and words that name what is wrong.
#[track_caller]
fn assert_refused(exit: &Exit, name: &str, value: &str) {
    assert_eq!(exit.status.code(), Some(2), "{name}={value}: {exit:?}");
    assert!(exit.stderr.contains(name), "{name} is not named for {value}: {}", exit.stderr);
    assert!(exit.stderr.contains(value), "{value} is not shown for {name}: {}", exit.stderr);
    assert!(!exit.stderr.contains("panicked"), "{name}={value}: {}", exit.stderr);
    assert_eq!(exit.stdout, "", "{name}={value}");
}

/// A settings file of this test run.
fn settings_file(name: &str, text: &str) -> String {
    let path = format!("{}/{name}-{}.toml", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    std::fs::write(&path, text).expect("the test can write there");
    path
}

#[test]
fn a_settings_file_declares_queues() {
    let path = settings_file(
        "queues",
        "[queues.orders]\ncapacity = 7\ndead_letter = \"dead\"\nlease = \"5m\"\n\
         [queues.dead]\n[queues.default]\ncapacity = 3\n",
    );
    for server in
        [Server::start_with(&["--config", &path]), start_with_env(&[("RINGMQ_CONFIG", &path)])]
    {
        let mut client = server.client();
        client.get("/capacity").assert_json(r#"{"capacity":3}"#);
        let orders = client.get("/v1/queues/orders").json();
        assert_eq!(orders["settings"]["capacity"], 7, "{orders}");
        assert_eq!(orders["settings"]["lease"], "300s", "{orders}");
        assert_eq!(orders["settings"]["dead_letter"], "dead", "{orders}");
        assert_eq!(client.get("/v1/queues/dead").status, 200);
    }
}

#[test]
fn a_bad_settings_file_is_refused_by_queue_and_setting() {
    for (name, text, words) in [
        ("unknown", "[queues.orders]\ncapasity = 7\n", ["capasity", "line 2"]),
        ("range", "[queues.orders]\ncapacity = 0\n", ["orders", "capacity"]),
        ("dead", "[queues.orders]\ndead_letter = \"nowhere\"\n", ["orders", "nowhere"]),
        ("syntax", "[queues.orders\n", ["line 1", "]"]),
    ] {
        let path = settings_file(name, text);
        let exit = Process::run(command().env("PORT", "0").args(["--config", &path]));
        for word in words {
            assert_refused(&exit, "--config", word);
        }
        assert!(exit.stderr.contains(&path), "{}", exit.stderr);
    }
}

#[test]
fn the_largest_allowed_capacity_is_named_when_it_is_passed() {
    let exit = Process::run(command().args(["--capacity", "18446744073709551615"]));
    assert_eq!(exit.status.code(), Some(2));
    let numbers = exit.stderr.split(|c: char| !c.is_ascii_digit()).filter(|n| n.len() > 3);
    let limit = numbers.filter(|&n| n != "18446744073709551615").max_by_key(|n| n.len());
    assert!(limit.is_some(), "no range is named: {}", exit.stderr);
}

#[test]
fn a_large_capacity_starts_at_once_and_works() {
    let server = Server::with_capacity(10_000_000);
    let mut client = server.client();
    client.get("/capacity").assert_json(r#"{"capacity":10000000}"#);
    client.put("x");
    assert_eq!(client.take().as_deref(), Some("x"));
}

#[test]
fn an_unknown_flag_or_command_is_refused() {
    for word in ["--no-such-flag", "nosuchcommand", "-z"] {
        assert_refused(&Process::run(command().arg(word)), word, "");
    }
}

#[test]
fn a_taken_port_is_said_in_one_line() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let addr = taken.local_addr().expect("a bound socket has an address");
    let exit = Process::run(command().args(["--port", &addr.port().to_string()]));
    assert_eq!(exit.status.code(), Some(1), "{exit:?}");
    assert_eq!(exit.stderr.lines().count(), 1, "{}", exit.stderr);
    assert!(exit.stderr.contains(&addr.to_string()), "{}", exit.stderr);
    assert_eq!(exit.stdout, "");
}

#[test]
fn a_second_server_does_not_share_the_port_of_the_first() {
    let first = Server::start();
    let exit = Process::run(command().args(["--port", &first.addr.port().to_string()]));
    assert_eq!(exit.status.code(), Some(1), "{exit:?}");
    first.client().put("x");
}

#[test]
fn help_names_every_setting_with_its_variable_and_default() {
    let exit = Process::run(command().args(["serve", "--help"]));
    assert!(exit.status.success(), "{exit:?}");
    for (flag, variable, default) in SETTINGS {
        for word in [flag, variable, default] {
            assert!(exit.stdout.contains(word), "{word} is not in it:\n{}", exit.stdout);
        }
    }
    assert_eq!(exit.stderr, "");
}

#[test]
fn help_is_not_disturbed_by_a_bad_environment() {
    let exit = Process::run(command().arg("--help").env("PORT", "x"));
    assert!(exit.status.success(), "{exit:?}");
}

#[test]
fn version_names_program_and_version() {
    let exit = Process::run(command().arg("--version"));
    assert!(exit.status.success(), "{exit:?}");
    assert_eq!(exit.stdout, concat!("ringmq ", env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(exit.stderr, "");
}

#[test]
fn nothing_is_logged_per_message_by_default() {
    let quiet = Server::start().stop(Signal::SIGTERM);
    let busy = Server::start();
    let mut client = busy.client();
    for _ in 0..50 {
        client.put("secret");
        client.dequeue();
        client.dequeue();
        client.post("/enqueue", "no JSON secret");
        client.get("/nowhere/secret");
        client.request("DELETE", "/size");
    }
    client.send("garbage\r\n\r\n");
    client.until_closed();
    let busy = busy.stop(Signal::SIGTERM);
    assert_eq!(busy.stderr.lines().count(), quiet.stderr.lines().count(), "{}", busy.stderr);
    assert!(!busy.stderr.contains("secret"), "{}", busy.stderr);
    assert_eq!(busy.stdout, "");
}

#[test]
fn the_log_can_be_silenced() {
    for told_by in ["flag", "variable"] {
        let port = free_port();
        let mut command: Command = command();
        command.args(["--port", &port.to_string()]);
        match told_by {
            "flag" => command.args(["--log", "off"]),
            _ => command.env("RUST_LOG", "off"),
        };
        let process = Process::spawn(&mut command);
        let mut client = connect_when_up(port);
        client.get("/size").assert_json(r#"{"size":0}"#);
        process.signal(Signal::SIGTERM);
        let exit = process.wait();
        assert!(exit.status.success(), "{exit:?}");
        assert_eq!((exit.stdout.as_str(), exit.stderr.as_str()), ("", ""), "{told_by}");
    }
}

/// A server that says nothing can only be found by trying.
fn connect_when_up(port: u16) -> Client {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Ok(client) = Client::try_connect((Ipv4Addr::LOCALHOST, port).into()) {
            return client;
        }
        assert!(Instant::now() < deadline, "the server does not come up");
        std::thread::yield_now();
    }
}
