//! The messages of a batch: each a JSON string, which is its body, or an object.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::attributes;
use super::call::read_duration;
use super::messages::{DELAY, TTL};
use crate::duration;
use crate::http::problem::Problem;
use crate::queue::{ContentType, Message, Options};

/// The most messages of one request.
pub(super) const MOST: usize = 1000;

/// What the items of a batch are.
#[derive(Default)]
pub(super) struct Items {
    pub(super) messages: Vec<(Message, Options)>,
    /// Those that are no messages, each with its place among all.
    pub(super) problems: Vec<(usize, Problem)>,
}

impl Items {
    pub(super) fn len(&self) -> usize {
        self.messages.len() + self.problems.len()
    }

    fn push(&mut self, item: Result<(Message, Options), Problem>) {
        match item {
            Ok(message) => self.messages.push(message),
            Err(problem) => self.problems.push((self.len(), problem)),
        }
    }
}

impl FromIterator<Result<(Message, Options), Problem>> for Items {
    fn from_iter<I: IntoIterator<Item = Result<(Message, Options), Problem>>>(items: I) -> Self {
        let mut all = Self::default();
        items.into_iter().for_each(|item| all.push(item));
        all
    }
}

/// Reads a JSON array, or one JSON document a line.
pub(super) fn read_all(body: &[u8]) -> Result<Items, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| Problem::body("the body is not UTF-8"))?;
    if !text.trim_start().starts_with('[') {
        let lines = || text.lines().filter(|line| !line.trim().is_empty());
        check_count(lines().count())?;
        return Ok(lines().map(read).collect());
    }
    // Most are of nothing but strings. What is another array, or none, is told by a second look.
    if let Ok(Strings(messages)) = serde_json::from_str(text) {
        check_count(messages.len())?;
        return Ok(Items { messages, problems: Vec::new() });
    }
    let items: Vec<&RawValue> =
        serde_json::from_str(text).map_err(|error| Problem::body(error.to_string()))?;
    check_count(items.len())?;
    Ok(items.into_iter().map(|item| read(item.get())).collect())
}

/// Before anything is made of them.
fn check_count(items: usize) -> Result<(), Problem> {
    if (1..=MOST).contains(&items) {
        return Ok(());
    }
    let problem = format!("a batch has 1 to {MOST} messages, and this one {items}");
    Err(Problem::body(problem).with_limit(MOST as u64))
}

/// An array of strings, made messages in one pass; no longer than a batch may be.
struct Strings(Vec<(Message, Options)>);

impl<'de> Deserialize<'de> for Strings {
    fn deserialize<D: Deserializer<'de>>(array: D) -> Result<Self, D::Error> {
        struct Array;

        impl<'de> Visitor<'de> for Array {
            type Value = Strings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of strings")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strings, A::Error> {
                // Room for a usual batch.
                let mut messages = Vec::with_capacity(128);
                while let Some(text) = items.next_element::<Text>()? {
                    if messages.len() == MOST {
                        return Err(Error::custom("too many"));
                    }
                    messages.push((Message::text(&text.0), Options::default()));
                }
                Ok(Strings(messages))
            }
        }

        array.deserialize_seq(Array)
    }
}

/// A message with what is to be known of it: either `body` or `body_base64`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BatchMessage)]
pub(super) struct Item<'item> {
    /// The body, as text.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    body: Option<Cow<'item, str>>,
    /// The body, any bytes, in base64.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    body_base64: Option<Cow<'item, str>>,
    /// What the body is. `text/plain; charset=utf-8` or `application/octet-stream`, if it is not said.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    content_type: Option<Cow<'item, str>>,
    #[serde(borrow)]
    #[schema(schema_with = delay_schema)]
    delay: Option<Span<'item>>,
    #[serde(borrow)]
    #[schema(schema_with = ttl_schema)]
    ttl: Option<Span<'item>>,
    #[serde(borrow, default)]
    #[schema(schema_with = attributes::schema)]
    attributes: BTreeMap<Cow<'item, str>, Cow<'item, str>>,
}

fn delay_schema() -> RefOr<Schema> {
    duration::schema(&DELAY, "How long it waits before it is ready; else as the queue has it.")
        .into()
}

fn ttl_schema() -> RefOr<Schema> {
    duration::schema(&TTL, "How long after it was sent it expires; else as the queue has it.")
        .into()
}

/// A message of a batch: its body, or that with more.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the shape of what is read in two ways")]
pub(super) enum BatchItem {
    /// The body, as text.
    Body(String),
    Message(Item<'static>),
}

/// A duration: text, or a number of seconds.
#[derive(Deserialize)]
#[serde(untagged)]
enum Span<'item> {
    Text(#[serde(borrow)] Cow<'item, str>),
    Seconds(f64),
}

impl Span<'_> {
    fn read(&self, name: &str, least: Duration, most: Duration) -> Result<Duration, Problem> {
        match self {
            Self::Text(text) => read_duration(name, text, least, most),
            Self::Seconds(seconds) => read_duration(name, &seconds.to_string(), least, most),
        }
    }
}

fn read(text: &str) -> Result<(Message, Options), Problem> {
    let invalid = |error: serde_json::Error| Problem::body(error.to_string());
    if text.trim_start().starts_with('"') {
        let Text(body) = serde_json::from_str(text).map_err(invalid)?;
        return Ok((Message::text(&body), Options::default()));
    }
    // The parser would also take an array of the fields' values.
    if !text.trim_start().starts_with('{') {
        return Err(Problem::body("a message is a JSON string or object"));
    }
    let item: Item = serde_json::from_str(text).map_err(invalid)?;
    let (body, usual_type) = match (&item.body, &item.body_base64) {
        (Some(text), None) => (Cow::Borrowed(text.as_bytes()), ContentType::Text),
        (None, Some(text)) => match BASE64_STANDARD.decode(text.as_bytes()) {
            Ok(bytes) => (Cow::Owned(bytes), ContentType::Binary),
            Err(error) => return Err(Problem::invalid("body_base64", error.to_string())),
        },
        (Some(_), Some(_)) => {
            return Err(Problem::invalid("body", "is there beside `body_base64`"));
        }
        (None, None) => return Err(Problem::invalid("body", "is missing")),
    };
    let span = |name, span: &Option<Span>, range: RangeInclusive<Duration>| {
        span.as_ref().map(|span| span.read(name, *range.start(), *range.end())).transpose()
    };
    let options = Options {
        delay: span("delay", &item.delay, DELAY)?,
        ttl: span("ttl", &item.ttl, TTL)?,
        ..Options::default()
    };
    // As a header can have it, for whoever receives the message as it is.
    let visible = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
    if item.content_type.as_deref().is_some_and(|text| !visible(text)) {
        let problem = "has other characters than visible ASCII";
        return Err(Problem::invalid("content_type", problem));
    }
    let content_type = item.content_type.as_deref().map_or(usual_type, ContentType::from);
    let attributes = attributes::of_item(item.attributes)?;
    Ok((Message::new(&body, content_type, attributes), options))
}

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'item>(#[serde(borrow)] Cow<'item, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        serde_json::to_string(read(text).expect_err(text).result()).unwrap()
    }

    #[test]
    fn a_string_is_a_body() {
        let (message, options) = read(r#" "a\n\u00e4" "#).unwrap();
        assert_eq!((message, options), (Message::text("a\nä"), Options::default()));
    }

    #[test]
    fn an_object_says_more() {
        let (message, options) = read(
            r#"{"body":"{}","content_type":"application/json","delay":"2s","ttl":1.5,
                "attributes":{"b":"2","a":"1"}}"#,
        )
        .unwrap();
        assert_eq!(*message.content_type(), ContentType::Json);
        assert_eq!(message.attributes().iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
        assert_eq!(options.delay, Some(Duration::from_secs(2)));
        assert_eq!(options.ttl, Some(Duration::from_millis(1500)));
        let (message, _) = read(r#"{"body_base64":"AP8="}"#).unwrap();
        assert_eq!(message, Message::bytes(&[0, 255]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, named) in [
            ("{}", "`body`"),
            (r#"{"body":"a","body_base64":"AA=="}"#, "`body_base64`"),
            (r#"{"body_base64":"?"}"#, "body_base64"),
            (r#"{"body":"a","delay":"8d"}"#, "delay"),
            (r#"{"body":"a","delay":-1}"#, "delay"),
            (r#"{"body":"a","ttl":0}"#, "ttl"),
            (r#"{"body":"a","Body":"b"}"#, "`Body`"),
            (r#"{"body":1}"#, "expected a string"),
            (r#"{"body":"a","content_type":"a\nb"}"#, "content_type"),
            (r#"{"body":"a","attributes":{"a b":"c"}}"#, "`attributes.a b`"),
            ("1", "string or object"),
            (r#"["a"]"#, "string or object"),
            ("", "string or object"),
            ("{", "EOF"),
        ] {
            assert!(problem(text).contains(named), "{text}: {}", problem(text));
        }
    }
}
