//! `ringmq completions`: what shells need to complete the command line.

use std::io::{self, Write as _};

use clap::Args;
use clap_complete::Shell;

use super::exit::Failure;

/// Write the completions of a shell
///
/// To standard output, for the file where the shell looks for them.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ringmq completions bash > ~/.local/share/bash-completion/completions/ringmq
  ringmq completions zsh > ~/.zfunc/_ringmq
  ringmq completions fish > ~/.config/fish/completions/ringmq.fish")]
pub(super) struct Completions {
    /// Which shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, command: &mut clap::Command) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, "ringmq", &mut script);
        let mut out = io::stdout().lock();
        out.write_all(&script)?;
        Ok(out.flush()?)
    }
}
