//! The example producers and consumers, in both languages, against the real server.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::shutdown::queued_at_stop;
use crate::support::{Process, Server};

#[derive(Clone, Copy, Debug)]
enum Language {
    Python,
    Rust,
}
use Language::{Python, Rust};

/// Variables that would lead a client elsewhere.
const FOREIGN: [&str; 8] = [
    "RINGMQ_URL",
    "RINGMQ_INTERVAL",
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
];

/// The example as a command, with a pause that suits a test.
fn example(language: Language, name: &str) -> Command {
    let mut command = match language {
        Python => {
            let mut command = Command::new("python3");
            let file = format!("{name}.py");
            command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(file));
            command
        }
        Rust => Command::new(built().join(name)),
    };
    for variable in FOREIGN {
        command.env_remove(variable);
    }
    command.env("RINGMQ_INTERVAL", "0.01");
    command
}

fn start(language: Language, name: &str, server: &Server, args: &[&str]) -> Process {
    let url = format!("http://{}/", server.addr);
    Process::spawn(example(language, name).args(["--url", &url]).args(args))
}

/// The folder of the built Rust examples.
///
/// `cargo test --test it` alone does not build them, so this does, with the settings and in the
/// folder of the binary under test: where they are up to date already, it takes no time.
fn built() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let binary = Path::new(env!("CARGO_BIN_EXE_ringmq"));
        let profile = binary.parent().expect("a binary lies in the folder of its profile");
        let target = profile.parent().expect("profiles lie in the target folder");
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args([
                "build",
                "--offline",
                "--package",
                "ringmq",
                "--examples",
                "--message-format=json",
            ])
            .arg("--target-dir")
            .arg(target)
            .stderr(Stdio::inherit());
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        let output = cargo.output().expect("cargo runs");
        assert!(output.status.success(), "the examples do not build");
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|message| message["target"]["kind"][0] == "example")
            .find_map(|message| Some(Path::new(message["executable"].as_str()?).parent()?.into()))
            .expect("cargo says where the examples are")
    })
}

/// False, with a word about it, where there is no Python to run the examples with.
fn can_run(language: Language) -> bool {
    let runs = match language {
        Rust => true,
        Python => Command::new("python3").arg("--version").output().is_ok(),
    };
    if !runs {
        eprintln!("skipped: there is no python3 here");
    }
    runs
}

/// The events in lines like `sent Event 1`.
fn events_in(text: &str, word: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix(word)?.strip_prefix(' '))
        .map(str::to_owned)
        .collect()
}

fn numbered(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("Event {number}")).collect()
}

fn number_of(event: &str) -> usize {
    event.strip_prefix("Event ").and_then(|number| number.parse().ok()).expect("a numbered event")
}

fn assert_consumes_what_is_produced(producer: Language, consumer: Language) {
    if !can_run(producer) || !can_run(consumer) {
        return;
    }
    let server = Server::start();
    let consumer = start(consumer, "consumer", &server, &["--count", "20"]);
    let producer = start(producer, "producer", &server, &["--count", "20", "--interval", "0.005"]);
    let (producer, consumer) = (producer.wait(), consumer.wait());
    for exit in [&producer, &consumer] {
        assert!(exit.status.success(), "{exit:?}");
        assert_eq!(exit.stderr, "");
        assert_eq!(exit.stdout.lines().last(), Some("stopped after 20 events"));
    }
    assert_eq!(events_in(&producer.stdout, "sent"), numbered(20));
    assert_eq!(events_in(&consumer.stdout, "received"), numbered(20));
    assert_eq!(server.size(), 0);
}

#[test]
fn python_consumes_what_python_produces() {
    assert_consumes_what_is_produced(Python, Python);
}

#[test]
fn rust_consumes_what_rust_produces() {
    assert_consumes_what_is_produced(Rust, Rust);
}

#[test]
fn rust_consumes_what_python_produces() {
    assert_consumes_what_is_produced(Python, Rust);
}

#[test]
fn python_consumes_what_rust_produces() {
    assert_consumes_what_is_produced(Rust, Python);
}

fn assert_survives_a_restart(language: Language) {
    if !can_run(language) {
        return;
    }
    let server = Server::start_to_be_restarted();
    let addr = server.addr;
    let mut consumer = start(language, "consumer", &server, &["--interval", "0.005"]);
    let mut producer = start(language, "producer", &server, &[]);
    producer.stdout.wait_for(|line| line == "sent Event 5");
    consumer.stdout.wait_for(|line| line == "received Event 3");

    let exit = server.stop(Signal::SIGTERM);
    assert!(exit.status.success(), "{exit:?}");
    let lost = queued_at_stop(&exit.stderr) as usize;
    let away = format!("cannot reach http://{addr} ");
    producer.stdout.wait_for(|line| line.starts_with(&away));
    consumer.stdout.wait_for(|line| line.starts_with(&away));

    let server = Server::start_at(addr);
    for _ in 0..5 {
        producer.stdout.wait_for(|line| line.starts_with("sent "));
    }
    producer.signal(Signal::SIGINT);
    let producer = producer.wait();
    let sent = events_in(&producer.stdout, "sent");
    let last = sent.last().expect("it sent at least ten events").clone();
    consumer.stdout.wait_for(|line| line == format!("received {last}"));
    consumer.signal(Signal::SIGINT);
    let consumer = consumer.wait();
    assert!(producer.status.success() && consumer.status.success(), "{producer:?} {consumer:?}");

    // No gap and nothing twice on one side; on the other, only what lay in the memory of the
    // server that stopped is missing.
    assert_eq!(sent, numbered(sent.len()));
    let mut received: Vec<_> =
        events_in(&consumer.stdout, "received").iter().map(|event| number_of(event)).collect();
    assert!(received.is_sorted_by(|a, b| a < b), "{received:?}");
    // Ctrl-C may have come between sending one more and saying so.
    received.retain(|&number| number <= sent.len());
    assert_eq!(received.len() + lost, sent.len(), "{received:?}");
    assert!(server.size() <= 1);
}

#[test]
fn python_examples_survive_a_restart_of_the_server() {
    assert_survives_a_restart(Python);
}

#[test]
fn rust_examples_survive_a_restart_of_the_server() {
    assert_survives_a_restart(Rust);
}

fn assert_waits_for_the_other(language: Language) {
    if !can_run(language) {
        return;
    }
    let server = Server::with_capacity(2);
    let mut producer = start(language, "producer", &server, &["--count", "5"]);
    producer.stdout.wait_for(|line| line == "the queue is full, trying Event 3 again");
    let mut consumer = start(language, "consumer", &server, &[]);
    let producer = producer.wait();
    assert_eq!(events_in(&producer.stdout, "sent"), numbered(5));
    consumer.stdout.wait_for(|line| line == "received Event 5");
    consumer.stdout.wait_for(|line| line == "the queue is empty, waiting");
    server.client().put("one more");
    consumer.stdout.wait_for(|line| line == "received one more");
    consumer.signal(Signal::SIGINT);
    let consumer = consumer.wait();
    assert_eq!(events_in(&consumer.stdout, "received").len(), 6);
}

#[test]
fn python_examples_wait_while_the_queue_is_full_or_empty() {
    assert_waits_for_the_other(Python);
}

#[test]
fn rust_examples_wait_while_the_queue_is_full_or_empty() {
    assert_waits_for_the_other(Rust);
}

fn assert_stops_cleanly_on_ctrl_c(language: Language) {
    if !can_run(language) {
        return;
    }
    let server = Server::start();
    for (name, args, line) in [
        ("producer", ["--interval", "3600"], "sent Event 1"),
        ("consumer", ["--interval", "3600"], "received Event 1"),
        ("consumer", ["--interval", "0.01"], "the queue is empty, waiting"),
    ] {
        let mut process = start(language, name, &server, &args);
        process.stdout.wait_for(|seen| seen == line);
        let exit = process.interrupt();
        assert_eq!(exit.status.code(), Some(0), "{exit:?}");
        assert_eq!(exit.stderr, "");
        let last = exit.stdout.lines().last().unwrap_or_default();
        assert!(last.starts_with("stopped after "), "{exit:?}");
    }
}

#[test]
fn python_examples_stop_cleanly_on_ctrl_c() {
    assert_stops_cleanly_on_ctrl_c(Python);
}

#[test]
fn rust_examples_stop_cleanly_on_ctrl_c() {
    assert_stops_cleanly_on_ctrl_c(Rust);
}

fn assert_reads_its_settings(language: Language) {
    if !can_run(language) {
        return;
    }
    let server = Server::start();
    server.client().put("x");
    let url = format!("http://{}", server.addr);
    for (name, line) in [("consumer", "received x"), ("producer", "sent Event 1")] {
        let by_variable = Process::run(
            example(language, name)
                .env("RINGMQ_URL", &url)
                .env("RINGMQ_INTERVAL", "0")
                .args(["--count", "1"]),
        );
        assert!(by_variable.stdout.starts_with(line), "{by_variable:?}");

        for bad in [["--interval", "x"], ["--interval=-1", "--count=1"], ["--count", "x"]] {
            let exit = Process::run(example(language, name).args(["--url", &url]).args(bad));
            assert_eq!(exit.status.code(), Some(2), "{exit:?}");
            let flag = &bad[0][..5];
            assert!(exit.stderr.contains(flag), "{exit:?}");
        }
        for (url, reason) in [(format!("{url}/nowhere"), "404"), ("no url".to_owned(), "no url")] {
            let exit = Process::run(example(language, name).args(["--url", &url]));
            assert_eq!(exit.status.code(), Some(1), "{exit:?}");
            assert!(exit.stderr.contains(reason), "{exit:?}");
            assert_eq!(exit.stderr.lines().count(), 1, "{exit:?}");
        }
    }
}

#[test]
fn python_examples_read_their_settings() {
    assert_reads_its_settings(Python);
}

#[test]
fn rust_examples_read_their_settings() {
    assert_reads_its_settings(Rust);
}
