//! How the process ends: the one table of exit codes, and what a failure says.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use super::output::{harmless, one_line, say};

/// What the process ends with. Scripts rely on these: a code is never given another meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Anything that has no code of its own.
    Failed = 1,
    /// The command line, a variable, or what it asks for is wrong; clap ends with the same.
    Usage = 2,
    /// Nothing to receive, or no such queue, message or receipt.
    Nothing = 3,
    /// The queue or the memory is full.
    Full = 4,
    /// No server there, or no answer in time.
    Unreachable = 5,
    /// The token is missing, unknown, or has not the role.
    NotAllowed = 6,
    /// It contradicts the present state.
    Conflict = 7,
    /// A load test saw more errors than it may.
    TooManyErrors = 8,
    /// A load test did not reach its rate.
    RateMissed = 9,
    /// Somebody pressed Ctrl-C twice: 128 + 2, as shells have it.
    Interrupted = 130,
    /// What SIGPIPE makes of other programs: 128 + 13.
    ReaderGone = 141,
}

/// The codes as help tells them.
const TABLE: [(u8, &str); 12] = [
    (0, "done"),
    (Exit::Failed as u8, "failed for another reason, which is said on standard error"),
    (Exit::Usage as u8, "wrong usage: an option, a variable or a value is not allowed"),
    (
        Exit::Nothing as u8,
        "nothing there: no message to receive, no such queue, message or receipt",
    ),
    (Exit::Full as u8, "refused because the queue or the memory of the server is full"),
    (Exit::Unreachable as u8, "no server at the URL, no answer in time, or the server is stopping"),
    (Exit::NotAllowed as u8, "the token is missing or unknown, or does not have the role for this"),
    (
        Exit::Conflict as u8,
        "conflict: a lease is lost, a queue is in use, a capacity is below the depth",
    ),
    (Exit::TooManyErrors as u8, "load: more errors than --max-errors allows"),
    (Exit::RateMissed as u8, "load: the offered rate was not reached"),
    (Exit::Interrupted as u8, "ended at once by a second Ctrl-C (SIGINT, SIGTERM or SIGHUP)"),
    (Exit::ReaderGone as u8, "whoever read the output has gone, as `head` does"),
];

/// The table, as it stands at the end of help.
pub(crate) fn help() -> String {
    let mut text = String::from("Exit codes:\n");
    for (code, meaning) in TABLE {
        text.push_str(&format!("  {code:<4} {meaning}\n"));
    }
    text.push_str("\n`health` has only 0 and 1 (and 2), as container engines want it.");
    text
}

/// Why a command ends in error.
#[derive(Debug)]
pub(crate) struct Failure {
    /// One line for the terminal; empty where nothing needs to be said.
    pub(crate) text: String,
    /// What the process ends with.
    pub(crate) exit_code: u8,
    /// How long the server asks to wait before a repetition, where one may help.
    pub(crate) retry_after: Option<Duration>,
}

impl Failure {
    /// For a reason without a code of its own.
    pub(crate) fn new(text: String) -> Self {
        Self::because(Exit::Failed, text)
    }

    /// For one that has.
    pub(crate) fn because(exit: Exit, text: impl Into<String>) -> Self {
        Self { text: text.into(), exit_code: exit as u8, retry_after: None }
    }

    /// A setting cannot be used.
    pub(crate) fn bad_setting(
        flag: &str,
        variable: &str,
        value: impl ToString,
        why: impl ToString,
    ) -> Self {
        let (value, why) = (value.to_string(), why.to_string());
        let text = format!("invalid value '{value}' for '{flag}' or '{variable}': {why}");
        Self::because(Exit::Usage, text)
    }

    /// Whether it is for this reason.
    pub(crate) fn is(&self, exit: Exit) -> bool {
        self.exit_code == exit as u8
    }

    /// Says why on standard error.
    pub(crate) fn tell(&self) -> ExitCode {
        if !self.text.is_empty() {
            // What a server says stays one line, and moves no cursor. A place in a file takes several.
            let text = match self.is(Exit::Usage) {
                true => harmless(&self.text),
                false => one_line(&self.text),
            };
            say(&format!("error: {text}"));
        }
        ExitCode::from(self.exit_code)
    }
}

/// What goes wrong while writing the output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::because(Exit::ReaderGone, ""),
            _ => Self::new(format!("cannot write the output: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_told_once() {
        let mut codes: Vec<u8> = TABLE.iter().map(|(code, _)| *code).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
        for (code, meaning) in TABLE {
            assert!(help().contains(&format!("  {code:<4} {meaning}\n")), "{code}");
        }
    }

    #[test]
    fn a_closed_pipe_ends_without_words() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(failure.is(Exit::ReaderGone) && failure.text.is_empty());
        assert!(!Failure::from(io::Error::other("disk")).text.is_empty());
    }
}
