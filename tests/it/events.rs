//! An event comes back exactly as the string that went in, whatever it contains.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::support::{Client, Server, event_body};

/// Sends the body and checks both answers against the event it stands for.
#[track_caller]
fn assert_round_trip(client: &mut Client, body: &[u8], event: &str) {
    let sent = client.post("/enqueue", body);
    assert_eq!(sent.status, 200, "{}: {}", body.escape_ascii(), sent.text());
    let taken = client.dequeue();
    assert_eq!(taken.status, 200, "{}", taken.text());
    for (answer, message) in
        [(sent, "Successfully enqueued event"), (taken, "Successfully dequeued event")]
    {
        // The frame is fixed to the byte; how the string inside is escaped is the server's choice,
        // as long as it is the JSON of this very string.
        let text = answer.text();
        let literal = text
            .strip_prefix(&format!(r#"{{"message":"{message}","event":"#))
            .and_then(|rest| rest.strip_suffix("}\n"))
            .unwrap_or_else(|| panic!("not the frame of the contract: {text:?}"));
        assert_eq!(serde_json::from_str::<String>(literal).expect("a JSON string"), event);
        assert!(!text.trim_end_matches('\n').contains('\n'), "not one line: {text:?}");
    }
}

fn assert_kept(client: &mut Client, event: &str) {
    assert_round_trip(client, &event_body(event), event);
}

#[test]
fn every_single_control_and_ascii_character_comes_back() {
    let server = Server::start();
    let mut client = server.client();
    for code in 0..=0x9F {
        let character = char::from(code);
        assert_kept(&mut client, &character.to_string());
        assert_kept(&mut client, &format!("a{character}{character}b"));
    }
}

#[test]
fn strings_that_are_known_for_trouble_come_back() {
    let server = Server::start();
    let mut client = server.client();
    for event in [
        "",
        " ",
        " leading and trailing ",
        "\0",
        "a\0b\0",
        "\u{1}\u{8}\u{b}\u{c}\u{1f}\u{7f}\u{80}\u{85}\u{9f}",
        "tab\tnewline\ncarriage\r\n",
        r#"quote " and backslash \ and \" and \\ and \u0041 and \n"#,
        "<script>alert('&amp;')</script>",
        "line\u{2028}paragraph\u{2029}end",
        "\u{feff}byte order mark",
        "\u{fffd}\u{fffe}\u{ffff}\u{10ffff}",
        "😀 👩‍👩‍👧‍👦 🇪🇺 é e\u{301} ﷽ Ω≈ç√",
        "العربية עברית हिन्दी 中文 日本語 한국어 \u{202e}reversed\u{202c}",
        r#"{"event":"an event in an event"}"#,
        "null",
        "true",
        "12345678901234567890",
        "%00%0a+%2e?&=#;,/\\",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "${HOME} $(id) `id` {{7*7}} %s%n '; DROP TABLE events; --",
    ] {
        assert_kept(&mut client, event);
    }
}

#[test]
fn an_event_that_fills_the_whole_body_limit_comes_back() {
    let server = Server::start();
    let mut client = server.client();
    let text = "x".repeat((1 << 20) - r#"{"event":""}"#.len());
    assert_eq!(event_body(&text).len(), 1 << 20);
    assert_kept(&mut client, &text);
}

#[test]
fn a_mebibyte_of_any_text_comes_back_when_the_limit_allows_it() {
    let server = Server::start_with(&["--max-body-bytes", "16777216"]);
    let mut client = server.client();
    for unit in ["x", "é", "✓", "😀", "\0", "\"", "\\", "\n", "mixed \u{1} ✓ \" 😀 \\"] {
        assert_kept(&mut client, &unit.repeat((1 << 20) / unit.len()));
    }
    assert_kept(&mut client, &"x".repeat(8 << 20));
}

#[test]
fn long_events_keep_their_place_among_short_ones() {
    let server = Server::start();
    let mut client = server.client();
    let events: Vec<_> = (0..40).map(|n| format!("{n}:").repeat(1 << (n % 14))).collect();
    events.iter().for_each(|event| client.put(event));
    assert_eq!(server.drain(), events);
}

#[test]
fn every_way_to_escape_a_character_means_that_character() {
    let server = Server::start();
    let mut client = server.client();
    for (literal, event) in [
        (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r#""\u0041\u00e9\u2713""#, "Aé✓"),
        (r#""\u00E9\u00e9""#, "éé"),
        (r#""\ud83d\ude00 \uD83D\uDE00""#, "😀 😀"),
        (r#""\u0000""#, "\0"),
        (r#""\u2028\u2029\ufeff\uffff""#, "\u{2028}\u{2029}\u{feff}\u{ffff}"),
        (r#""\u003cb\u003e \u0026""#, "<b> &"),
        ("\"\u{7f}\u{80}\u{2028}\"", "\u{7f}\u{80}\u{2028}"),
    ] {
        let body = format!(r#"{{"event":{literal}}}"#);
        assert_round_trip(&mut client, body.as_bytes(), event);
    }
}

#[test]
fn half_a_surrogate_pair_is_refused() {
    let server = Server::start();
    let mut client = server.client();
    for literal in [
        r"\ud800",
        r"\udbff",
        r"\udc00",
        r"\udfff",
        r"\ud83d x",
        r"\ud83d\u0041",
        r"\ud83d\n",
        r"\ud83d\ud83d",
        r"\ude00\ud83d",
        r"ok \ud83d\ude00 then \ude00",
    ] {
        let body = format!(r#"{{"event":"{literal}"}}"#);
        client.post("/enqueue", body).assert_error_line(400);
    }
    client.get("/size").assert_json(r#"{"size":0}"#);
    assert_kept(&mut client, "still here");
}

/// Runs the property over one server; a failure prints the smallest string that shows it.
fn check_property<S: Strategy>(strategy: S, mut holds: impl FnMut(&mut Client, S::Value)) {
    let server = Server::start();
    let config = Config { cases: 512, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strategy, {
        let holds = std::cell::RefCell::new(&mut holds);
        // A connection per case: after a failure the old one may be in any state.
        move |value| {
            (holds.borrow_mut())(&mut server.client(), value);
            Ok::<_, TestCaseError>(())
        }
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// Characters with those that matter to JSON and to HTTP far more often than by chance.
fn character() -> impl Strategy<Value = char> {
    prop_oneof![
        any::<char>(),
        select(vec!['"', '\\', '/', '<', '>', '&', '\'', '\u{2028}', '\u{2029}', '\u{feff}']),
        (0_u8..0x20).prop_map(char::from),
        (0x20_u8..0xff).prop_map(char::from),
    ]
}

#[test]
fn any_string_comes_back() {
    let strings = vec(character(), 0..300).prop_map(String::from_iter);
    check_property(strings, |client, event| assert_kept(client, &event));
}

/// One of the ways JSON allows to write the character.
fn written(character: char, way: u8) -> String {
    let mut units = [0; 2];
    let escape = |unit: &mut u16| match way {
        1 => format!("\\u{unit:04x}"),
        _ => format!("\\u{unit:04X}"),
    };
    let needs_escape = character < ' ' || character == '"' || character == '\\';
    match (way, character) {
        (0, '"') => "\\\"".to_owned(),
        (0, '\\') => "\\\\".to_owned(),
        (0, '\n') => "\\n".to_owned(),
        (0, '\t') => "\\t".to_owned(),
        (0, _) if !needs_escape => character.to_string(),
        _ => character.encode_utf16(&mut units).iter_mut().map(escape).collect(),
    }
}

#[test]
fn any_string_in_any_mix_of_escapes_comes_back() {
    let strings = vec((character(), 0_u8..3), 0..200);
    check_property(strings, |client, characters| {
        let event: String = characters.iter().map(|(character, _)| character).collect();
        let literal: String = characters.iter().map(|&(c, way)| written(c, way)).collect();
        let body = format!(r#"{{"event":"{literal}"}}"#);
        assert_round_trip(client, body.as_bytes(), &event);
    });
}

#[test]
fn any_body_at_all_is_an_event_or_a_clear_refusal() {
    let bodies = prop_oneof![
        vec(any::<u8>(), 1..200),
        // Nearly right bodies: one byte of a good one replaced.
        (any::<u8>(), 0_usize..30).prop_map(|(byte, place)| {
            let mut body = br#"{"event":"\u00e9 ok","n":[1,2]}"#.to_vec();
            let place = place % body.len();
            body[place] = byte;
            body
        }),
    ];
    check_property(bodies, |client, body| {
        let answer = client.post("/enqueue", &body);
        if answer.status == 200 {
            assert_eq!(client.take(), Some(answer.event()));
        } else {
            answer.assert_error_line(400);
        }
        assert_eq!(client.take(), None);
    });
}
