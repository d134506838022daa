//! The classic face's JSON: reading `{"event": "..."}`, writing a string.
//!
//! What is accepted is what Go's `encoding/json` decoder accepted for the original service's clients:
//! only the first value of a body counts, unknown fields are ignored, `event` is matched whatever its
//! case, the last one given wins, and where it is missing or `null` the event is the empty string.
//! Stricter than that decoder in one point: text that is not Unicode is refused, never replaced.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Unexpected, Visitor};
use thiserror::Error;

/// Why a body holds no event; the text names the field or the position.
#[derive(Debug, Error)]
#[error(transparent)]
pub(super) struct InvalidEvent(#[from] serde_json::Error);

/// The event in a request body, borrowed from it unless it was written with escapes.
pub(super) fn read_event(body: &[u8]) -> Result<Cow<'_, str>, InvalidEvent> {
    // `end()` is not called on purpose: what follows the first value is ignored.
    Ok(serde_json::Deserializer::from_slice(body).deserialize_any(Request)?)
}

struct Request;

impl<'de> Visitor<'de> for Request {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a field `event`")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut event = Cow::Borrowed("");
        while let Some(name) = fields.next_key_seed(FieldName)? {
            match name {
                Field::Event => {
                    // Like the original's decoder, `null` leaves what an earlier field said.
                    if let Some(text) = fields.next_value_seed(EventText)? {
                        event = text;
                    }
                }
                Field::Unknown => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(event)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        // The default would repeat the whole string in the answer.
        Err(E::invalid_type(Unexpected::Other("string"), &self))
    }
}

enum Field {
    Event,
    Unknown,
}

struct FieldName;

impl<'de> DeserializeSeed<'de> for FieldName {
    type Value = Field;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<Field, D::Error> {
        name.deserialize_str(self)
    }
}

impl Visitor<'_> for FieldName {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Field, E> {
        Ok(if name.eq_ignore_ascii_case("event") { Field::Event } else { Field::Unknown })
    }
}

struct EventText;

impl<'de> DeserializeSeed<'de> for EventText {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Self::Value, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EventText {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string in the field `event`")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }
}

/// Whether bytes are ASCII that may stand in a JSON string as it is.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    !any(bytes, |byte| needs_escape(byte) | !byte.is_ascii())
}

/// Appends `text` as the inside of a JSON string: what JSON requires is escaped and nothing else.
pub(super) fn write_escaped(out: &mut Vec<u8>, text: &str) {
    // A stretch that needs nothing is copied as a whole.
    for stretch in text.as_bytes().chunks(64) {
        if any(stretch, needs_escape) {
            stretch.iter().for_each(|&byte| write_byte(out, byte));
        } else {
            out.extend_from_slice(stretch);
        }
    }
}

/// Whether there is such a byte, told without a branch, sixteen at a time.
fn any(bytes: &[u8], such: impl Fn(u8) -> bool) -> bool {
    let any_of = |bytes: &[u8; 16]| bytes.iter().fold(false, |found, &byte| found | such(byte));
    match bytes.last_chunk() {
        // What is left over at the end is looked at together with what stands before it.
        Some(last) => {
            let (blocks, _) = bytes.as_chunks();
            blocks.iter().fold(any_of(last), |found, block| found | any_of(block))
        }
        None => bytes.iter().fold(false, |found, &byte| found | such(byte)),
    }
}

fn needs_escape(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

fn write_byte(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        0x00..0x20 => {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            return out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        }
        _ => return out.push(byte),
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(body: &str) -> String {
        read_event(body.as_bytes()).expect(body).into_owned()
    }

    fn error(body: impl AsRef<[u8]>) -> String {
        read_event(body.as_ref()).expect_err("an invalid body").to_string()
    }

    fn escaped(text: &str) -> String {
        let mut out = b"\"".to_vec();
        write_escaped(&mut out, text);
        out.push(b'"');
        String::from_utf8(out).expect("escapes are ASCII")
    }

    #[test]
    fn an_event_without_escapes_is_borrowed() {
        assert!(matches!(read_event(br#"{"event":"a b"}"#), Ok(Cow::Borrowed("a b"))));
        assert!(
            matches!(read_event(br#"{"event":"a\tb"}"#), Ok(Cow::Owned(text)) if text == "a\tb")
        );
    }

    #[test]
    fn what_the_original_took_is_taken() {
        for (body, expected) in [
            ("{}", ""),
            ("null", ""),
            (r#"{"event":null}"#, ""),
            (r#"{"event":"a","event":null}"#, "a"),
            (r#"{"event":"a","event":"b"}"#, "b"),
            (r#"{"event":"a","EVENT":"b"}"#, "b"),
            (r#"{"\u0065vent":"a"}"#, "a"),
            (r#"{"other":[1,{"event":"no"}],"event":"a"}"#, "a"),
            (" \r\n\t{ \"event\" : \"a\" } ", "a"),
            (r#"{"event":"a"} {"event":"b"}"#, "a"),
            (r#"{"event":"a"}garbage"#, "a"),
            (r#"{"event":"\ud83d\ude00\u0000\/"}"#, "\u{1f600}\0/"),
        ] {
            assert_eq!(event(body), expected, "{body}");
        }
    }

    #[test]
    fn nesting_in_an_unknown_field_is_no_danger() {
        let deep = 1_000_000;
        let body = format!(r#"{{"x":{}{},"event":"a"}}"#, "[".repeat(deep), "]".repeat(deep));
        assert_eq!(event(&body), "a");
    }

    #[test]
    fn an_error_names_the_field_or_the_position() {
        assert!(error("").contains("line 1 column 0"));
        assert!(error("{\n\"event\" \"a\"}").contains("line 2 column 9"));
        assert!(error(r#"{"event":1}"#).contains("expected a string in the field `event`"));
        assert!(error("[]").contains("expected an object with a field `event`"));
        assert!(error(b"{\"event\":\"\xff\"}").contains("unicode"));
        assert!(error(r#"{"event":"\ud800"}"#).contains("column"));
    }

    #[test]
    fn an_error_is_one_short_line_whatever_was_sent() {
        let long = "long\\n".repeat(10_000);
        for body in
            [format!("\"{long}\""), format!(r#"{{"event":["{long}"]}}"#), format!("{{\"{long}")]
        {
            let error = error(body);
            assert!(error.len() < 120 && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn escapes_are_those_that_json_requires() {
        assert_eq!(escaped("plain <>&/\u{7f}\u{2028}é"), "\"plain <>&/\u{7f}\u{2028}é\"");
        assert_eq!(escaped("\"\\\n\r\t\u{8}\u{c}"), r#""\"\\\n\r\t\b\f""#);
        assert_eq!(escaped("\0\u{1f}"), r#""\u0000\u001f""#);
    }

    #[test]
    fn one_byte_that_may_not_stand_as_it_is_is_found_wherever_it_stands() {
        let odd = [0, 0x1f, b'"', b'\\', 0x80, 0xff];
        for length in 0..70 {
            let mut text = vec![b'a'; length];
            assert!(is_plain(&text), "{length}");
            for place in 0..length {
                for byte in odd {
                    text[place] = byte;
                    assert!(!is_plain(&text), "{byte} at {place} of {length}");
                }
                text[place] = 0x7f;
                assert!(is_plain(&text));
            }
        }
    }

    #[test]
    fn every_character_reads_back_wherever_it_stands() {
        let characters: String =
            ('\0'..='\u{100}').chain(['\u{2029}', '\u{fffd}', '\u{10ffff}']).collect();
        for lead in 0..130 {
            let text = format!("{}{characters}", "x".repeat(lead));
            assert_eq!(event(&format!("{{\"event\":{}}}", escaped(&text))), text);
        }
    }
}
