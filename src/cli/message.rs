//! Messages as `receive` and `browse` write them.

use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use console::Style;
use serde::Deserialize;
use serde_json::Value;

use super::exit::Failure;
use super::output::{grouped, harmless, json, time};

/// What the server answers to a receive.
#[derive(Deserialize)]
pub(super) struct Batch {
    pub(super) messages: Vec<Value>,
}

impl Batch {
    /// The receipts, of those messages that have one: without a lease there are none.
    pub(super) fn receipts(&self) -> Vec<String> {
        let receipts = self.messages.iter().filter_map(|message| message["receipt"].as_str());
        receipts.map(str::to_owned).collect()
    }
}

/// In what form messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One JSON document a line.
    Json,
    /// For people: a line of facts, then the body.
    Text,
    /// The bodies, each with a newline behind it.
    RawLines,
    /// The one body, as it is.
    Raw,
}

/// Writes a message, and sees to it that it gets out.
pub(super) fn write(out: &mut impl Write, message: &Value, form: Form) -> Result<(), Failure> {
    match form {
        Form::Json => writeln!(out, "{}", json(message))?,
        Form::Raw => out.write_all(&body(message)?)?,
        Form::RawLines => {
            out.write_all(&body(message)?)?;
            out.write_all(b"\n")?;
        }
        Form::Text => write_for_people(out, message)?,
    }
    Ok(out.flush()?)
}

/// The body's bytes.
fn body(message: &Value) -> Result<Cow<'_, [u8]>, Failure> {
    if let Some(text) = message["body"].as_str() {
        return Ok(Cow::Borrowed(text.as_bytes()));
    }
    let text = message["body_base64"].as_str().unwrap_or_default();
    let bytes = BASE64_STANDARD.decode(text);
    bytes.map(Cow::Owned).map_err(|error| Failure::new(format!("a message's body: {error}")))
}

fn write_for_people(out: &mut impl Write, message: &Value) -> Result<(), Failure> {
    let (bold, dim) = (Style::new().bold(), Style::new().dim());
    let text = |field: &str| harmless(message[field].as_str().unwrap_or("-"));
    let age = time(Duration::from_millis(message["age_ms"].as_u64().unwrap_or(0)));
    let count = message["receive_count"].as_u64().unwrap_or(0);
    let body = body(message)?;
    let size = grouped(body.len() as u64);
    writeln!(
        out,
        "{}  {}",
        bold.apply_to(text("id")),
        dim.apply_to(format!(
            "{age} old, received {count} ×, {}, {size} bytes",
            text("content_type")
        ))
    )?;
    if message["receipt"].is_string() {
        writeln!(out, "{}", dim.apply_to(format!("receipt {}", text("receipt"))))?;
    }
    if let Some(attributes) = message["attributes"].as_object() {
        for (name, value) in attributes {
            let value = harmless(value.as_str().unwrap_or_default());
            writeln!(out, "{}", dim.apply_to(format!("{}: {value}", harmless(name))))?;
        }
    }
    match std::str::from_utf8(&body) {
        Ok(text) => writeln!(out, "{}\n", harmless(text))?,
        Err(_) => writeln!(out, "(base64) {}\n", BASE64_STANDARD.encode(&body))?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(message: Value, form: Form) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, &message, form).expect("a vector takes everything");
        out
    }

    #[test]
    fn raw_is_the_body_and_nothing_else() {
        let binary = json!({"body_base64": "AP8="});
        assert_eq!(written(binary.clone(), Form::Raw), [0, 255]);
        assert_eq!(written(binary, Form::RawLines), [0, 255, b'\n']);
        assert_eq!(written(json!({"body": "ä\n"}), Form::Raw), "ä\n".as_bytes());
    }

    #[test]
    fn people_see_facts_and_no_control_characters() {
        let message = json!({"id": "1f", "receipt": "2e", "age_ms": 1500, "receive_count": 2,
            "content_type": "text/plain", "body": "a\u{1b}[2Jb", "attributes": {"k": "v"}});
        let text = String::from_utf8(written(message, Form::Text)).expect("text");
        for part in ["1f", "1.5 s old", "received 2 ×", "receipt 2e", "k: v", "a\u{fffd}[2Jb"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
