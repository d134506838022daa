//! The environment variable of each option.
//!
//! One rule names them all, so that none can be forgotten: an option `--some-thing` of the command `word`
//! is also `RINGMQ_WORD_SOME_THING`. Those that commands share have a name of their own, such as
//! `RINGMQ_URL`, and so has everything that `serve` knows.

use clap::builder::FalseyValueParser;
use clap::{Arg, ArgAction, Command};

/// The command that had its variables before there were others.
const SERVE: &str = "serve";

/// Gives its variable to every option that has none.
pub(super) fn name(mut command: Command) -> Command {
    let words: Vec<String> =
        command.get_subcommands().map(|word| word.get_name().to_owned()).collect();
    for word in words.iter().filter(|word| *word != SERVE) {
        command =
            command.mut_subcommand(word, |sub| sub.mut_args(|option| with_variable(word, option)));
    }
    command
}

fn with_variable(word: &str, option: Arg) -> Arg {
    // `--json` is short for a value of `--output`, which has one.
    let has_own = option.get_env().is_some() || option.get_id() == "json";
    match option.get_long() {
        Some(long) if !has_own => {
            let variable = format!("RINGMQ_{word}_{long}").to_uppercase().replace('-', "_");
            let option = option.env(variable);
            match option.get_action() {
                // Any value but an empty one, `0`, `no`, `off` or `false` turns it on.
                ArgAction::SetTrue => option.value_parser(FalseyValueParser::new()),
                _ => option,
            }
        }
        _ => option,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_option_has_a_variable_and_every_variable_one_meaning() {
        let command = super::super::command();
        let mut meanings: BTreeMap<String, String> = BTreeMap::new();
        let mut seen = 0;
        for word in command.get_subcommands() {
            for option in word.get_arguments() {
                let Some(long) = option.get_long() else { continue };
                if matches!(long, "help" | "version" | "json") {
                    continue;
                }
                let variable = option.get_env().unwrap_or_else(|| panic!("--{long} has none"));
                let variable = variable.to_string_lossy().into_owned();
                let known = meanings.entry(variable.clone()).or_insert_with(|| long.to_owned());
                assert_eq!(known, long, "{variable}");
                seen += 1;
            }
        }
        assert!(seen > 60, "{seen}");
    }

    #[test]
    fn the_rule_makes_the_names() {
        let command = super::super::command();
        let send = command.find_subcommand("send").expect("there is `send`");
        let key = send.get_arguments().find(|option| option.get_id() == "idempotency_key");
        let variable = key.and_then(Arg::get_env).expect("it has a variable");
        assert_eq!(variable, "RINGMQ_SEND_IDEMPOTENCY_KEY");
    }
}
