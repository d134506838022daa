//! What a server reads again on SIGHUP: tokens, the certificate, queues and log filter of the settings file.
//!
//! What cannot be read leaves everything as it was, and is logged; the rest is done.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actix_web::rt::signal::unix::{SignalKind, signal};
use ringmq::broker::Broker;
use ringmq::config::{AUTH_TOKENS, SettingsFile};
use ringmq::http::auth::{Auth, InvalidTokens, Tokens};
use ringmq::logging;
use ringmq::tls::Tls;

/// What can be read again, and where from.
pub(super) struct Reload {
    pub(super) broker: Arc<Broker>,
    pub(super) config: Option<PathBuf>,
    /// What was said to be logged at start, for when the file says nothing of it.
    pub(super) log: String,
    pub(super) auth: Option<Arc<Auth>>,
    pub(super) auth_file: Option<PathBuf>,
    pub(super) tls: Option<Arc<Tls>>,
}

impl Reload {
    /// Reads all of it again at every SIGHUP; caught from the moment this returns.
    pub(super) fn on_hangup(self) -> io::Result<impl Future<Output = ()>> {
        let mut hangup = signal(SignalKind::hangup())?;
        Ok(async move {
            while hangup.recv().await.is_some() {
                self.reload();
            }
        })
    }

    fn reload(&self) {
        let mut done = Vec::new();
        if let (Some(auth), Some(path)) = (&self.auth, &self.auth_file) {
            match read_tokens(Some(path)) {
                Ok(tokens) => {
                    let tokens = tokens.unwrap_or_default();
                    done.push(counted(tokens.len(), "token"));
                    auth.replace(tokens);
                }
                Err(error) => kept("what tokens are known", &error),
            }
        }
        if let Some(tls) = &self.tls {
            match tls.reload() {
                Ok(()) => done.push("the certificate".to_owned()),
                Err(error) => kept("the certificate", &error),
            }
        }
        if let Some(path) = &self.config {
            match SettingsFile::read(path) {
                Ok(file) => {
                    match logging::reload(file.log().unwrap_or(&self.log)) {
                        Ok(()) => done.extend(file.log().map(|filter| format!("log {filter}"))),
                        Err(error) => kept("what is logged", &error),
                    }
                    let (queues, faults) = file.apply(&self.broker);
                    done.push(counted(queues, "queue"));
                    faults.iter().for_each(|fault| log::error!("SIGHUP: {fault}"));
                }
                Err(error) => kept("every queue", &format_args!("{}: {error}", path.display())),
            }
        }
        let there_is = self.auth_file.is_some() || self.tls.is_some() || self.config.is_some();
        match done.join(", ") {
            done if !done.is_empty() => log::info!("SIGHUP: read again: {done}"),
            _ if there_is => {}
            _ => log::info!("SIGHUP: there is nothing to read again"),
        }
    }
}

fn kept(what: &str, error: &dyn Display) {
    log::error!("SIGHUP: {what} stays as before: {error}");
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What is wrong with the tokens, and where.
#[derive(Debug)]
pub(super) enum TokensError {
    File(PathBuf, InvalidTokens),
    Variable(InvalidTokens),
}

impl Display for TokensError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Variable(error) => write!(f, "{AUTH_TOKENS}: {error}"),
        }
    }
}

/// The tokens of the file and of the variable; none, if neither is there.
pub(super) fn read_tokens(path: Option<&Path>) -> Result<Option<Tokens>, TokensError> {
    let of_variable = match std::env::var_os(AUTH_TOKENS) {
        None => None,
        // What is no text is no token either.
        Some(text) => Some(
            Tokens::read_line(text.to_str().unwrap_or_default()).map_err(TokensError::Variable)?,
        ),
    };
    let Some(path) = path else { return Ok(of_variable) };
    let of_file = |error| TokensError::File(path.into(), error);
    let text = read(path).map_err(|error| of_file(InvalidTokens::Unreadable(error)))?;
    let tokens = Tokens::read(&text).map_err(of_file)?;
    match of_variable {
        None => Ok(Some(tokens)),
        Some(others) => tokens.and(others).map(Some).map_err(of_file),
    }
}

/// The text of a file with secrets; warns if everybody on this machine can read it.
fn read(path: &Path) -> io::Result<String> {
    use std::os::unix::fs::PermissionsExt as _;

    let mut file = File::open(path)?;
    if file.metadata()?.permissions().mode() & 0o004 != 0 {
        log::warn!("every user of this machine can read the tokens in {}", path.display());
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}
