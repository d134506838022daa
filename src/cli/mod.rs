//! What the words of the command line do.

mod serve;

use std::process::ExitCode;

use clap::Parser;
use ringmq::config::Cli;
use ringmq::logging;

/// The exit code of a setting that cannot be used; clap ends with the same.
const BAD_SETTING: u8 = 2;

/// Does what the command line says.
pub(crate) fn run() -> ExitCode {
    let settings = Cli::parse().settings;
    let served = logging::init(&settings.log, settings.log_format)
        .map_err(|error| Failure::bad_setting("--log", "RUST_LOG", &settings.log, error))
        .and_then(|()| serve::serve(&settings));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { text, exit_code }) => {
            eprintln!("error: {text}");
            ExitCode::from(exit_code)
        }
    }
}

/// Why a command ends in error.
pub(crate) struct Failure {
    /// One line for the terminal.
    pub(crate) text: String,
    /// What the process ends with.
    pub(crate) exit_code: u8,
}

impl Failure {
    pub(crate) fn new(text: String) -> Self {
        Self { text, exit_code: 1 }
    }

    pub(crate) fn bad_setting(
        flag: &str,
        variable: &str,
        value: impl ToString,
        why: impl ToString,
    ) -> Self {
        let (value, why) = (value.to_string(), why.to_string());
        Self {
            text: format!("invalid value '{value}' for '{flag}' or '{variable}': {why}"),
            exit_code: BAD_SETTING,
        }
    }
}
