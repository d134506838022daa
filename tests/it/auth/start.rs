//! What a start says of tokens, and what it never shows.

use std::net::Ipv4Addr;

use nix::sys::signal::Signal;

use super::{TOKENS, ask, start_with};
use crate::support::server::command;
use crate::support::{Process, Server};

const SECRET: &str = "s3cret-s3cret-s3cret";

/// A file of this test run that only its owner can read.
pub(super) fn secret_file(name: &str, text: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;

    let path = format!("{}/{name}-{}.toml", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    std::fs::write(&path, text).expect("the test can write there");
    let only_owner = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&path, only_owner).expect("it is the test's own");
    path
}

#[test]
fn a_file_that_cannot_be_used_ends_the_start() {
    for (name, text, words) in [
        ("syntax", "[tokens.a]\ntoken = \"SECRET\" x\n", ["line 2", "TOML"]),
        ("short", "[tokens.a]\ntoken = \"short\"\nsend = [\"q\"]\n", ["line 2", "tokens.a.token"]),
        ("role", "[tokens.a]\ntoken = \"SECRET\"\nsned = [\"q\"]\n", ["line 3", "sned"]),
        ("empty", "", ["line 1", "no token"]),
    ] {
        let path = secret_file(&format!("auth-{name}"), &text.replace("SECRET", SECRET));
        let exit = Process::run(command().env("PORT", "0").args(["--auth-file", &path]));
        assert_eq!(exit.status.code(), Some(2), "{exit:?}");
        for word in words.into_iter().chain(["--auth-file", "RINGMQ_AUTH_FILE", &path]) {
            assert!(exit.stderr.contains(word), "{word} is not in {}", exit.stderr);
        }
        assert!(!exit.stderr.contains(SECRET), "{}", exit.stderr);
    }
}

#[test]
fn a_variable_that_cannot_be_used_ends_the_start_and_is_not_shown() {
    for text in ["a=SECRET", "SECRET", "a=SECRET sned", "a=SECRET send; b=SECRET send", "", ";"] {
        let text = text.replace("SECRET", SECRET);
        let exit = Process::run(command().env("PORT", "0").env("RINGMQ_AUTH_TOKENS", &text));
        assert_eq!(exit.status.code(), Some(2), "{text}: {exit:?}");
        assert!(exit.stderr.contains("RINGMQ_AUTH_TOKENS"), "{}", exit.stderr);
        assert!(!exit.stderr.contains(SECRET), "{}", exit.stderr);
    }
}

#[test]
fn file_and_variable_count_together() {
    let path =
        secret_file("auth-both", "[tokens.f]\ntoken = \"f-token-0123456789\"\nsend = [\"*\"]\n");
    let server =
        Server::launch(command().env("RINGMQ_AUTH_TOKENS", "v=v-token-0123456789 send").args([
            "--port",
            "0",
            "--auth-file",
            &path,
        ]));
    let mut client = server.client();
    for who in ["f", "v"] {
        assert_eq!(ask(&mut client, who, "GET", "/size", "").status, 200, "{who}");
    }
    // The same name in both is a mistake.
    let exit =
        Process::run(command().env("RINGMQ_AUTH_TOKENS", "f=v-token-0123456789 send").args([
            "--port",
            "0",
            "--auth-file",
            &path,
        ]));
    assert_eq!(exit.status.code(), Some(2), "{exit:?}");
    assert!(exit.stderr.contains("twice"), "{}", exit.stderr);
}

#[test]
fn a_digest_will_do_instead_of_a_token() {
    let digest = base16ct::lower::encode_string(&<sha2::Sha256 as sha2::Digest>::digest(
        "digest-token-0123456789",
    ));
    let server = start_with(&format!("d=sha256:{digest} send:default"));
    let mut client = server.client();
    assert_eq!(ask(&mut client, "digest", "GET", "/size", "").status, 200);
    let bearer = format!("Bearer {digest}");
    let answer = client.call("GET", "/size", &[("Authorization", &bearer)], "");
    answer.assert_problem(401, "unauthorized");
}

#[test]
fn help_shows_no_secret_of_the_environment() {
    let mut command = command();
    command.env("RINGMQ_AUTH_TOKENS", TOKENS).env("RINGMQ_SQS_SECRET_KEY", SECRET);
    let exit = Process::run(command.args(["serve", "--help"]));
    assert!(exit.status.success(), "{exit:?}");
    assert!(exit.stdout.contains("RINGMQ_AUTH_TOKENS"), "{}", exit.stdout);
    for secret in [SECRET, "token-0123456789"] {
        assert!(!exit.stdout.contains(secret), "{}", exit.stdout);
    }
}

#[test]
fn no_token_is_logged() {
    let mut command = command();
    command.env("RINGMQ_AUTH_TOKENS", TOKENS).args(["--port", "0", "--log", "trace"]);
    let server = Server::launch(&mut command);
    let mut client = server.client();
    ask(&mut client, "root", "GET", "/v1/queues", "");
    ask(&mut client, "unknown", "GET", "/v1/queues", "");
    let exit = server.stop(Signal::SIGTERM);
    assert!(exit.status.success(), "{exit:?}");
    assert!(!exit.stderr.contains("token-0123456789"), "{}", exit.stderr);
}

#[test]
fn a_file_that_others_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;

    let text = "[tokens.f]\ntoken = \"f-token-0123456789\"\nsend = [\"*\"]\n";
    for (mode, warns) in [(0o600, false), (0o640, false), (0o644, true)] {
        let path = secret_file(&format!("auth-mode-{mode:o}"), text);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("own file");
        let exit = Server::start_with(&["--auth-file", &path]).stop(Signal::SIGTERM);
        let warned = exit.stderr.lines().filter(|line| line.contains("can read")).count();
        assert_eq!(warned, usize::from(warns), "{mode:o}: {}", exit.stderr);
    }
}

/// All addresses of the machine: nobody else connects within a test.
#[test]
fn a_server_for_other_machines_says_what_they_may() {
    let lines = |tokens: Option<&str>, host: &str| {
        let mut command = command();
        command.args(["--port", "0", "--host", host, "--max-connections", "100"]);
        if let Some(tokens) = tokens {
            command.env("RINGMQ_AUTH_TOKENS", tokens);
        }
        let exit = Server::launch(&mut command).stop(Signal::SIGTERM);
        let warnings = exit.stderr.lines().filter(|line| line.contains("WARN"));
        warnings.map(str::to_owned).collect::<Vec<_>>()
    };
    let everywhere = Ipv4Addr::UNSPECIFIED.to_string();
    let open = lines(None, &everywhere);
    assert!(open.len() == 1 && open[0].contains("may do everything"), "{open:?}");
    let plain = lines(Some(TOKENS), &everywhere);
    assert!(plain.len() == 1 && plain[0].contains("in the clear"), "{plain:?}");
    for tokens in [None, Some(TOKENS)] {
        assert_eq!(lines(tokens, "127.0.0.1"), [""; 0]);
    }
}
