//! What the words of the command line do.
//!
//! `serve` runs the server; all others are clients of one, over the v1 API. Each is a file of its own:
//! a struct that clap fills, and `run`.

mod client;
mod completions;
mod connection;
mod create;
mod exit;
mod follow;
mod health;
mod leases;
mod load;
mod message;
mod operate;
mod output;
mod queues;
mod receive;
mod resolver;
mod send;
mod serve;
mod signals;
mod stats;
mod stats_table;
mod variables;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use ringmq::config::Settings;
use ringmq::logging;

pub(crate) use self::exit::{Exit, Failure};

/// An HTTP event queue service with a lock-free ring buffer at its heart.
///
/// Without a command it serves: `ringmq --port 8081` is `ringmq serve --port 8081`. The other commands
/// are clients of a server, this one or any: they find it by --url or RINGMQ_URL.
#[derive(Debug, Parser)]
#[command(
    name = "ringmq",
    version,
    max_term_width = 100,
    subcommand_required = true,
    disable_help_subcommand = false,
    override_usage = "ringmq [OPTIONS OF serve]\n       ringmq <COMMAND> [OPTIONS]"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What `ringmq` can be told to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Serve queues over HTTP (the default)
    Serve(Box<Settings>),
    Send(send::Send),
    Receive(receive::Receive),
    Browse(receive::Browse),
    Ack(leases::Ack),
    Release(leases::Release),
    Extend(leases::Extend),
    Queues(queues::Queues),
    Create(create::Create),
    Delete(operate::Delete),
    Stats(stats::Stats),
    Purge(operate::Purge),
    Pause(operate::Pause),
    Resume(operate::Resume),
    Redrive(operate::Redrive),
    Load(load::Load),
    Health(health::Health),
    Completions(completions::Completions),
}

/// Does what the command line says.
pub(crate) fn run() -> ExitCode {
    let matches = command().get_matches_from(with_command(std::env::args_os().collect()));
    // What clap's own reading of its own matches refuses is told as any wrong usage is.
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let done = match cli.command {
        Command::Serve(settings) => logging::init(&settings.log, settings.log_format)
            .map_err(|error| Failure::bad_setting("--log", "RUST_LOG", &settings.log, error))
            .and_then(|()| serve::serve(&settings)),
        Command::Send(send) => send.run(),
        Command::Receive(receive) => receive.run(),
        Command::Browse(browse) => browse.run(),
        Command::Ack(ack) => ack.run(),
        Command::Release(release) => release.run(),
        Command::Extend(extend) => extend.run(),
        Command::Queues(queues) => queues.run(),
        Command::Create(create) => create.run(),
        Command::Delete(delete) => delete.run(),
        Command::Stats(stats) => stats.run(),
        Command::Purge(purge) => purge.run(),
        Command::Pause(pause) => pause.run(),
        Command::Resume(resume) => resume.run(),
        Command::Redrive(redrive) => redrive.run(),
        Command::Load(load) => load.run(),
        Command::Health(health) => health.run(),
        Command::Completions(completions) => completions.run(&mut command()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

/// The command line as clap knows it, every option with its variable.
fn command() -> clap::Command {
    variables::name(Cli::command().after_help(exit::help()))
}

/// The arguments, and `serve` where they begin with an option of the server or not at all.
fn with_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let of_the_program = ["-h", "--help", "-V", "--version"];
    let first = arguments.get(1).map(|argument| argument.to_string_lossy());
    let is_option = first.as_ref().is_none_or(|first| first.starts_with('-'));
    if is_option && !first.is_some_and(|first| of_the_program.contains(&&*first)) {
        arguments.insert(arguments.len().min(1), "serve".into());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Command, String> {
        let arguments = ["ringmq"].iter().chain(arguments).map(OsString::from).collect();
        let matches = command().try_get_matches_from(with_command(arguments));
        let cli = matches.and_then(|matches| Cli::from_arg_matches(&matches));
        cli.map(|cli| cli.command).map_err(|error| error.to_string())
    }

    #[test]
    fn clap_finds_nothing_wrong() {
        command().debug_assert();
    }

    #[test]
    fn serve_is_what_is_done_without_a_command() {
        for arguments in [&["--port", "1"][..], &["serve", "--port", "1"], &["serve", "--port=1"]] {
            match parse(arguments) {
                Ok(Command::Serve(settings)) => assert_eq!(settings.port, 1),
                other => panic!("{arguments:?}: {other:?}"),
            }
        }
        assert!(matches!(parse(&[]), Ok(Command::Serve(_))));
    }

    #[test]
    fn options_of_the_server_stand_before_no_other_command() {
        for arguments in [["--port", "1", "queues"], ["queues", "--port", "1"]] {
            let error = parse(&arguments).expect_err("a client has no port");
            assert!(error.contains("unexpected argument"), "{error}");
        }
    }

    #[test]
    fn a_mistyped_command_is_told_the_right_one() {
        let error = parse(&["recieve", "q"]).expect_err("there is none");
        assert!(error.contains("'receive'"), "{error}");
    }

    #[test]
    fn help_and_version_are_those_of_the_program() {
        for word in ["-h", "--help", "-V", "--version"] {
            let arguments = vec!["ringmq".into(), word.into()];
            assert_eq!(with_command(arguments.clone()), arguments);
        }
    }
}
