//! Clients of a server with tokens and TLS.

use std::process::Command;

use rcgen::{CertifiedKey, generate_simple_self_signed};

use super::{assert_failed, run};
use crate::support::server::command;
use crate::support::{Exit, Process, Server};

/// A certificate for `localhost` as files, which a server has and a client may trust.
fn certificate(test: &str) -> (String, String) {
    let path = |what: &str| {
        format!("{}/cli-{test}-{}-{what}.pem", env!("CARGO_TARGET_TMPDIR"), std::process::id())
    };
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("a name");
    let (certificate, key) = (path("cert"), path("key"));
    std::fs::write(&certificate, cert.pem()).expect("the test can write there");
    std::fs::write(&key, signing_key.serialize_pem()).expect("the test can write there");
    (certificate, key)
}

fn secured(test: &str) -> (Server, String) {
    let (certificate, key) = certificate(test);
    let server = Server::start_with(&["--tls-cert", &certificate, "--tls-key", &key]);
    (server, certificate)
}

/// A client that names the server as its certificate does.
fn client(server: &Server) -> Command {
    let mut command = command();
    command.env("RINGMQ_URL", format!("https://localhost:{}", server.addr.port()));
    command
}

#[test]
fn a_certificate_is_trusted_where_it_is_named_and_nowhere_else() {
    let (server, certificate) = secured("trust");
    let (other, _) = self::certificate("other");
    let trusting =
        |ca: &str, args: &[&str]| Process::run(client(&server).args(args).args(["--ca", ca]));
    let send = ["send", "default", "secret"];
    let exit = trusting(&certificate, &send);
    assert!(exit.status.success(), "{exit:?}");
    let exit =
        Process::run(client(&server).args(["receive", "default"]).env("RINGMQ_CA", &certificate));
    assert!(exit.stdout.contains("secret"), "{exit:?}");

    assert_failed(&trusting(&other, &send), 5, &["certificate"]);
    let exit = Process::run(client(&server).args(send));
    assert!(matches!(exit.status.code(), Some(2 | 5)), "{exit:?}"); // 2 where the system trusts nobody
    let url = format!("https://{}", server.addr);
    assert_failed(
        &trusting(&certificate, &[&send[..], &["--url", &url]].concat()),
        5,
        &["certificate"],
    );
    // TLS is spoken to who speaks it.
    let url = format!("http://{}", server.addr);
    assert_ne!(Process::run(command().args(["queues", "--url", &url])).status.code(), Some(0));
}

#[test]
fn files_that_are_no_certificates_are_named() {
    let path = format!("{}/cli-no-cert-{}.pem", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    std::fs::write(&path, "nothing\n").expect("the test can write there");
    for path in [path.as_str(), "/no/such/file.pem"] {
        let args = ["queues", "--url", "https://localhost:1", "--ca", path];
        assert_failed(&Process::run(command().args(args)), 2, &["--ca", path]);
    }
}

#[test]
fn a_load_test_goes_through_tls() {
    let (server, certificate) = secured("load");
    let mut command = client(&server);
    command.env("RINGMQ_CA", certificate).args(["load", "--create", "--rate", "50"]);
    let exit = Process::run(command.args(["--duration", "200ms", "--min-rate", "0%"]));
    assert!(exit.status.success(), "{exit:?}");
}

#[test]
fn health_needs_no_trust_in_its_own_server_and_takes_no_other_blindly() {
    let (server, certificate) = secured("health");
    let mut own = command();
    own.arg("health").env("PORT", server.addr.port().to_string());
    let exit = Process::run(own.env("RINGMQ_TLS_CERT", &certificate));
    assert!(exit.status.success(), "{exit:?}");

    let exit = Process::run(client(&server).args(["health", "--ca", &certificate]));
    assert!(exit.status.success(), "{exit:?}");
    let exit = Process::run(client(&server).args(["health", "--insecure"]));
    assert!(exit.status.success(), "{exit:?}");
    let (other, _) = self::certificate("health-other");
    let exit = Process::run(client(&server).args(["health", "--ca", &other]));
    assert_failed(&exit, 1, &["certificate"]);
}

/// Runs a client with this token.
fn as_who(server: &Server, token: &str, args: &[&str]) -> Exit {
    Process::run(super::client(server).args(args).env("RINGMQ_TOKEN", token))
}

#[test]
fn a_token_opens_what_its_roles_are_for() {
    let tokens = "shop=shop-token-0123456789 send:orders; boss=boss-token-0123456789 admin";
    let server = Server::launch(command().env("RINGMQ_AUTH_TOKENS", tokens).args(["--port", "0"]));
    let (shop, boss) = ("shop-token-0123456789", "boss-token-0123456789");
    assert_failed(&run(&server, &["create", "orders"]), 6, &["401"]);
    assert!(as_who(&server, boss, &["create", "orders"]).status.success());
    assert!(as_who(&server, shop, &["send", "orders", "x"]).status.success());
    for args in
        [&["receive", "orders"][..], &["purge", "orders", "--yes"], &["send", "default", "x"]]
    {
        let exit = as_who(&server, shop, args);
        assert_failed(&exit, 6, &["403"]);
        assert!(!exit.stderr.contains(shop), "{}", exit.stderr);
    }
    assert_failed(&as_who(&server, "wrong-token-0123456789", &["queues"]), 6, &["401"]);
    // Whether it lives is nobody's secret.
    assert!(run(&server, &["health"]).status.success());
}
