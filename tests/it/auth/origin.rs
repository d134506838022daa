//! Pages of other origins.

use crate::support::{Client, Server};

/// As a browser sends what a page of another origin asks it for.
const ELSEWHERE: [&[(&str, &str)]; 4] = [
    &[("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")],
    &[("Origin", "http://ringmq:3000"), ("Sec-Fetch-Site", "same-site")],
    &[("Origin", "null")],
    &[("Origin", "http://127.0.0.1:3000")],
];

fn filled(server: &Server) -> Client {
    let mut client = server.client();
    client.put("kept");
    client
}

#[test]
fn a_page_elsewhere_changes_nothing() {
    let server = Server::start();
    let mut client = filled(&server);
    for headers in ELSEWHERE {
        for (method, path) in [
            ("POST", "/enqueue"),
            ("POST", "/v1/queues/default/purge"),
            ("POST", "/v1/queues/default/receive?lease=0"),
            ("PUT", "/v1/queues/other"),
            ("DELETE", "/v1/queues/default"),
            ("POST", "/?Action=PurgeQueue&QueueUrl=default"),
        ] {
            let answer = client.call(method, path, headers, "{\"event\":\"x\"}");
            answer.assert_problem(403, "cross_origin");
        }
    }
    // An image is fetched without an origin, and to some addresses without the other header.
    for header in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Referer", "http://evil.example/page"),
    ] {
        for path in ["/dequeue", "/?Action=PurgeQueue&QueueUrl=default"] {
            let answer = client.call("GET", path, &[header], "");
            answer.assert_problem(403, "cross_origin");
        }
    }
    assert_eq!(client.drain(), ["kept"]);
}

#[test]
fn own_pages_proxies_and_other_clients_are_let_in() {
    let server = Server::start();
    let mut client = server.client();
    for headers in [
        &[][..],
        &[("Origin", "http://ringmq")],
        &[("Origin", "http://ringmq"), ("Sec-Fetch-Site", "same-origin")],
        &[("Sec-Fetch-Site", "none")],
        &[("Origin", "https://queues.example"), ("X-Forwarded-Host", "queues.example")],
    ] {
        let answer = client.call("POST", "/v1/queues/default/messages", headers, "x");
        assert_eq!(answer.status, 201, "{headers:?}: {}", answer.text());
    }
}
