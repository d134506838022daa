//! HTTPS: with certificates of the test's own, and a client that checks them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;

use nix::sys::signal::Signal;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion, version,
};

use crate::support::server::command;
use crate::support::{DEADLINE, Process, Server};

/// A certificate for `localhost`, and its key, as files of one test.
struct Pair {
    certificate: String,
    key: String,
    der: CertificateDer<'static>,
}

impl Pair {
    fn new(test: &str) -> Self {
        let path = |what: &str| {
            format!("{}/{test}-{}-{what}.pem", env!("CARGO_TARGET_TMPDIR"), std::process::id())
        };
        let mut pair = Self { certificate: path("cert"), key: path("key"), der: Vec::new().into() };
        pair.renew();
        pair
    }

    /// Others in the same files.
    fn renew(&mut self) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).expect("a name");
        write(&self.certificate, &cert.pem());
        write(&self.key, &signing_key.serialize_pem());
        self.der = cert.der().clone();
    }

    fn args(&self) -> [&str; 4] {
        ["--tls-cert", &self.certificate, "--tls-key", &self.key]
    }
}

fn write(path: &str, text: &str) {
    std::fs::write(path, text).expect("the test can write there");
}

type Secured = StreamOwned<ClientConnection, TcpStream>;

/// A connection of who trusts this certificate and no other.
fn connect(
    server: &Server,
    trusted: &CertificateDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<Secured> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("known versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = "localhost".try_into().expect("a name");
    let client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let socket = TcpStream::connect(server.addr)?;
    socket.set_read_timeout(Some(DEADLINE))?;
    socket.set_write_timeout(Some(DEADLINE))?;
    let mut stream = StreamOwned::new(client, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

const BOTH: &[&SupportedProtocolVersion] = &[&version::TLS12, &version::TLS13];

/// Sends a request and reads the answer: its head, and its body as long as that says.
fn ask(stream: &mut Secured, method: &str, target: &str, body: &[u8]) -> (String, Vec<u8>) {
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("the server reads");
    stream.write_all(body).expect("the server reads");
    stream.flush().expect("the server reads");
    let mut read = Vec::new();
    let end = loop {
        if let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end + 4;
        }
        read_more(stream, &mut read);
    };
    let head = String::from_utf8(read[..end].to_vec()).expect("text");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.parse().expect("a number"));
    while read.len() < end + length {
        read_more(stream, &mut read);
    }
    (head, read.split_off(end))
}

fn read_more(stream: &mut Secured, to: &mut Vec<u8>) {
    let mut bytes = [0; 16 * 1024];
    let count = stream.read(&mut bytes).expect("the server answers");
    assert_ne!(count, 0, "the server hangs up: {}", to.escape_ascii());
    to.extend_from_slice(&bytes[..count]);
}

#[test]
fn requests_are_answered_over_both_versions() {
    let pair = Pair::new("tls-versions");
    let server = Server::start_with(&pair.args());
    assert!(server.start_line.ends_with(", TLS"), "{}", server.start_line);
    for one in BOTH {
        let mut stream = connect(&server, &pair.der, &[one]).expect("a connection");
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        let body = format!("over {:?}", one.version);
        let (head, _) = ask(&mut stream, "POST", "/v1/queues/default/messages", body.as_bytes());
        assert!(head.starts_with("HTTP/1.1 201 "), "{head}");
        let (head, answer) = ask(&mut stream, "GET", "/dequeue", b"");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(String::from_utf8_lossy(&answer).contains(&body));
    }
}

#[test]
fn large_bodies_and_polls_that_wait_go_through() {
    let pair = Pair::new("tls-large");
    let server = Server::start_with(&pair.args());
    let mut parked = connect(&server, &pair.der, BOTH).expect("a connection");
    let mut sender = connect(&server, &pair.der, BOTH).expect("a connection");
    let body: Vec<u8> = (0..1_000_000_u32).map(|number| number as u8).collect();
    let head = "POST /v1/queues/default/receive?max=1&lease=0&wait=60 HTTP/1.1\r\nHost: localhost\r\n\
                Accept: application/octet-stream\r\n\r\n";
    parked.write_all(head.as_bytes()).expect("the server reads");
    parked.flush().expect("the server reads");
    loop {
        let (_, queue) = ask(&mut sender, "GET", "/v1/queues/default", b"");
        if String::from_utf8_lossy(&queue).contains("\"waiting_receives\":1") {
            break;
        }
    }
    let (head, _) = ask(&mut sender, "POST", "/v1/queues/default/messages", &body);
    assert!(head.starts_with("HTTP/1.1 201 "), "{head}");
    let mut read = Vec::new();
    while !read.windows(4).any(|bytes| bytes == b"\r\n\r\n") || read.len() < body.len() {
        read_more(&mut parked, &mut read);
    }
    while !read.ends_with(&body) {
        read_more(&mut parked, &mut read);
    }
}

#[test]
fn another_certificate_is_shown_from_the_next_connection_on() {
    let mut pair = Pair::new("tls-reload");
    let mut server = Server::start_with(&pair.args());
    let old = pair.der.clone();
    let mut before = connect(&server, &old, BOTH).expect("a connection");
    pair.renew();
    server.process.signal(Signal::SIGHUP);
    server.process.stderr.wait_for(|line| line.contains("SIGHUP: read again: the certificate"));
    connect(&server, &old, BOTH).expect_err("it is another one");
    let mut after = connect(&server, &pair.der, BOTH).expect("a connection");
    for stream in [&mut before, &mut after] {
        let (head, _) = ask(stream, "GET", "/size", b"");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    }

    // What cannot be used leaves it as it was.
    let whole = std::fs::read_to_string(&pair.key).expect("the file is there");
    for text in
        ["", &whole[..whole.len() / 2], &KeyPair::generate().expect("a key").serialize_pem()]
    {
        write(&pair.key, text);
        server.process.signal(Signal::SIGHUP);
        let line = server.process.stderr.wait_for(|line| line.contains("SIGHUP"));
        assert!(line.contains("ERROR") && line.contains(&pair.key), "{line}");
        assert!(!line.contains("PRIVATE KEY-"), "{line}");
        connect(&server, &pair.der, BOTH).expect("a connection");
    }
}

#[test]
fn files_that_cannot_be_used_end_the_start() {
    let pair = Pair::new("tls-bad");
    let other = Pair::new("tls-bad-other");
    let (cert, key) = (pair.certificate.as_str(), pair.key.as_str());
    for (args, words) in [
        (&["--tls-cert", cert][..], ["--tls-key", "RINGMQ_TLS_KEY"]),
        (&["--tls-key", key], ["--tls-cert", "RINGMQ_TLS_CERT"]),
        (&["--tls-cert", "/no/such.pem", "--tls-key", key], ["--tls-cert", "/no/such.pem"]),
        (&["--tls-cert", cert, "--tls-key", "/no/such.pem"], ["--tls-key", "/no/such.pem"]),
        (&["--tls-cert", key, "--tls-key", key], ["--tls-cert", "no certificate"]),
        (&["--tls-cert", cert, "--tls-key", cert], ["--tls-key", "no private key"]),
        (&["--tls-cert", cert, "--tls-key", &other.key], ["--tls-cert", &other.key]),
    ] {
        let exit = Process::run(command().env("PORT", "0").args(args));
        assert_eq!(exit.status.code(), Some(2), "{args:?}: {exit:?}");
        for word in words {
            assert!(exit.stderr.contains(word), "{word} is not in {}", exit.stderr);
        }
        assert!(!exit.stderr.contains("panicked"), "{}", exit.stderr);
    }
}

#[test]
fn who_speaks_no_tls_is_told_or_cut() {
    let pair = Pair::new("tls-plain");
    let [cert, cert_path, key, key_path] = pair.args();
    let server = Server::start_with(&[cert, cert_path, key, key_path, "--head-timeout", "1s"]);
    let answer = server.client().get("/size");
    assert_eq!(answer.assert_error_line(400), "this server speaks HTTPS, not HTTP");
    // Silence, and a handshake that stops.
    assert_eq!(server.client().until_closed(), b"");
    let mut client = server.client();
    client.send(b"\x16\x03\x01\x02\x00\x01\x00");
    client.until_closed();
    let mut stream = connect(&server, &pair.der, BOTH).expect("a connection");
    let (head, _) = ask(&mut stream, "GET", "/size", b"");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
}

#[test]
fn a_client_that_everybody_has_gets_in() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("there is no curl");
        return;
    }
    let pair = Pair::new("tls-curl");
    let server = Server::start_with(&pair.args());
    let port = server.addr.port();
    let output = Command::new("curl")
        .args(["-sS", "--noproxy", "*", "--cacert", &pair.certificate])
        .args(["--resolve", &format!("localhost:{port}:127.0.0.1")])
        .arg(format!("https://localhost:{port}/capacity"))
        .output()
        .expect("curl runs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "{\"capacity\":1024}\n");
}
