//! Completions: that shells take them.

use std::process::{Command, Stdio};

use crate::support::server::command;
use crate::support::{Exit, Process};

fn script(shell: &str) -> String {
    let exit = Process::run(command().args(["completions", shell]));
    assert!(exit.status.success(), "{exit:?}");
    exit.stdout
}

/// What a shell says of a script when it only reads it.
fn read_by(shell: &str, script: &str) -> Option<Exit> {
    let there = Command::new(shell).arg("-c").arg(":").stdin(Stdio::null()).status();
    there.ok()?;
    let path =
        format!("{}/completions-{}.{shell}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    std::fs::write(&path, script).expect("the test can write there");
    Some(Process::run(Command::new(shell).arg("-n").arg(&path)))
}

#[test]
fn shells_take_their_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let script = script(shell);
        for word in ["ringmq", "receive", "follow"] {
            assert!(script.contains(word), "{word} for {shell}");
        }
        if let Some(exit) = read_by(shell, &script) {
            assert!(exit.status.success() && exit.stderr.is_empty(), "{shell}: {exit:?}");
        } else {
            assert_ne!(shell, "bash", "bash is needed for this test");
        }
    }
}

#[test]
fn bash_completes_commands_and_options() {
    let complete = |line: &str, word: &str, before: &str| {
        let script = script("bash");
        let words: Vec<&str> = line.split(' ').collect();
        let program = format!(
            "{script}\nCOMP_WORDS=({line})\nCOMP_CWORD={}\n_ringmq ringmq '{word}' '{before}'\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
            words.len() - 1
        );
        Process::run(Command::new("bash").args(["--norc", "-c", &program])).stdout
    };
    assert!(complete("ringmq rec", "rec", "ringmq").lines().any(|word| word == "receive"));
    assert!(complete("ringmq send --idem", "--idem", "send").contains("--idempotency-key"));
}

#[test]
fn the_other_shells_have_theirs() {
    for shell in ["elvish", "powershell"] {
        assert!(script(shell).contains("ringmq"), "{shell}");
    }
    let exit = Process::run(command().args(["completions", "cmd"]));
    assert_eq!(exit.status.code(), Some(2), "{exit:?}");
}
