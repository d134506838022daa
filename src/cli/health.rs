//! `ringmq health`: whether a server answers, for container engines and scripts.

use clap::Args;
use serde_json::Value;

use super::client::{CallError, Client, Request};
use super::connection::{Connection, is_loopback};
use super::exit::{Exit, Failure};
use super::output::{Output, plain};

/// Ask whether the server is ready
///
/// Without --url it asks the server of this very container or machine: at RINGMQ_HOST and PORT, and by
/// TLS where RINGMQ_TLS_CERT is set. It then takes any certificate, because it sends nothing secret to
/// it. It needs no shell and no certificates of the system, and no token.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  HEALTHCHECK CMD [\"/ringmq\", \"health\"]     in a Dockerfile
  ringmq health --live                       whether it lives, ready or not
  ringmq health --url https://queues.example.com

Exit codes: 0 it is ready (or lives), 1 it is not or cannot be reached, 2 wrong usage.")]
pub(super) struct Health {
    /// Ask whether it lives, which it does also while it is stopping or out of memory
    #[arg(long)]
    live: bool,

    /// Take any certificate; only for a server on a loopback address
    #[arg(long)]
    insecure: bool,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    output: Output,
}

impl Health {
    pub(super) fn run(mut self) -> Result<(), Failure> {
        let mut insecure = self.insecure;
        match &self.connection.url {
            None => {
                self.connection.url = Some(own_url(|name| std::env::var(name).ok()));
                insecure |= self.connection.ca.is_none();
            }
            Some(url) if self.insecure && !is_loopback(url) => {
                let text = "--insecure is only for a server on a loopback address";
                return Err(Failure::because(Exit::Usage, text));
            }
            Some(_) => {}
        }
        // What is asked here is open to all.
        self.connection.token = None;
        let path = if self.live { "/livez" } else { "/readyz" };
        let asked = Client::checking(&self.connection, !insecure)
            .and_then(|client| client.ask::<Value>(&Request::get(path)));
        let status = match asked {
            // Not ready is an answer like ready, but no problem document.
            Ok(status) => status,
            Err(error @ CallError::Unusable(_)) => return Err(error.into()),
            Err(error) => return Err(Failure::new(error.to_string())),
        };
        self.output.tell(&status, |status| plain(&status["status"]))
    }
}

/// Where the server that has this environment listens.
fn own_url(variable: impl Fn(&str) -> Option<String>) -> String {
    let host = variable("RINGMQ_HOST").unwrap_or_default();
    let host = match host.trim_matches(['[', ']']) {
        // All addresses: the first of the machine's own is among them.
        "" | "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    let port = variable("PORT").unwrap_or_else(|| "8080".into());
    let tls = variable("RINGMQ_TLS_CERT").is_some_and(|path| !path.is_empty());
    format!("{}://{host}:{port}", if tls { "https" } else { "http" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_of_the_same_environment_is_found() {
        for (variables, url) in [
            (&[][..], "http://127.0.0.1:8080"),
            (&[("PORT", "81")], "http://127.0.0.1:81"),
            (&[("RINGMQ_HOST", "0.0.0.0")], "http://127.0.0.1:8080"),
            (&[("RINGMQ_HOST", "::"), ("PORT", "1")], "http://[::1]:1"),
            (&[("RINGMQ_HOST", "[fd00::1]")], "http://[fd00::1]:8080"),
            (&[("RINGMQ_HOST", "10.1.2.3")], "http://10.1.2.3:8080"),
            (&[("RINGMQ_TLS_CERT", "/c.pem")], "https://127.0.0.1:8080"),
            (&[("RINGMQ_TLS_CERT", "")], "http://127.0.0.1:8080"),
        ] {
            let find = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(own_url(find), url, "{variables:?}");
        }
    }
}
