//! The AWS query protocol, on its way in: parameters with flattened names become a document as the JSON
//! protocol has it.
//!
//! `Attribute.1.Name=DelaySeconds&Attribute.1.Value=5` is `{"Attributes":{"DelaySeconds":"5"}}`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::errors::{Kind, SqsError};

/// What the parameters under a name are together.
#[derive(Clone, Copy)]
enum Shape {
    /// `Name.N`: a list of texts.
    List,
    /// `Name.N.<key>` and `Name.N.Value`: an object, whose values are texts or objects.
    Map { key: &'static str },
    /// `Name.N.…`: a list of objects, with such names within, but no further list of objects.
    Structs,
}

const NAME: Shape = Shape::Map { key: "Name" };
const KEY: Shape = Shape::Map { key: "Key" };

/// Names of parameters, and the fields that they become. Every other name is a field by itself.
const TABLE: [(&str, &str, Shape); 13] = [
    ("AttributeName", "AttributeNames", Shape::List),
    ("MessageSystemAttributeName", "MessageSystemAttributeNames", Shape::List),
    ("MessageAttributeName", "MessageAttributeNames", Shape::List),
    ("TagKey", "TagKeys", Shape::List),
    ("AWSAccountId", "AWSAccountIds", Shape::List),
    ("ActionName", "Actions", Shape::List),
    ("Attribute", "Attributes", NAME),
    ("MessageAttribute", "MessageAttributes", NAME),
    ("MessageSystemAttribute", "MessageSystemAttributes", NAME),
    ("Tag", "Tags", KEY),
    ("SendMessageBatchRequestEntry", "Entries", Shape::Structs),
    ("DeleteMessageBatchRequestEntry", "Entries", Shape::Structs),
    ("ChangeMessageVisibilityBatchRequestEntry", "Entries", Shape::Structs),
];

/// Parameters, in order.
pub(super) type Parameters<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Reads form encoding.
pub(super) fn parameters(encoded: &[u8]) -> Parameters<'_> {
    form_urlencoded::parse(encoded).collect()
}

/// The document that parameters stand for.
pub(super) fn document(parameters: &Parameters<'_>) -> Value {
    let parameters = parameters.iter().map(|(name, value)| (&**name, &**value));
    Value::Object(object(parameters, Level::Request))
}

/// Reads a request from its document.
pub(super) fn read<'a, T: Deserialize<'a>>(document: &'a Value) -> Result<T, SqsError> {
    T::deserialize(document).map_err(|error| {
        SqsError::new(Kind::Serialization, format!("The request cannot be read: {error}"))
    })
}

/// Elements of a list by their numbers, each with what stands behind the number.
type Elements<'a> = BTreeMap<u32, Vec<(&'a str, &'a str)>>;

/// Where a name stands. There are these two levels and no more, however long a name is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Request,
    /// Within a list of objects.
    Entry,
}

fn object<'a>(
    parameters: impl Iterator<Item = (&'a str, &'a str)>,
    level: Level,
) -> Map<String, Value> {
    let mut object = Map::new();
    let mut lists: BTreeMap<usize, Elements<'a>> = BTreeMap::new();
    for (name, value) in parameters {
        match element(name, level) {
            Some((row, number, rest)) => {
                lists.entry(row).or_default().entry(number).or_default().push((rest, value));
            }
            None => {
                object.insert(name.to_owned(), empty(name, value).unwrap_or(value.into()));
            }
        }
    }
    for (row, elements) in lists {
        let (_, field, shape) = TABLE[row];
        object.insert(field.to_owned(), shape.value(elements));
    }
    object
}

/// What has no elements: SDKs write it as the field's own name with nothing behind it.
fn empty(name: &str, value: &str) -> Option<Value> {
    let (.., shape) = TABLE.iter().find(|(_, field, _)| *field == name && value.is_empty())?;
    Some(shape.value(Elements::new()))
}

/// The row of the table that a name belongs to, the number of the element, and what stands behind it.
///
/// A list of one text or a map of one entry may be written without the number.
fn element(name: &str, level: Level) -> Option<(usize, u32, &str)> {
    let (head, rest) = name.split_once('.').filter(|(_, rest)| !rest.is_empty())?;
    let row = TABLE.iter().position(|(own, ..)| *own == head)?;
    let (first, behind) = rest.split_once('.').unwrap_or((rest, ""));
    let number = first.parse().ok();
    match (&TABLE[row].2, number) {
        (Shape::Structs, None) => None,
        (Shape::Structs, _) if level == Level::Entry => None,
        (_, Some(number)) => Some((row, number, behind)),
        (_, None) => Some((row, 1, rest)),
    }
}

impl Shape {
    fn value(self, elements: Elements<'_>) -> Value {
        match self {
            Self::List => {
                elements.values().flatten().map(|(_, value)| Value::from(*value)).collect()
            }
            Self::Structs => elements
                .into_values()
                .map(|fields| Value::Object(object(fields.into_iter(), Level::Entry)))
                .collect(),
            Self::Map { key } => {
                let entries = elements.into_values().map(|fields| entry(key, &fields));
                Value::Object(entries.collect())
            }
        }
    }
}

/// One entry of a map: its key, and a value that is a text or an object of texts.
fn entry(key: &str, fields: &[(&str, &str)]) -> (String, Value) {
    let (mut name, mut value, mut parts) = ("", "", Map::new());
    for (field, text) in fields {
        match field.strip_prefix("Value.") {
            Some(part) => {
                parts.insert(part.to_owned(), (*text).into());
            }
            None if *field == key => name = text,
            None if *field == "Value" => value = text,
            None => {}
        }
    }
    (name.to_owned(), if parts.is_empty() { value.into() } else { Value::Object(parts) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn flattened_names_become_fields() {
        for (encoded, expected) in [
            ("QueueUrl=a%2Fb&DelaySeconds=5", json!({"QueueUrl": "a/b", "DelaySeconds": "5"})),
            ("AttributeName.2=b&AttributeName.1=a", json!({"AttributeNames": ["a", "b"]})),
            ("AttributeName.10=j&AttributeName.9=i", json!({"AttributeNames": ["i", "j"]})),
            (
                "Attribute.1.Name=DelaySeconds&Attribute.1.Value=5&Attribute.2.Value=&Attribute.2.Name=Policy",
                json!({"Attributes": {"DelaySeconds": "5", "Policy": ""}}),
            ),
            ("Attribute.Name=Policy&Attribute.Value=x", json!({"Attributes": {"Policy": "x"}})),
            ("Tag.1.Key=a&Tag.1.Value=b&TagKey.1=c", json!({"Tags": {"a": "b"}, "TagKeys": ["c"]})),
            (
                "MessageAttribute.1.Name=n&MessageAttribute.1.Value.DataType=Number\
                 &MessageAttribute.1.Value.StringValue=1",
                json!({"MessageAttributes": {"n": {"DataType": "Number", "StringValue": "1"}}}),
            ),
            (
                "SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=x+y\
                 &SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n\
                 &SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=String\
                 &SendMessageBatchRequestEntry.2.Id=b",
                json!({"Entries": [
                    {"Id": "a", "MessageBody": "x y", "MessageAttributes": {"n": {"DataType": "String"}}},
                    {"Id": "b"},
                ]}),
            ),
            (
                "AttributeNames=&Attributes=&Entries=&MessageBody=",
                json!({"AttributeNames": [], "Attributes": {}, "Entries": [], "MessageBody": ""}),
            ),
            // A list of objects has numbers, and none within.
            ("SendMessageBatchRequestEntry.Id=a", json!({"SendMessageBatchRequestEntry.Id": "a"})),
            (
                "DeleteMessageBatchRequestEntry.1.DeleteMessageBatchRequestEntry.1.Id=a",
                json!({"Entries": [{"DeleteMessageBatchRequestEntry.1.Id": "a"}]}),
            ),
            ("", json!({})),
        ] {
            assert_eq!(document(&parameters(encoded.as_bytes())), expected, "{encoded}");
        }
    }

    #[test]
    fn a_long_name_is_no_deep_document() {
        for name in ["SendMessageBatchRequestEntry.", "SendMessageBatchRequestEntry.1."] {
            let encoded = format!("{}Id=a", name.repeat(100_000));
            assert!(document(&parameters(encoded.as_bytes())).is_object());
        }
    }
}
