//! Fields that a request may leave out: `null` is the same as nothing.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

/// Reads a text, in place where it has no escapes; nothing is the empty one.
pub(super) fn text<'de: 'a, 'a, D: Deserializer<'de>>(value: D) -> Result<Cow<'a, str>, D::Error> {
    struct TextVisitor;

    impl<'de> Visitor<'de> for TextVisitor {
        type Value = Cow<'de, str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Cow::Borrowed(text))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Cow::Owned(text.to_owned()))
        }

        fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
            Ok(Cow::Owned(text))
        }

        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(Cow::Borrowed(""))
        }
    }

    value.deserialize_any(TextVisitor)
}

/// Reads a list, a map or what else has a default; nothing is that.
pub(super) fn or_default<'de, T, D>(value: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(value)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Request<'request> {
        #[serde(borrow, deserialize_with = "text")]
        text: Cow<'request, str>,
        #[serde(deserialize_with = "or_default")]
        list: Vec<String>,
    }

    #[test]
    fn null_is_nothing() {
        for document in ["{}", r#"{"text":null,"list":null}"#, r#"{"text":"","list":[]}"#] {
            let request: Request<'_> = serde_json::from_str(document).expect(document);
            assert_eq!(request, Request::default(), "{document}");
        }
        for document in [r#"{"text":1}"#, r#"{"list":{}}"#, r#"{"list":[null]}"#] {
            assert!(serde_json::from_str::<Request<'_>>(document).is_err(), "{document}");
        }
    }

    #[test]
    fn a_text_without_escapes_is_not_copied() {
        let request: Request<'_> = serde_json::from_str(r#"{"text":"a"}"#).unwrap();
        assert!(matches!(request.text, Cow::Borrowed("a")));
        let request: Request<'_> = serde_json::from_str(r#"{"text":"\n"}"#).unwrap();
        assert_eq!(request.text, "\n");
    }
}
