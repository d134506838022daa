//! Well-formed requests for the wrong thing: each is refused in a stated way, takes nothing,
//! leaves nothing behind and does no harm to the requests after it.

use crate::support::Victim;
use crate::support::client::post_chunked;

const ROUTES: [(&str, &str); 7] = [
    ("/enqueue", "POST"),
    ("/dequeue", "GET"),
    ("/size", "GET"),
    ("/capacity", "GET"),
    ("/isEmpty", "GET"),
    ("/isFull", "GET"),
    ("/status", "GET"),
];

#[test]
fn a_body_that_is_not_json_is_refused() {
    let victim = Victim::start();
    let mut client = victim.client();
    for body in [
        "x",
        "event=x",
        "{",
        "}",
        "{\"event\"",
        "{\"event\":",
        "{\"event\":\"x\"",
        "{\"event\":\"x",
        "{\"event\":\"x\\",
        "{\"event\":\"\\q\"}",
        "{\"event\":\"\\u12\"}",
        "{\"event\":\"\\u12zz\"}",
        "{\"event\":\"raw\nnewline\"}",
        "{\"event\":\"raw\0nul\"}",
        "{\"event\":\"x\",}",
        "{\"event\" \"x\"}",
        "{event:\"x\"}",
        "{'event':'x'}",
        "{\"other\":tru,\"event\":\"x\"}",
        "{\"other\":01,\"event\":\"x\"}",
        "{\"event\":\"x\" \"other\":1}",
        "nul",
        "\u{feff}{\"event\":\"x\"}",
    ] {
        client.post("/enqueue", body).assert_error_line(400);
        victim.assert_unharmed_on(&mut client);
    }
}

#[test]
fn an_event_of_another_type_is_refused_by_name() {
    let victim = Victim::start();
    let mut client = victim.client();
    for value in ["1", "-0.5e3", "true", "false", "[]", "[\"x\"]", "{}", "{\"event\":\"x\"}"] {
        let line =
            client.post("/enqueue", format!(r#"{{"event":{value}}}"#)).assert_error_line(400);
        assert!(line.contains("event"), "{value}: {line}");
        victim.assert_unharmed_on(&mut client);
    }
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    let victim = Victim::start();
    let mut client = victim.client();
    for body in ["[]", r#"[{"event":"x"}]"#, r#"["event","x"]"#, r#""x""#, "1", "true", "-"] {
        client.post("/enqueue", body).assert_error_line(400);
        victim.assert_unharmed_on(&mut client);
    }
}

#[test]
fn an_empty_body_is_refused() {
    let victim = Victim::start();
    let mut client = victim.client();
    for body in ["", " ", "\r\n\t"] {
        client.post("/enqueue", body).assert_error_line(400);
        client.send(post_chunked("/enqueue", body.as_bytes(), &[]));
        client.answer().assert_error_line(400);
        victim.assert_unharmed_on(&mut client);
    }
    client.request("POST", "/enqueue").assert_error_line(400);
    victim.assert_unharmed_on(&mut client);
}

#[test]
fn invalid_utf_8_is_refused() {
    let victim = Victim::start();
    let mut client = victim.client();
    for bytes in [
        &b"\xff"[..],
        b"\x80",
        b"ok \xc3",
        b"\xc0\xaf",
        b"\xe2\x82",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"caf\xe9",
    ] {
        let body = [br#"{"event":""#, bytes, br#""}"#].concat();
        client.post("/enqueue", &body).assert_error_line(400);
        victim.assert_unharmed_on(&mut client);
    }
    client
        .post(
            "/enqueue",
            "{\"event\":\"x\"}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
        )
        .assert_error_line(400);
    victim.assert_unharmed_on(&mut client);
}

#[test]
fn deep_nesting_does_not_break_the_server() {
    let victim = Victim::start();
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let depth = 100_000;
        let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        victim.client().post("/enqueue", format!(r#"{{"event":{deep}}}"#)).assert_error_line(400);
        victim.assert_unharmed();
        // In a field that is ignored it may be skipped or refused, but never be fatal.
        let mut client = victim.client();
        let answer = client.post("/enqueue", format!(r#"{{"x":{deep},"event":"kept"}}"#));
        match answer.status {
            200 => assert_eq!(client.take().as_deref(), Some("kept")),
            _ => drop(answer.assert_error_line(400)),
        }
        victim.assert_unharmed();
    }
}

#[test]
fn the_wrong_method_is_refused_on_every_route() {
    let victim = Victim::start();
    let mut client = victim.client();
    for (route, allowed) in ROUTES {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get"] {
            if method == allowed {
                continue;
            }
            for target in [route.to_owned(), format!("{route}?a=b")] {
                let answer = client.request(method, &target);
                answer.assert_error(405, "Method not allowed");
                assert_eq!(answer.header("allow"), Some(allowed), "{method} {target}");
            }
        }
        victim.assert_unharmed_on(&mut client);
    }
}

#[test]
fn head_is_refused_and_never_consumes() {
    let victim = Victim::start();
    let mut client = victim.client();
    for (route, allowed) in ROUTES {
        for _ in 0..3 {
            let answer = client.request("HEAD", route);
            assert_eq!(answer.status, 405, "{route}");
            assert_eq!(answer.header("allow"), Some(allowed), "{route}");
            // A body that came nevertheless would be read as the next answer.
            victim.assert_unharmed_on(&mut client);
        }
    }
}

#[test]
fn an_unknown_path_is_not_found() {
    let victim = Victim::start();
    let mut client = victim.client();
    for path in [
        "/nowhere",
        "/enqueue/",
        "/dequeue/",
        "/size/",
        "/status/",
        "//dequeue",
        "/dequeue/x",
        "/Dequeue",
        "/isempty",
        "/dequeue%2F",
        "/dequeue%00",
        "/./dequeue",
        "/x/../dequeue",
        "/dequeuex",
        "/%ff%fe",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            client.request(method, path).assert_error_line(404);
        }
        let head = client.request("HEAD", path);
        assert_eq!(head.status, 404, "{path}");
        victim.assert_unharmed_on(&mut client);
    }
}
