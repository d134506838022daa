//! What the log says, and what it never does.

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::client::request;
use crate::support::{Answer, Client, Server};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A server that logs as JSON what this filter lets through.
fn start(filter: &str, more: &[&str]) -> Server {
    Server::start_with(&[&["--log-format", "json", "--log", filter], more].concat())
}

/// Stops the server and reads its log, every line of which has to be an event.
fn stop(server: Server) -> Vec<Value> {
    let exit = server.stop(Signal::SIGTERM);
    assert!(exit.status.success(), "{exit:?}");
    assert_eq!(exit.stdout, "");
    let events: Vec<Value> = exit
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    for event in &events {
        for field in ["time", "level", "target", "message"] {
            assert!(event[field].is_string(), "no {field}: {event}");
        }
    }
    events
}

/// The events of one target.
fn of<'a>(events: &'a [Value], target: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["target"] == target).collect()
}

/// The lines of requests.
fn requests(events: &[Value]) -> Vec<&Value> {
    let all = of(events, "ringmq::http");
    all.into_iter().filter(|event| event["level"] == "DEBUG").collect()
}

/// What is told of queues: the message and the queue.
fn told(events: &[Value]) -> Vec<(&str, &str)> {
    let text = |value: &'_ Value| value.as_str().map(str::to_owned);
    let all = of(events, "ringmq::broker");
    assert!(all.iter().all(|event| text(&event["queue"]).is_some()), "{all:?}");
    all.iter().filter_map(|event| event["message"].as_str().zip(event["queue"].as_str())).collect()
}

fn receive(client: &mut Client, queue: &str) -> Answer {
    client.post(&format!("/v1/queues/{queue}/receive"), "")
}

#[test]
fn a_request_is_one_line_that_says_who_asked_for_what() {
    let server = start("info,ringmq::http=debug", &[]);
    let mut client = server.client();
    let headers = [("x-request-id", "abc-1"), ("traceparent", TRACEPARENT)];
    let answer = client.call("POST", "/v1/queues/default/messages?wait=1", &headers, b"four");
    assert_eq!((answer.status, answer.header("x-request-id")), (201, Some("abc-1")));
    client.get("/size");
    let peer = client.stream().local_addr().expect("connected").to_string();

    let events = stop(server);
    let [send, size] = requests(&events)[..] else { panic!("{events:?}") };
    for (field, expected) in [
        ("message", "answered"),
        ("method", "POST"),
        ("path", "/v1/queues/default/messages"),
        ("face", "v1"),
        ("request_id", "abc-1"),
        ("traceparent", TRACEPARENT),
        ("trace_id", TRACE),
        ("peer", &peer),
    ] {
        assert_eq!(send[field], expected, "{send}");
    }
    assert_eq!((&send["status"], &send["bytes_in"]), (&201.into(), &4.into()));
    assert!(send["duration_us"].is_u64() && send["bytes_out"].is_u64(), "{send}");
    assert_eq!((&size["path"], &size["face"]), (&"/size".into(), &"classic".into()));
    // Where the client gives no name, the log does.
    assert_eq!(size["request_id"].as_str().map(str::len), Some(32), "{size}");
    assert_eq!(size["traceparent"], Value::Null);
}

#[test]
fn a_refused_request_is_told_its_name_and_the_log_has_the_same() {
    let server = start("info,ringmq::http=debug", &[]);
    let mut client = server.client();
    let (v1, ops) = (client.get("/v1/queues/none"), client.get("/nowhere"));
    let told: Vec<_> =
        [&v1, &ops].map(|answer| answer.header("x-request-id").map(str::to_owned)).into();
    // The classic face's errors are those of the original, and SQS has a header of its own.
    let classic = client.dequeue();
    assert_eq!((classic.status, classic.header("x-request-id")), (500, None));
    let sqs = client.post("/?Action=Nonsense", "");
    assert_eq!((sqs.status, sqs.header("x-request-id")), (400, None));
    let sqs_id = sqs.header("x-amzn-requestid").map(str::to_owned);
    // What went well has a name only if the client gave one.
    assert_eq!(client.get("/v1/queues/default").header("x-request-id"), None);

    let events = stop(server);
    let logged: Vec<_> = requests(&events)
        .iter()
        .map(|line| line["request_id"].as_str().map(str::to_owned))
        .collect();
    assert_eq!((&logged[..2], &logged[3]), (&told[..], &sqs_id));
    assert!(told.iter().all(Option::is_some));
}

#[test]
fn what_a_client_says_ends_no_line_and_looks_like_no_field() {
    for format in ["json", "text"] {
        let server =
            Server::start_with(&["--log-format", format, "--log", "info,ringmq::http=debug"]);
        let mut client = server.client();
        let ids: [&[u8]; 5] =
            [b"a b", b"a\tlevel=ERROR", b"\xff\xfe", b"\xe2\x80\xa8", &[b'x'; 129]];
        for id in ids {
            let mut bytes =
                b"GET /v1/queues/%0a%1b%5b2J%22%20level=ERROR HTTP/1.1\r\nHost: x\r\n".to_vec();
            for name in ["X-Request-Id: ", "traceparent: "] {
                bytes.extend([name.as_bytes(), id, b"\r\n"].concat());
            }
            client.send([&bytes[..], b"\r\n"].concat());
            let answer = client.answer();
            // As if it had not been said.
            assert_eq!(answer.header("x-request-id").map(str::len), Some(32), "{answer:?}");
        }
        client
            .call("PUT", "/v1/queues/%0alevel=ERROR", &[], b"{}")
            .assert_problem(400, "invalid_queue_name");
        client.get("/a\"b=c\\d");

        let stderr = server.stop(Signal::SIGTERM).stderr;
        let lines: Vec<_> = stderr.lines().filter(|line| line.contains("ringmq::http")).collect();
        assert_eq!(lines.len(), ids.len() + 2, "{stderr}");
        assert!(stderr.chars().all(|char| char == '\n' || !char.is_control()), "{stderr:?}");
        for line in lines {
            match format {
                "json" => {
                    let event: Value = serde_json::from_str(line).expect("JSON");
                    assert_eq!(event["level"], "DEBUG", "{line}");
                }
                _ => assert!(line.contains(" DEBUG ringmq::http] answered method="), "{line}"),
            }
        }
    }
}

#[test]
fn a_thousand_messages_are_not_one_line_at_the_default_level() {
    let server = Server::start_with(&["--log-format", "json", "--max-connections", "100"]);
    let mut client = server.client();
    client.call("PUT", "/v1/queues/q", &[], b"{}");
    for number in 0..250 {
        client.put("secret");
        client.dequeue();
        client.post("/v1/queues/q/messages", format!("secret {number}"));
        let received = receive(&mut client, "q").json();
        let receipt = received["messages"][0]["receipt"].as_str().expect("a receipt").to_owned();
        client.request("DELETE", &format!("/v1/queues/q/leases/{receipt}"));
        client.request("DELETE", &format!("/v1/queues/q/leases/{receipt}"));
        client.post("/000000000000/q?Action=SendMessage&MessageBody=secret", "");
        client.post("/000000000000/q?Action=ReceiveMessage", "");
        client.post("/v1/queues/q/messages/batch", r#"["secret",{"no":"secret"}]"#);
        client.post("/v1/queues/q/receive?max=9&lease=0", "");
    }
    let events = stop(server);
    let messages: Vec<_> = events.iter().filter_map(|event| event["message"].as_str()).collect();
    let [listening, created, stopping, stopped] = messages[..] else { panic!("{messages:?}") };
    assert!(listening.starts_with("listening on "), "{listening}");
    assert_eq!(created, "queue created");
    assert!(stopping.starts_with("stopping: ") && stopped.starts_with("stopped: "), "{messages:?}");
}

#[test]
fn no_level_shows_what_messages_hold_nor_what_opens_anything() {
    let server =
        start("off,ringmq=trace", &["--sqs-access-key", "key", "--sqs-secret-key", "secret-key"]);
    let mut client = server.client();
    let headers = [
        ("authorization", "Bearer secret-token"),
        ("cookie", "session=secret-cookie"),
        ("queue-attr-card", "secret-attribute"),
        ("idempotency-key", "secret-idempotency"),
        ("content-type", "text/secret"),
    ];
    client.call("PUT", "/v1/queues/q", &headers, br#"{"labels":{"note":"secret-label"}}"#);
    client.call("POST", "/v1/queues/q/messages?secret-query=1", &headers, b"secret-refused");
    client.call("POST", "/v1/queues/q/messages", &headers, b"secret-body");
    client.call("POST", "/v1/queues/q/messages/batch", &headers, b"not JSON secret-batch");
    client.call("PUT", "/v1/queues/q", &headers, br#"{"labels":{"secret":1}}"#);
    client.put("secret-event");
    client.post("/enqueue", "no JSON secret-event");
    client.post("/?Action=SendMessage&MessageBody=secret-sqs", "MessageBody=secret-form");
    let received = receive(&mut client, "q").json();
    let receipt = received["messages"][0]["receipt"].as_str().expect("a receipt").to_owned();
    let lease = format!("/v1/queues/q/leases/{receipt}");
    for (method, path) in
        [("PATCH", lease.clone()), ("POST", format!("{lease}/release")), ("DELETE", lease)]
    {
        client.request(method, &path);
    }
    let exit = server.stop(Signal::SIGTERM);
    assert!(exit.stderr.lines().count() > 12, "{}", exit.stderr);
    for hidden in ["secret", &receipt] {
        assert!(!exit.stderr.contains(hidden), "{hidden} in {}", exit.stderr);
    }
    assert!(exit.stderr.contains("/v1/queues/q/leases/{receipt}/release"), "{}", exit.stderr);
}

#[test]
fn levels_are_for_each_module() {
    let server = start("off,ringmq::server=info,ringmq::http=debug", &[]);
    let mut client = server.client();
    client.call("PUT", "/v1/queues/q", &[], b"{}");
    let events = stop(server);
    assert_eq!((requests(&events).len(), told(&events).len()), (1, 0));

    let server = start("info,ringmq::http=off", &[]);
    server.client().call("PUT", "/v1/queues/q", &[], b"{}");
    let events = stop(server);
    assert_eq!((requests(&events).len(), told(&events).len()), (0, 1));
}

#[test]
fn what_is_done_to_a_queue_is_told_once() {
    let server = start("info", &[]);
    let mut client = server.client();
    let mut call = |method: &str, path: &str, body: &str| {
        let answer = client.call(method, &format!("/v1/queues/{path}"), &[], body.as_bytes());
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
    };
    call("PUT", "dead", "{}");
    call("PUT", "q", r#"{"capacity":5}"#);
    // The same again is no change.
    call("PUT", "q", r#"{"capacity":5}"#);
    call("PUT", "q", r#"{"capacity":6,"lease":"9s","labels":{"a":"secret"}}"#);
    for path in ["q/pause", "q/pause", "q/resume", "q/resume"] {
        call("POST", path, "");
    }
    call("POST", "q/messages", "1");
    call("POST", "q/purge", "");
    call("POST", "dead/redrive", r#"{"to":"q"}"#);
    call("DELETE", "q", "");
    let events = stop(server);
    assert_eq!(
        told(&events),
        [
            ("queue created", "dead"),
            ("queue created", "q"),
            ("queue changed", "q"),
            ("queue paused", "q"),
            ("queue resumed", "q"),
            ("queue purged", "q"),
            ("queue redriven", "dead"),
            ("queue deleted", "q"),
        ]
    );
    let all = of(&events, "ringmq::broker");
    assert_eq!(
        (&all[1]["capacity"], &all[2]["changed"]),
        (&5.into(), &"capacity,lease,labels".into())
    );
    assert_eq!((&all[5]["messages"], &all[6]["to"]), (&1.into(), &"q".into()));
}

#[test]
fn a_queue_that_stays_full_is_told_once_whichever_face_finds_it() {
    let server = start("info", &["--capacity", "1", "--max-connections", "100"]);
    let mut client = server.client();
    client.put("1");
    for _ in 0..20 {
        assert_eq!(client.enqueue("2").status, 500);
        assert_eq!(client.post("/v1/queues/default/messages", "3").status, 429);
    }
    let events = stop(server);
    assert_eq!(told(&events), [("queue full", "default")]);
    let full = of(&events, "ringmq::broker")[0];
    assert_eq!((&full["bound"], &full["limit"]), (&"capacity".into(), &1.into()));
    // Full is normal: nothing is warned of.
    assert!(events.iter().all(|event| event["level"] == "INFO"), "{events:?}");
}

#[test]
fn dead_letters_are_told_of_by_queue() {
    let server = start("info", &[]);
    let mut client = server.client();
    client.call("PUT", "/v1/queues/dead", &[], b"{}");
    client.call("PUT", "/v1/queues/q", &[], br#"{"dead_letter":"dead","max_receives":1}"#);
    for _ in 0..3 {
        client.post("/v1/queues/q/messages", "m");
        let received = receive(&mut client, "q").json();
        let receipt = received["messages"][0]["receipt"].as_str().expect("a receipt");
        client.post(&format!("/v1/queues/q/leases/{receipt}/release"), "");
    }
    assert_eq!(client.get("/v1/queues/dead").json()["counts"]["ready"], 3);
    let events = stop(server);
    let dead = told(&events).split_off(2);
    assert_eq!(dead, [("messages were received too often", "q")]);
    assert_eq!(of(&events, "ringmq::broker")[2]["dead_letter"], "dead");
}

#[test]
fn server_errors_are_warned_of_but_do_not_fill_the_log() {
    const REQUESTS: u64 = 200;
    let server = start("info", &["--max-memory-bytes", "1000"]);
    let mut client = server.client();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let traceparent = format!("00-{trace}-b7ad6b7169203331-01");
    let headers = [("traceparent", &*traceparent)];
    let mut send =
        || client.call("POST", "/v1/queues/default/messages", &headers, "message").status;
    while send() == 201 {}
    (1..REQUESTS).for_each(|_| assert_eq!(send(), 503));
    let events = stop(server);
    let warned = of(&events, "ringmq::http");
    assert!(!warned.is_empty() && warned.len() < REQUESTS as usize / 2, "{events:?}");
    let mut before = 0;
    for warning in &warned {
        assert_eq!((&warning["level"], &warning["status"]), (&"WARN".into(), &503.into()));
        assert_eq!(warning["request_id"].as_str().map(str::len), Some(32));
        assert_eq!(
            (&warning["method"], &warning["path"]),
            (&"POST".into(), &"/v1/queues/default/messages".into())
        );
        assert_eq!(
            (&warning["traceparent"], &warning["trace_id"]),
            (&traceparent.as_str().into(), &trace.into())
        );
        before += warning["unlogged"].as_u64().expect("a number") + 1;
    }
    assert_eq!(warned[0]["unlogged"], 0);
    assert!(before <= REQUESTS, "{before}");
    let memory = of(&events, "ringmq::broker");
    assert!(!memory.is_empty() && memory.len() < REQUESTS as usize / 2, "{events:?}");
    assert!(memory.iter().all(|event| event["message"] == "out of memory"), "{memory:?}");
}

#[test]
fn a_request_that_waited_says_so() {
    let server = start("info,ringmq::http=debug", &[]);
    let (mut waiting, mut client) = (server.client(), server.client());
    waiting.send(request("POST", "/v1/queues/default/receive?wait=60", &[], b""));
    while client.get("/v1/queues/default").json()["counts"]["waiting_receives"] != 1 {}
    client.put("event");
    assert_eq!(waiting.answer().status, 200);
    let events = stop(server);
    let lines = requests(&events);
    let of_path = |path: &str| lines.iter().find(|line| line["path"] == path).expect("a line");
    assert_eq!(of_path("/v1/queues/default/receive")["waited"], true);
    assert_eq!(of_path("/enqueue")["waited"], false);
}
