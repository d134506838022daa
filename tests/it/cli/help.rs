//! Help: of every command, readable, and about its own options only.

use crate::support::Process;
use crate::support::server::command;

const COMMANDS: [&str; 18] = [
    "serve",
    "send",
    "receive",
    "browse",
    "ack",
    "release",
    "extend",
    "queues",
    "create",
    "delete",
    "stats",
    "purge",
    "pause",
    "resume",
    "redrive",
    "load",
    "health",
    "completions",
];

fn help(args: &[&str]) -> String {
    let exit = Process::run(command().args(args));
    assert!(exit.status.success() && exit.stderr.is_empty(), "{args:?}: {exit:?}");
    exit.stdout
}

#[test]
fn every_command_is_named_and_has_help() {
    let all = help(&["--help"]);
    for name in COMMANDS {
        assert!(all.contains(&format!("\n  {name} ")), "{name} in {all}");
        for flag in ["-h", "--help"] {
            let own = help(&[name, flag]);
            assert!(own.contains(&format!("Usage: ringmq {name}")), "{own}");
        }
    }
}

#[test]
fn help_fits_into_100_columns() {
    let of_commands = COMMANDS.iter().flat_map(|name| [vec![*name, "-h"], vec![*name, "--help"]]);
    for args in of_commands.chain([vec!["-h"], vec!["--help"]]) {
        for line in help(&args).lines() {
            assert!(line.chars().count() <= 100, "{args:?}: {line}");
        }
    }
}

#[test]
fn long_help_says_more_and_ends_with_examples() {
    for name in ["send", "receive", "create", "stats", "load", "health", "redrive"] {
        let (short, long) = (help(&[name, "-h"]), help(&[name, "--help"]));
        assert!(long.len() > short.len(), "{name}");
        assert!(long.contains("Example"), "{name}");
    }
}

#[test]
fn clients_do_not_have_the_options_of_the_server() {
    for name in COMMANDS.iter().filter(|name| **name != "serve") {
        let own = help(&[name, "--help"]);
        assert!(!own.contains("--workers") && !own.contains("RUST_LOG"), "{name}: {own}");
    }
    assert!(!help(&["serve", "--help"]).contains("RINGMQ_URL"));
}

#[test]
fn exit_codes_are_told() {
    let text = help(&["--help"]);
    let (_, codes) = text.split_once("Exit codes:").expect("they are there");
    for code in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "130", "141"] {
        assert!(codes.contains(&format!("\n  {code} ")), "{code} in {codes}");
    }
}

#[test]
fn a_token_is_never_shown() {
    for args in [&["queues", "--help"][..], &["queues", "--url", "http://127.0.0.1:1"]] {
        let exit = Process::run(command().args(args).env("RINGMQ_TOKEN", "hush-hush"));
        assert!(!exit.stdout.contains("hush") && !exit.stderr.contains("hush"), "{exit:?}");
    }
}

#[test]
fn nor_is_what_is_secret_in_a_url() {
    for args in [&["queues", "--help"][..], &["queues"], &["health"], &["load"]] {
        for url in ["http://user:hush-hush@127.0.0.1:1", "ftp://user:hush-hush@host"] {
            let exit = Process::run(command().args(args).env("RINGMQ_URL", url));
            assert!(!exit.stdout.contains("hush") && !exit.stderr.contains("hush"), "{exit:?}");
        }
    }
}

#[test]
fn options_of_the_server_before_another_command_are_wrong() {
    let exit = Process::run(command().args(["--port", "0", "queues"]));
    assert_eq!(exit.status.code(), Some(2), "{exit:?}");
    assert!(exit.stderr.contains("queues"), "{}", exit.stderr);
}

#[test]
fn a_bad_setting_of_the_server_does_not_disturb_a_client() {
    let mut command = command();
    command.env("RINGMQ_WORKERS", "many").args(["queues", "--url", "http://127.0.0.1:1"]);
    let exit = Process::run(&mut command);
    assert_eq!(exit.status.code(), Some(5), "{exit:?}");
}
