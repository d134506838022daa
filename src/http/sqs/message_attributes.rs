//! Attributes of messages: as SQS has them, and as the queues keep them.
//!
//! Queues keep names and values that are text, for every face. An attribute of type `String` is kept as
//! just that, so what one face sends another receives. One of any other type has a companion
//! `sqs-type-<name>` that says which, and binary values are kept in base64.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde::Deserialize;
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use super::absent;
use super::digests::{self, Encoded};
use super::errors::SqsError;
use super::limits::Limits;
use crate::queue::Attributes;

/// Before the name of an attribute: its companion, which says its type.
const TYPE_PREFIX: &str = "sqs-type-";
/// What the system attribute `AWSTraceHeader` is kept as.
pub(super) const TRACE: &str = "x-amzn-trace-id";
/// What the deduplication id of a message in a FIFO queue is kept as.
pub(super) const DEDUPLICATION_ID: &str = "sqs-deduplication-id";
/// Before the names of those that the broker gives a dead letter.
const DEAD_LETTER_PREFIX: &str = "dead-letter-";
/// The one of them that names the queue it came from.
pub(super) const DEAD_LETTER_SOURCE: &str = "dead-letter-source";
/// Given to a message whose body is no text that SQS allows: then it comes in base64.
pub(super) const BODY_ENCODING: &str = "ringmq.body-encoding";

const LONGEST_NAME: usize = 256;
/// Characters of a number, with the zeros that do not count.
const LONGEST_NUMBER: usize = 256;
/// Digits of a number that count.
const MOST_DIGITS: usize = 38;

/// An attribute as a request has it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct AttributeValue {
    #[serde(deserialize_with = "absent::or_default")]
    data_type: String,
    string_value: Option<String>,
    /// In base64.
    binary_value: Option<String>,
}

impl AttributeValue {
    /// What type and value count against the limits, whether or not they are right.
    pub(super) fn size(&self) -> usize {
        let text = self.string_value.as_ref().map_or(0, String::len);
        let binary = self.binary_value.as_deref().unwrap_or_default();
        let digits = binary.trim_end_matches('=').len();
        self.data_type.len() + text + digits * 3 / 4
    }

    /// The value of a `String` that is one.
    pub(super) fn plain_text(&self) -> Option<&str> {
        let text = self.string_value.as_deref().filter(|text| !text.is_empty())?;
        (self.data_type == "String" && is_allowed_text(text)).then_some(text)
    }
}

/// The attributes of a request.
pub(super) type Given = BTreeMap<String, AttributeValue>;

/// One attribute: its name, its type with the label, and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attribute<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) data_type: Cow<'a, str>,
    pub(super) value: Value<'a>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Binary(Vec<u8>),
}

impl Attribute<'_> {
    fn encoded(&self) -> Encoded<'_> {
        match &self.value {
            Value::Text(text) => Encoded::Text(text),
            Value::Binary(bytes) => Encoded::Binary(bytes),
        }
    }
}

/// As an answer has it, under its name.
impl Serialize for Attribute<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("MessageAttributeValue", 2)?;
        match &self.value {
            Value::Text(text) => fields.serialize_field("StringValue", text)?,
            Value::Binary(bytes) => fields.serialize_field("BinaryValue", &BASE64.encode(bytes))?,
        }
        fields.serialize_field("DataType", &self.data_type)?;
        fields.end()
    }
}

/// The digest of attributes, which come by name.
pub(super) fn digest(attributes: &[Attribute<'_>]) -> Option<String> {
    digests::of_attributes(attributes.iter().map(|it| (&*it.name, &*it.data_type, it.encoded())))
}

/// Checks the message attributes of a request; they come by name.
pub(super) fn read<'a>(given: &'a Given, limits: &Limits) -> Result<Vec<Attribute<'a>>, SqsError> {
    let most = limits.message_attributes;
    if given.len() > most {
        return Err(SqsError::invalid(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{most}].",
            given.len()
        )));
    }
    given.iter().map(|(name, value)| read_one(name, value)).collect()
}

fn read_one<'a>(name: &'a str, given: &'a AttributeValue) -> Result<Attribute<'a>, SqsError> {
    check_name(name)?;
    let refuse =
        |what: &str| Err(SqsError::invalid(format!("The message attribute '{name}' {what}")));
    let data_type = given.data_type.as_str();
    let kind = data_type.split('.').next().unwrap_or_default();
    if data_type.is_empty() {
        return refuse("must contain a non-empty message attribute type.");
    }
    if data_type.len() > LONGEST_NAME || !matches!(kind, "String" | "Number" | "Binary") {
        return refuse(
            "has an invalid message attribute type, the set of supported type prefixes is Binary, \
             Number, and String.",
        );
    }
    let (own, other) = match kind {
        "Binary" => (&given.binary_value, &given.string_value),
        _ => (&given.string_value, &given.binary_value),
    };
    let value = match own.as_deref() {
        Some(value) if !value.is_empty() && other.as_deref().is_none_or(str::is_empty) => value,
        _ => {
            return refuse(&format!(
                "must contain a non-empty message attribute value for message attribute type \
                 '{data_type}'."
            ));
        }
    };
    let value = match kind {
        "Binary" => match BASE64.decode(value) {
            Ok(bytes) => Value::Binary(bytes),
            Err(_) => return refuse("has a binary value that is not base64."),
        },
        "Number" if !is_number(value) => {
            return Err(SqsError::invalid(format!(
                "Can't cast the value of message (user) attribute '{name}' to a number."
            )));
        }
        _ if !is_allowed_text(value) => return refuse("contains invalid characters."),
        _ => Value::Text(value.into()),
    };
    Ok(Attribute { name: name.into(), data_type: data_type.into(), value })
}

fn check_name(name: &str) -> Result<(), SqsError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let dots = name.starts_with('.') || name.ends_with('.') || name.contains("..");
    if !(1..=LONGEST_NAME).contains(&name.len()) || !name.bytes().all(allowed) || dots {
        return Err(SqsError::invalid(format!(
            "The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, \
             underscore (_), hyphen (-), and period (.) characters."
        )));
    }
    let lower = name.to_ascii_lowercase();
    let reserved = ["aws.", "amazon."].iter().any(|prefix| lower.starts_with(prefix));
    if reserved || is_ours(name) || name == BODY_ENCODING {
        return Err(SqsError::invalid(format!(
            "The message attribute name '{name}' is invalid. Attribute name is reserved."
        )));
    }
    Ok(())
}

/// Whether an attribute is no message attribute of its own.
fn is_ours(name: &str) -> bool {
    name.starts_with(TYPE_PREFIX)
        || name.starts_with(DEAD_LETTER_PREFIX)
        || name == TRACE
        || name == DEDUPLICATION_ID
}

/// Whether a text is a decimal number of up to 38 digits, zero or from 10^-128 to 10^126.
fn is_number(text: &str) -> bool {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let mantissa = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let is_written_right = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let (true, Ok(exponent)) = (is_written_right, exponent.parse::<i32>()) else { return false };
    // Zeros in front and behind are not counted.
    let leading = digits.len() - digits.trim_start_matches('0').len();
    let significant = digits.trim_matches('0');
    // The power of ten of the first digit that counts.
    let power = i64::from(exponent) + whole.len() as i64 - leading as i64 - 1;
    let is_in_range = (-128..126).contains(&power) || (power == 126 && significant == "1");
    text.len() <= LONGEST_NUMBER
        && (significant.is_empty() || significant.len() <= MOST_DIGITS && is_in_range)
}

/// Whether a text has only characters that SQS allows: those of XML 1.0.
pub(super) fn is_allowed_text(text: &str) -> bool {
    let control = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    // The two others begin with this byte, which hardly any text has.
    let noncharacter =
        || text.bytes().any(|byte| byte == 0xef) && text.contains(['\u{fffe}', '\u{ffff}']);
    !text.bytes().any(control) && !noncharacter()
}

/// The attributes as a queue keeps them, and `others` behind them.
pub(super) fn keep<'a>(
    attributes: &[Attribute<'_>],
    others: impl Iterator<Item = (&'a str, &'a str)>,
) -> Attributes {
    let mut kept: Vec<(String, String)> = Vec::new();
    for attribute in attributes {
        let value = match &attribute.value {
            Value::Text(text) => text.clone().into_owned(),
            Value::Binary(bytes) => BASE64.encode(bytes),
        };
        kept.push((attribute.name.clone().into_owned(), value));
        if attribute.data_type != "String" {
            let companion = format!("{TYPE_PREFIX}{}", attribute.name);
            kept.push((companion, attribute.data_type.clone().into_owned()));
        }
    }
    kept.extend(others.map(|(name, value)| (name.to_owned(), value.to_owned())));
    kept.into_iter().collect()
}

/// The message attributes among those that a queue keeps, as far as `wanted`; by name.
pub(super) fn kept<'a>(
    attributes: &'a Attributes,
    wanted: impl Fn(&str) -> bool,
) -> Vec<Attribute<'a>> {
    let own = attributes.iter().filter(|(name, _)| !is_ours(name) && wanted(name));
    let mut found: Vec<Attribute<'a>> = own
        .map(|(name, value)| {
            let companion = attributes.get(&format!("{TYPE_PREFIX}{name}"));
            let text = || Value::Text(value.into());
            let (data_type, value) = match companion {
                // Another face allows it, and the query protocol could not even write it.
                _ if !is_allowed_text(value) => ("Binary", Value::Binary(value.as_bytes().into())),
                None => ("String", text()),
                Some(data_type) if data_type.starts_with("Binary") => match BASE64.decode(value) {
                    Ok(bytes) => (data_type, Value::Binary(bytes)),
                    // Another face said so, and it is not.
                    Err(_) => ("String", text()),
                },
                Some(data_type) => (data_type, text()),
            };
            Attribute { name: name.into(), data_type: data_type.into(), value }
        })
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

/// Says that the body is in base64.
pub(super) fn mark_encoded(attributes: &mut Vec<Attribute<'_>>) {
    attributes.push(Attribute {
        name: BODY_ENCODING.into(),
        data_type: "String".into(),
        value: Value::Text("base64".into()),
    });
    attributes.sort_by(|one, other| one.name.cmp(&other.name));
}

/// Which message attributes a receive asks for: names, `prefix.*`, `All` or `.*`.
pub(super) fn is_wanted(names: &[String], name: &str) -> bool {
    names.iter().any(|wanted| match wanted.as_str() {
        "All" | ".*" => true,
        wanted => match wanted.strip_suffix(".*") {
            Some(prefix) => name.starts_with(prefix),
            None => name == wanted,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::sqs::limits::LimitsKind;

    fn given(document: &str) -> Given {
        serde_json::from_str(document).expect(document)
    }

    fn limits() -> Limits {
        LimitsKind::Strict.into()
    }

    #[test]
    fn what_is_kept_comes_back() {
        let given = given(
            r#"{"b":{"DataType":"Binary.png","BinaryValue":"AP8="},
                "a":{"DataType":"String","StringValue":"x"},
                "n":{"DataType":"Number.int","StringValue":"-1.5e3"}}"#,
        );
        let read = read(&given, &limits()).unwrap();
        let attributes = keep(&read, [(TRACE, "Root=1")].into_iter());
        assert_eq!(attributes.get("a"), Some("x"));
        assert_eq!(attributes.get("sqs-type-a"), None);
        assert_eq!(attributes.get("sqs-type-b"), Some("Binary.png"));
        assert_eq!(attributes.get(TRACE), Some("Root=1"));
        assert_eq!(kept(&attributes, |_| true), read);
        assert_eq!(digest(&kept(&attributes, |_| true)), digest(&read));
        assert_eq!(kept(&attributes, |name| name == "n").len(), 1);
    }

    #[test]
    fn marks_of_a_dead_letter_are_no_message_attributes() {
        let attributes: Attributes =
            [("a", "1"), (DEAD_LETTER_SOURCE, "q"), ("dead-letter-at", "0")].into_iter().collect();
        assert_eq!(kept(&attributes, |_| true).len(), 1);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let longest = "x".repeat(257);
        for (name, value, told) in [
            ("a", r#"{"StringValue":"x"}"#, "non-empty message attribute type"),
            ("a", r#"{"DataType":"Text","StringValue":"x"}"#, "invalid message attribute type"),
            (
                "a",
                r#"{"DataType":"String","StringValue":""}"#,
                "value for message attribute type 'String'",
            ),
            (
                "a",
                r#"{"DataType":"String","BinaryValue":"AA=="}"#,
                "non-empty message attribute value",
            ),
            (
                "a",
                r#"{"DataType":"Binary","StringValue":"AA=="}"#,
                "non-empty message attribute value",
            ),
            ("a", r#"{"DataType":"Binary","BinaryValue":"?"}"#, "base64"),
            ("a", r#"{"DataType":"Number","StringValue":"one"}"#, "to a number"),
            ("a", r#"{"DataType":"Number","StringValue":"NaN"}"#, "to a number"),
            ("a", r#"{"DataType":"String","StringValue":"\u0000"}"#, "invalid characters"),
            ("ä", r#"{"DataType":"String","StringValue":"x"}"#, "A-Z, a-z, 0-9"),
            (".a", r#"{"DataType":"String","StringValue":"x"}"#, "A-Z, a-z, 0-9"),
            (&longest, r#"{"DataType":"String","StringValue":"x"}"#, "A-Z, a-z, 0-9"),
            ("AWS.a", r#"{"DataType":"String","StringValue":"x"}"#, "reserved"),
            ("amazon.a", r#"{"DataType":"String","StringValue":"x"}"#, "reserved"),
            ("sqs-type-a", r#"{"DataType":"String","StringValue":"x"}"#, "reserved"),
            ("dead-letter-at", r#"{"DataType":"String","StringValue":"x"}"#, "reserved"),
        ] {
            let given = given(&format!("{{\"{name}\":{value}}}"));
            let error = read(&given, &limits()).expect_err(value);
            assert!(error.message.contains(told), "{name} {value}: {}", error.message);
        }
        let eleven = (0..11)
            .map(|n| format!("\"a{n}\":{{\"DataType\":\"String\",\"StringValue\":\"x\"}}"))
            .collect::<Vec<_>>();
        let error = read(&given(&format!("{{{}}}", eleven.join(","))), &limits()).unwrap_err();
        assert!(error.message.contains("[11] exceeds the allowed maximum [10]"));
    }

    #[test]
    fn numbers_have_38_digits_and_a_range() {
        let nines = "9".repeat(38);
        for text in [
            "0",
            "-0.0",
            "007",
            "+1",
            "-1.5e3",
            "1.",
            ".5",
            "1E+10",
            "1e126",
            "-1e126",
            "9.9e125",
            "1e-128",
            "0.1e-127",
            "0e999",
            "1e-0",
            &nines,
            &format!("{nines}000"),
            &format!("0.00{nines}"),
            &format!("-{nines}e-50"),
        ] {
            assert!(is_number(text), "{text}");
        }
        for text in [
            "",
            "-",
            ".",
            "+.",
            "e5",
            "1e",
            "1e1.5",
            "--1",
            "1.2.3",
            "0x1",
            "1_0",
            " 1",
            "inf",
            "NaN",
            "1.1e126",
            "1e127",
            "9e-129",
            "1e99999999999",
            "1e308",
            &format!("{nines}1"),
            &format!("1.{nines}"),
            &"0".repeat(257),
        ] {
            assert!(!is_number(text), "{text}");
        }
    }

    #[test]
    fn a_value_counts_with_its_type() {
        for (value, size) in [
            (r#"{"DataType":"String","StringValue":"value"}"#, 11),
            (r#"{"DataType":"Binary","BinaryValue":"AP8="}"#, 8),
            (r#"{"DataType":"Binary","BinaryValue":"AP8AAA=="}"#, 10),
            (r#"{"DataType":"Binary.x","BinaryValue":"AP8A"}"#, 11),
            (r#"{"BinaryValue":"A"}"#, 0),
        ] {
            let value_: AttributeValue = serde_json::from_str(value).expect(value);
            assert_eq!(value_.size(), size, "{value}");
        }
    }

    #[test]
    fn names_are_asked_for_one_by_one_by_prefix_or_all() {
        let wanted = |names: &[&str], name: &str| {
            is_wanted(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), name)
        };
        for (names, expected) in [
            (&["All"][..], true),
            (&[".*"], true),
            (&["trace.*"], true),
            (&["tr.*"], true),
            (&["trace.id"], true),
            (&["trace"], false),
            (&[], false),
            (&["id.*", "other"], false),
        ] {
            assert_eq!(wanted(names, "trace.id"), expected, "{names:?}");
        }
    }

    #[test]
    fn allowed_characters_are_those_of_xml() {
        for text in ["", "a\t\n\r ", "\u{d7ff}\u{e000}\u{fffd}\u{10000}\u{10ffff}", "\u{7f}"] {
            assert!(is_allowed_text(text), "{text:?}");
        }
        for text in ["\0", "\u{1f}", "a\u{fffe}", "\u{ffff}", "\u{8}"] {
            assert!(!is_allowed_text(text), "{text:?}");
        }
    }
}
