//! The files and the stream of the dashboard; `tests/browser` has the page itself.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{Answer, DEADLINE, Server};

/// A connection that reads the stream.
struct Stream(BufReader<TcpStream>);

impl Stream {
    fn open(server: &Server) -> Self {
        let mut stream = TcpStream::connect(server.addr).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(b"GET /ui/events HTTP/1.1\r\nHost: ringmq\r\n\r\n").unwrap();
        let mut stream = Self(BufReader::new(stream));
        let head: Vec<_> =
            std::iter::from_fn(|| stream.line().filter(|line| !line.is_empty())).collect();
        assert_eq!(head[0], "HTTP/1.1 200 OK");
        assert!(head.contains(&"content-type: text/event-stream".to_owned()), "{head:?}");
        stream
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).expect("the stream goes on or ends");
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// The next event; `None` once the stream has come to its end, as HTTP has it.
    fn event(&mut self) -> Option<(String, Value)> {
        let name = loop {
            let line = self.line().expect("a stream has an end");
            match line.strip_prefix("event: ") {
                Some(name) => break name.to_owned(),
                None if line == "0" => return None,
                None => {}
            }
        };
        let line = self.line().expect("an event has data");
        let data = line.strip_prefix("data: ").expect("an event has data");
        Some((name, serde_json::from_str(data).expect("data is JSON")))
    }
}

#[test]
fn the_page_is_served_with_a_strict_policy_and_kept_by_browsers() {
    let server = Server::start();
    let mut client = server.client();
    for path in ["/", "/ui"] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.header("location")), (302, Some("ui/")), "{path}");
    }
    for (path, content_type) in [
        ("/ui/", "text/html; charset=utf-8"),
        ("/ui/app.js", "text/javascript; charset=utf-8"),
        ("/ui/style.css", "text/css; charset=utf-8"),
        ("/ui/icon.svg", "image/svg+xml"),
        ("/ui/vendor/uplot/uPlot.iife.min.js", "text/javascript; charset=utf-8"),
    ] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(content_type)));
        let policy = answer.header("content-security-policy").unwrap();
        for rule in [
            "default-src 'none'",
            "script-src 'self';",
            "style-src 'self';",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(rule), "{rule} in {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));

        let tag = answer.header("etag").unwrap();
        let same = client.call("GET", path, &[("If-None-Match", tag)], "");
        assert_eq!((same.status, same.header("etag"), same.text().as_str()), (304, Some(tag), ""));
        let other = client.call("GET", path, &[("If-None-Match", "\"other\"")], "");
        assert_eq!((other.status, other.body.len()), (200, answer.body.len()));
        let head = client.request("HEAD", path);
        assert_eq!(head.header("content-length"), answer.header("content-length"));
        assert_eq!(client.get("/size").status, 200, "a HEAD has no body");
        let refused: Answer = client.post(path, "");
        refused.assert_problem(405, "method_not_allowed");
        assert_eq!(refused.header("allow"), Some("GET, HEAD"));
    }
    assert_eq!(client.request("HEAD", "/ui/events").status, 200);
    assert_eq!(client.get("/ui/nothing.js").status, 404);
    assert_eq!(client.get("/ui/vendor/uplot/fetch").status, 404);
}

#[test]
fn without_the_dashboard_nothing_is_there() {
    let server = Server::start_with(&["--ui", "off"]);
    let mut client = server.client();
    for path in ["/", "/ui", "/ui/", "/ui/app.js", "/ui/events"] {
        client.get(path).assert_error(404, "404 page not found");
    }
}

#[test]
fn the_stream_tells_everything_and_then_what_changed() {
    let server = Server::start();
    server.client().put("before");
    let mut stream = Stream::open(&server);
    let (name, whole) = stream.event().unwrap();
    assert_eq!((name.as_str(), &whole["new"][0][1]), ("whole", &Value::from("default")));
    let place = |field: &str| {
        let fields = whole["fields"].as_array().unwrap();
        fields.iter().position(|known| known == field).unwrap()
    };
    assert_eq!(whole["new"][0][2 + place("ready")], 1);
    assert_eq!(whole["new"][0][2 + place("sent")], 1);

    server.client().put("after");
    let row = loop {
        let (name, change) = stream.event().unwrap();
        // Everything again, if this reader was slow.
        if name == "whole" {
            if change["new"][0][2 + place("sent")] == 2 {
                return;
            }
            continue;
        }
        match change["changed"].as_array().unwrap().as_slice() {
            [] => {}
            [row] => break row.clone(),
            rows => panic!("one queue changed: {rows:?}"),
        }
    };
    let mask = row[1].as_u64().unwrap();
    assert_eq!(mask & 1 << place("sent"), 1 << place("sent"));
    assert_eq!(mask & 1 << place("capacity"), 0);
    // Who comes later is told everything, too.
    assert_eq!(Stream::open(&server).event().unwrap().0, "whole");
}

#[test]
fn a_stopping_server_ends_the_stream() {
    let server = Server::start();
    let mut stream = Stream::open(&server);
    assert_eq!(stream.event().unwrap().1["draining"], false);
    server.process.signal(Signal::SIGTERM);
    let mut last = Value::Null;
    while let Some((_, data)) = stream.event() {
        last = data;
    }
    assert_eq!(last["draining"], true);
    assert!(server.process.wait().status.success());
}

#[cfg(target_os = "linux")] // it reads /proc to see the threads of the server
#[test]
fn nobody_looks_at_the_queues_while_nobody_watches() {
    let server = Server::start();
    let looks = || {
        let tasks = fs::read_dir(format!("/proc/{}/task", server.process.id())).unwrap();
        let mut names =
            tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok());
        names.any(|name| name.trim() == "dashboard")
    };
    assert!(!looks());
    let (mut one, mut two) = (Stream::open(&server), Stream::open(&server));
    assert!(one.event().is_some() && two.event().is_some() && looks());
    drop(one);
    assert!(two.event().is_some() && looks());
    drop(two);
    // Its end is noticed when the next event cannot be written.
    let deadline = std::time::Instant::now() + DEADLINE;
    while looks() {
        assert!(std::time::Instant::now() < deadline, "the thread goes on");
        std::thread::yield_now();
    }
    assert!(Stream::open(&server).event().is_some());
}
