//! Whole numbers of a request: JSON has them as such, the query protocol as text.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::errors::SqsError;

/// A whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number(pub(super) i64);

impl Number {
    /// The number, if it is one of these.
    pub(super) fn within(
        self,
        parameter: &str,
        least: i64,
        most: i64,
        reason: impl FnOnce() -> String,
    ) -> Result<u64, SqsError> {
        let fits = (least..=most).contains(&self.0);
        let number = u64::try_from(self.0).ok().filter(|_| fits);
        number.ok_or_else(|| SqsError::value(parameter, self.0, &reason()))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        struct NumberVisitor;

        impl Visitor<'_> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Number, E> {
                // Whatever is more than this is out of every range.
                Ok(Number(i64::try_from(number).unwrap_or(i64::MAX)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                let number = text.trim().parse().map(Number);
                number.map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        value.deserialize_any(NumberVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_numbers_and_from_text() {
        for (text, number) in [
            ("0", 0),
            ("\"10\"", 10),
            ("-1", -1),
            ("\"-5\"", -5),
            ("18446744073709551615", i64::MAX),
        ] {
            assert_eq!(serde_json::from_str::<Number>(text).unwrap(), Number(number), "{text}");
        }
        for text in ["1.5", "\"\"", "\"one\"", "true", "null"] {
            assert!(serde_json::from_str::<Number>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_told_with_the_value() {
        let reason = || "Must be >= 0 and <= 20, if provided.".to_owned();
        assert_eq!(Number(20).within("WaitTimeSeconds", 0, 20, reason), Ok(20));
        let error = Number(-1).within("WaitTimeSeconds", 0, 20, reason).unwrap_err();
        let expected = "Value -1 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and \
                        <= 20, if provided.";
        assert_eq!(error.message, expected);
    }
}
