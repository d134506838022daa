//! The files that packaging is made of say what the binary understands.

use std::collections::BTreeSet;
use std::fs;

use crate::support::server::command;
use crate::support::{Process, Server};

fn read(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The help of `serve` in one line, wherever it was wrapped.
fn help() -> String {
    let help = Process::run(command().args(["serve", "--help"])).stdout;
    help.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The variables of this program that a file sets, comments aside.
fn variables(text: &str) -> BTreeSet<&str> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let words =
        lines.flat_map(|line| line.split(|char: char| !(char.is_ascii_uppercase() || char == '_')));
    words.filter(|word| word.starts_with("RINGMQ_")).collect()
}

#[test]
fn every_variable_that_is_set_is_a_setting_of_the_server() {
    let help = help();
    let mut found = 0;
    for file in ["Dockerfile", "examples/compose/compose.yaml", "examples/systemd/ringmq.service"] {
        let text = read(file);
        // This one is for clients.
        for variable in variables(&text).into_iter().filter(|name| *name != "RINGMQ_URL") {
            assert!(help.contains(&format!("[env: {variable}")), "{file}: {variable} in {help}");
            found += 1;
        }
    }
    assert!(found >= 4, "only {found} variables were found");
}

#[test]
fn the_queues_of_the_compose_file_are_made() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/compose/ringmq.toml");
    let server = Server::start_with(&["--config", path]);
    let settings = server.client().get("/v1/queues/orders").json()["settings"].take();
    assert_eq!(
        (&settings["capacity"], &settings["dead_letter"]),
        (&10000.into(), &"orders.dead".into())
    );
}

#[test]
fn a_stop_is_given_as_long_as_the_server_takes() {
    let help = help();
    assert!(help.contains("[env: RINGMQ_DRAIN_TIMEOUT=] [default: 25s]"), "{help}");
    assert!(read("examples/compose/compose.yaml").contains("stop_grace_period: 30s"));
    assert!(read("examples/systemd/ringmq.service").contains("TimeoutStopSec=30"));
}

/// The number behind a key of the compose file.
fn number(text: &str, key: &str) -> u64 {
    let (_, value) = text.split_once(key).unwrap_or_else(|| panic!("{key} is not there"));
    let digits: String = value
        .chars()
        .skip_while(|char| !char.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().expect("digits are a number")
}

#[test]
fn a_container_is_full_before_it_is_killed() {
    let compose = read("examples/compose/compose.yaml");
    let (most, killed) =
        (number(&compose, "RINGMQ_MAX_MEMORY_BYTES:"), number(&compose, "mem_limit:") << 20);
    assert!(compose.contains("mem_limit: 512m") && most * 2 <= killed, "{most} of {killed}");
}

#[test]
fn the_commands_of_the_compose_file_are_commands() {
    let server = Server::start();
    server.client().call("PUT", "/v1/queues/orders", &[], b"{}");
    let compose = read("examples/compose/compose.yaml");
    let lines = compose.lines().filter_map(|line| line.trim().strip_prefix("command: ["));
    let mut run = 0;
    for line in lines {
        let words: Vec<_> = line.trim_end_matches(']').split(',').collect();
        let words = words.iter().map(|word| word.trim().trim_matches('"')).map(|word| match word {
            "1h" => "100ms",
            word => word,
        });
        let url = format!("http://{}", server.addr);
        let mut command = command();
        command.args(words.filter(|word| *word != "--follow")).env("RINGMQ_URL", url);
        let exit = Process::run(&mut command);
        assert!(exit.status.success(), "{line}: {} {}", exit.status, exit.stderr);
        run += 1;
    }
    assert_eq!(run, 2);
}
