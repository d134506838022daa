//! Durations as text: a number and a unit, the same in headers, parameters, settings and files.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::json;
use utoipa::Number;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::schema::{Object, ObjectBuilder, OneOf, OneOfBuilder, Type};

/// Reads `250ms`, `1.5s`, `10m`, `12h`, `7d`; a number without a unit is seconds. `None` for
/// anything else.
pub fn read(text: &str) -> Option<Duration> {
    // What is written most, and worth a way of its own: no floating point.
    if (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_secs);
    }
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit_ms = match &text[number.len()..] {
        "ms" => 1.0,
        "" | "s" => 1000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return None,
    };
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !plain || !number.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    of_millis(number.parse::<f64>().ok()? * unit_ms)
}

/// A number of seconds, as JSON may have it. `None` if it is below nothing or endless.
pub(crate) fn of_seconds(seconds: f64) -> Option<Duration> {
    of_millis(seconds * 1000.0)
}

/// To whole milliseconds, which is what the queues count in. What is not nothing does not become
/// nothing, which has a meaning of its own. `None` for what is below nothing, no number, or endless.
fn of_millis(millis: f64) -> Option<Duration> {
    // Not by the conversion below: `max` would have made nothing of it, and of what is no number.
    if millis.is_nan() || millis < 0.0 {
        return None;
    }
    let least = if millis > 0.0 { 1.0 } else { 0.0 };
    Duration::try_from_secs_f64(millis.round().max(least) / 1000.0).ok()
}

/// Writes a duration so that `read` gives it back: whole seconds as such, others in milliseconds.
pub fn write(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{}ms", duration.as_millis())
    }
}

/// What [`read`] reads, as a regular expression.
const PATTERN: &str = r"^[0-9]+(\.[0-9]*)?(ms|s|m|h|d)?$";
/// The same, but for nothing.
const PATTERN_BUT_ZERO: &str = r"^(?=[0-9.]*[1-9])[0-9]+(\.[0-9]*)?(ms|s|m|h|d)?$";

/// The schema of a duration within bounds, as text. How large it may be is no matter of a schema, so
/// that stands in its description and in `x-range`.
pub(crate) fn text_schema(range: &RangeInclusive<Duration>) -> ObjectBuilder {
    let (least, most) = (write(*range.start()), write(*range.end()));
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(format!("A duration from {least} to {most}.")))
        .pattern(Some(if range.start().is_zero() { PATTERN } else { PATTERN_BUT_ZERO }))
        .extensions(Some(Extensions::from_iter([(
            "x-range",
            json!({ "minimum": least, "maximum": most }),
        )])))
}

/// The schema of the same as a number of seconds.
fn number_schema(range: &RangeInclusive<Duration>) -> ObjectBuilder {
    let (least, most) = (*range.start(), *range.end());
    let schema = ObjectBuilder::new()
        .schema_type(Type::Number)
        .description(Some("The same as a number of seconds."))
        .maximum(Some(Number::Float(most.as_secs_f64())));
    // What is more than nothing is at least a millisecond.
    if least == Duration::from_millis(1) {
        schema.exclusive_minimum(Some(Number::Float(0.0)))
    } else {
        schema.minimum(Some(Number::Float(least.as_secs_f64())))
    }
}

/// The schema of a duration in JSON that may be left out: text, a number of seconds, or `null`.
pub(crate) fn schema(range: &RangeInclusive<Duration>, description: &str) -> OneOfBuilder {
    let (least, most) = (write(*range.start()), write(*range.end()));
    OneOfBuilder::from(OneOf::default())
        .description(Some(format!("{description} From {least} to {most}.")))
        .item(text_schema(range))
        .item(number_schema(range))
        .item(Object::with_type(Type::Null))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_and_without_a_unit() {
        for (text, millis) in [
            ("0", 0),
            ("30", 30_000),
            ("1.5", 1500),
            ("0.001", 1),
            ("0.4ms", 1),
            ("0.0001", 1),
            ("250ms", 250),
            ("2s", 2000),
            ("10m", 600_000),
            ("12h", 43_200_000),
            ("7d", 604_800_000),
        ] {
            let duration = Duration::from_millis(millis);
            assert_eq!(read(text), Some(duration), "{text}");
            assert_eq!(read(&write(duration)), Some(duration), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_none() {
        for text in ["", "-1", "+1", ".5", "s", "1 s", "1e9", "1S", "1w", "NaN", "inf", "1..2", "ä"]
        {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&"9".repeat(400)), None);
        for seconds in [-5.5, -0.0001, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(of_seconds(seconds), None, "{seconds}");
        }
        assert_eq!(of_seconds(0.0), Some(Duration::ZERO));
        assert_eq!(of_seconds(5.5), Some(Duration::from_millis(5500)));
    }
}
