//! The settings of a queue as users write them, in JSON and in TOML.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::{self, Deserializer, Unexpected, Visitor};
use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use serde::{Deserialize, de::Error as _};

use super::{Error, QueueName, QueueSettings};
use crate::duration;
use crate::queue::{Overflow, Queue};

/// What of a queue's settings somebody wants to say; everything else stays as it is. A field that is
/// `null` goes back to what it is by default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SettingsDocument {
    #[serde(deserialize_with = "said_count")]
    capacity: Said<u64>,
    #[serde(deserialize_with = "said_count")]
    max_bytes: Said<u64>,
    #[serde(deserialize_with = "said_count")]
    max_message_bytes: Said<u64>,
    #[serde(deserialize_with = "said")]
    overflow: Said<OverflowWord>,
    #[serde(deserialize_with = "said")]
    lease: Said<Span>,
    #[serde(deserialize_with = "said_count")]
    max_receives: Said<u32>,
    #[serde(deserialize_with = "said")]
    dead_letter: Said<QueueName>,
    #[serde(deserialize_with = "said")]
    retry_delay: Said<Span>,
    #[serde(deserialize_with = "said")]
    ttl: Said<Span>,
    #[serde(deserialize_with = "said")]
    delay: Said<Span>,
    #[serde(deserialize_with = "said_count")]
    max_in_flight: Said<u32>,
    #[serde(deserialize_with = "said")]
    idempotency_window: Said<Span>,
    #[serde(deserialize_with = "said")]
    receive_wait: Said<Span>,
    #[serde(deserialize_with = "said")]
    fifo: Said<bool>,
    #[serde(deserialize_with = "said")]
    labels: Said<BTreeMap<String, String>>,
}

/// Nothing, `null`, or a value.
#[derive(Clone, Debug, Default)]
enum Said<T> {
    #[default]
    Nothing,
    Null,
    Value(T),
}

impl<T> Said<T> {
    /// What it makes of `present`, where the default is `default`.
    fn or<U>(self, present: U, default: U, from: impl FnOnce(T) -> U) -> U {
        match self {
            Self::Nothing => present,
            Self::Null => default,
            Self::Value(value) => from(value),
        }
    }
}

fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Said<T>, D::Error> {
    Ok(match Option::deserialize(value)? {
        Some(value) => Said::Value(value),
        None => Said::Null,
    })
}

fn said_count<'de, D: Deserializer<'de>, T: TryFrom<u64>>(value: D) -> Result<Said<T>, D::Error> {
    Ok(match Option::<Count>::deserialize(value)? {
        Some(Count(count)) => Said::Value(T::try_from(count).map_err(|_| {
            D::Error::invalid_value(Unexpected::Unsigned(count), &"a smaller whole number")
        })?),
        None => Said::Null,
    })
}

/// A whole number, also where it is written as `7.0`: JSON knows no difference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count(pub(crate) u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        struct CountVisitor;

        impl Visitor<'_> for CountVisitor {
            type Value = Count;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a whole number, not below 0")
            }

            fn visit_u64<E: de::Error>(self, count: u64) -> Result<Count, E> {
                Ok(Count(count))
            }

            fn visit_i64<E: de::Error>(self, count: i64) -> Result<Count, E> {
                let whole = u64::try_from(count).map(Count);
                whole.map_err(|_| E::invalid_value(Unexpected::Signed(count), &self))
            }

            fn visit_f64<E: de::Error>(self, count: f64) -> Result<Count, E> {
                // Beyond that a float does not tell one whole number from the next.
                const EXACT: f64 = (1_u64 << 53) as f64;
                if count.fract() == 0.0 && (0.0..=EXACT).contains(&count) {
                    Ok(Count(count as u64))
                } else {
                    Err(E::invalid_type(Unexpected::Float(count), &self))
                }
            }
        }

        value.deserialize_any(CountVisitor)
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OverflowWord {
    Reject,
    DropOldest,
}

/// A duration: `"30s"`, or a number of seconds.
#[derive(Clone, Copy, Debug)]
struct Span(Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        struct SpanVisitor;

        impl Visitor<'_> for SpanVisitor {
            type Value = Span;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a duration such as \"30s\" or \"250ms\", or a number of seconds")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                let span = duration::read(text).map(Span);
                span.ok_or_else(|| E::invalid_value(Unexpected::Other("this text"), &self))
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Span, E> {
                Ok(Span(Duration::from_secs(seconds)))
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Span, E> {
                match u64::try_from(seconds) {
                    Ok(seconds) => self.visit_u64(seconds),
                    Err(_) => Err(E::invalid_value(Unexpected::Signed(seconds), &self)),
                }
            }

            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Span, E> {
                let span = duration::of_seconds(seconds).map(Span);
                span.ok_or_else(|| E::invalid_value(Unexpected::Float(seconds), &self))
            }
        }

        value.deserialize_any(SpanVisitor)
    }
}

impl<'de> Deserialize<'de> for QueueName {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        String::deserialize(value)?.parse().map_err(D::Error::custom)
    }
}

const DAY: Duration = Duration::from_hours(24);

impl SettingsDocument {
    /// Whether it says anything about a dead-letter queue.
    pub fn names_dead_letter(&self) -> bool {
        matches!(self.dead_letter, Said::Value(_))
    }

    /// The queue it names for dead letters, if it does.
    pub fn dead_letter(&self) -> Option<&QueueName> {
        match &self.dead_letter {
            Said::Value(name) => Some(name),
            _ => None,
        }
    }

    /// The same, but for what it says about a dead-letter queue.
    #[must_use]
    pub fn without_dead_letter(self) -> Self {
        Self { dead_letter: Said::Nothing, ..self }
    }

    /// The settings that this makes of the `present` ones.
    ///
    /// # Errors
    /// When one is out of its range.
    pub fn apply(
        self,
        present: QueueSettings,
        default: &QueueSettings,
    ) -> Result<QueueSettings, Error> {
        let (queue, queue_default) = (present.queue, &default.queue);
        let mut settings = QueueSettings {
            capacity: self.capacity.or(present.capacity, default.capacity, |n| n),
            dead_letter: self.dead_letter.or(present.dead_letter, None, Some),
            idempotency_window: self.idempotency_window.or(
                present.idempotency_window,
                default.idempotency_window,
                |span| span.0,
            ),
            receive_wait: self.receive_wait.or(
                present.receive_wait,
                default.receive_wait,
                |span| span.0,
            ),
            fifo: self.fifo.or(present.fifo, default.fifo, |fifo| fifo),
            labels: self.labels.or(present.labels, BTreeMap::new(), |labels| labels),
            annotations: present.annotations,
            queue: queue.clone(),
        };
        let to = &mut settings.queue;
        to.max_bytes = self.max_bytes.or(queue.max_bytes, queue_default.max_bytes, Some);
        to.max_message_bytes = self.max_message_bytes.or(
            queue.max_message_bytes,
            queue_default.max_message_bytes,
            |n| n,
        );
        to.overflow =
            self.overflow.or(queue.overflow, queue_default.overflow, |overflow| match overflow {
                OverflowWord::Reject => Overflow::Reject,
                OverflowWord::DropOldest => Overflow::DropOldest,
            });
        to.lease = self.lease.or(queue.lease, queue_default.lease, |span| span.0);
        to.max_receives = self.max_receives.or(queue.max_receives, None, Some);
        to.retry_delay =
            self.retry_delay.or(queue.retry_delay, queue_default.retry_delay, |span| span.0);
        to.ttl = self.ttl.or(queue.ttl, None, |span| Some(span.0));
        to.delay = self.delay.or(queue.delay, queue_default.delay, |span| span.0);
        to.max_in_flight = self.max_in_flight.or(queue.max_in_flight, None, Some);
        check(&settings)?;
        Ok(settings)
    }
}

fn check(settings: &QueueSettings) -> Result<(), Error> {
    let queue = &settings.queue;
    let count = |field, value: u64, range: RangeInclusive<u64>| {
        let problem = format!("must be from {} to {}", range.start(), range.end());
        if range.contains(&value) { Ok(()) } else { Err(Error::Setting { field, problem }) }
    };
    let span = |field, value: Duration, range: RangeInclusive<Duration>| {
        let (least, most) = (duration::write(*range.start()), duration::write(*range.end()));
        let problem = format!("must be from {least} to {most}");
        if range.contains(&value) { Ok(()) } else { Err(Error::Setting { field, problem }) }
    };
    count("capacity", settings.capacity, range::CAPACITY)?;
    count("max_bytes", queue.max_bytes.unwrap_or(1), range::MAX_BYTES)?;
    count("max_message_bytes", queue.max_message_bytes, range::MAX_MESSAGE_BYTES)?;
    count("max_receives", queue.max_receives.unwrap_or(1).into(), range::MAX_RECEIVES)?;
    count("max_in_flight", queue.max_in_flight.unwrap_or(1).into(), range::MAX_IN_FLIGHT)?;
    span("lease", queue.lease, range::LEASE)?;
    span("retry_delay", queue.retry_delay, range::RETRY_DELAY)?;
    span("ttl", queue.ttl.unwrap_or(DAY), range::TTL)?;
    span("delay", queue.delay, range::DELAY)?;
    span("idempotency_window", settings.idempotency_window, range::IDEMPOTENCY_WINDOW)?;
    span("receive_wait", settings.receive_wait, range::RECEIVE_WAIT)?;
    check_labels(&settings.labels)
}

/// What each setting may be: for who checks them, and for who describes them.
pub(super) mod range {
    use super::{
        DAY, Duration, MAX_DELAY, MAX_LEASE, MAX_RECEIVE_WAIT, MIN_LEASE, Queue, RangeInclusive,
    };

    pub(in crate::broker) const CAPACITY: RangeInclusive<u64> = 1..=Queue::MAX_CAPACITY;
    pub(in crate::broker) const MAX_BYTES: RangeInclusive<u64> = 1..=u64::MAX;
    pub(in crate::broker) const MAX_MESSAGE_BYTES: RangeInclusive<u64> = 1..=1 << 30;
    pub(in crate::broker) const MAX_RECEIVES: RangeInclusive<u64> = 1..=1_000_000;
    pub(in crate::broker) const MAX_IN_FLIGHT: RangeInclusive<u64> = 1..=Queue::MAX_CAPACITY;
    pub(in crate::broker) const LEASE: RangeInclusive<Duration> = MIN_LEASE..=MAX_LEASE;
    pub(in crate::broker) const RETRY_DELAY: RangeInclusive<Duration> = Duration::ZERO..=MAX_LEASE;
    pub(in crate::broker) const TTL: RangeInclusive<Duration> =
        Duration::from_millis(1)..=Duration::from_hours(24 * 3650);
    pub(in crate::broker) const DELAY: RangeInclusive<Duration> = Duration::ZERO..=MAX_DELAY;
    pub(in crate::broker) const IDEMPOTENCY_WINDOW: RangeInclusive<Duration> =
        Duration::from_secs(1)..=DAY;
    pub(in crate::broker) const RECEIVE_WAIT: RangeInclusive<Duration> =
        Duration::ZERO..=MAX_RECEIVE_WAIT;
}

/// Whether an operator may note these about a queue.
pub(super) fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), Error> {
    let refuse = |problem| Err(Error::Setting { field: "labels", problem });
    if labels.len() > MAX_LABELS {
        return refuse(format!("may be {MAX_LABELS} at most"));
    }
    for (key, value) in labels {
        if !(1..=LONGEST_LABEL_KEY).contains(&key.chars().count()) {
            return refuse(format!("have keys of 1 to {LONGEST_LABEL_KEY} characters"));
        }
        if value.chars().count() > LONGEST_LABEL {
            return refuse(format!("have values of at most {LONGEST_LABEL} characters"));
        }
    }
    Ok(())
}

/// The shortest lease, but for none at all.
pub const MIN_LEASE: Duration = Duration::from_millis(1);
/// The longest lease.
pub const MAX_LEASE: Duration = Duration::from_hours(12);
/// The longest delay of a message.
pub const MAX_DELAY: Duration = Duration::from_hours(24 * 7);
/// The longest that a receive which does not say waits.
pub const MAX_RECEIVE_WAIT: Duration = Duration::from_secs(60);
/// The most labels of a queue.
pub const MAX_LABELS: usize = 50;
/// The longest key of a label, in characters.
pub const LONGEST_LABEL_KEY: usize = 128;
/// The longest value of a label, in characters.
pub const LONGEST_LABEL: usize = 256;

impl Serialize for QueueSettings {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let queue = &self.queue;
        let mut fields = to.serialize_struct("QueueSettings", 15)?;
        fields.serialize_field("capacity", &self.capacity)?;
        fields.serialize_field("max_bytes", &queue.max_bytes)?;
        fields.serialize_field("max_message_bytes", &queue.max_message_bytes)?;
        let overflow = match queue.overflow {
            Overflow::Reject => "reject",
            Overflow::DropOldest => "drop_oldest",
        };
        fields.serialize_field("overflow", overflow)?;
        fields.serialize_field("lease", &duration::write(queue.lease))?;
        fields.serialize_field("max_receives", &queue.max_receives)?;
        fields.serialize_field("dead_letter", &self.dead_letter.as_ref().map(QueueName::as_str))?;
        fields.serialize_field("retry_delay", &duration::write(queue.retry_delay))?;
        fields.serialize_field("ttl", &queue.ttl.map(duration::write))?;
        fields.serialize_field("delay", &duration::write(queue.delay))?;
        fields.serialize_field("max_in_flight", &queue.max_in_flight)?;
        fields.serialize_field("idempotency_window", &duration::write(self.idempotency_window))?;
        fields.serialize_field("receive_wait", &duration::write(self.receive_wait))?;
        fields.serialize_field("fifo", &self.fifo)?;
        fields.serialize_field("labels", &self.labels)?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(text: &str) -> Result<QueueSettings, Error> {
        let default = QueueSettings::with_capacity(1024);
        let document: SettingsDocument = serde_json::from_str(text).expect(text);
        document.apply(default.clone(), &default)
    }

    #[test]
    fn what_is_not_said_stays() {
        let default = QueueSettings::with_capacity(1024);
        assert_eq!(apply("{}").unwrap(), default);
        let changed = apply(r#"{"capacity":7,"lease":"1.5s","ttl":60,"delay":0.25}"#).unwrap();
        assert_eq!(changed.capacity, 7);
        assert_eq!(changed.queue.lease, Duration::from_millis(1500));
        assert_eq!(changed.queue.ttl, Some(Duration::from_secs(60)));
        assert_eq!(changed.queue.delay, Duration::from_millis(250));
        let back: SettingsDocument =
            serde_json::from_str(r#"{"capacity":null,"ttl":null,"lease":null,"delay":null}"#)
                .unwrap();
        assert_eq!(back.apply(changed, &default).unwrap(), default);
    }

    #[test]
    fn settings_can_be_read_back() {
        let text = r#"{"capacity":7,"max_bytes":1,"overflow":"drop_oldest","max_receives":3,
            "dead_letter":"dead","retry_delay":"2s","ttl":"1500ms","max_in_flight":4,
            "idempotency_window":"1h","max_message_bytes":99,"lease":"5s","delay":"6s",
            "receive_wait":"20s","fifo":true,"labels":{"team":"a","empty":""}}"#;
        let settings = apply(text).unwrap();
        assert_eq!(apply(&serde_json::to_string(&settings).unwrap()).unwrap(), settings);
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        for (field, value) in [
            ("capacity", "0"),
            ("capacity", "2147483649"),
            ("max_bytes", "0"),
            ("max_message_bytes", "0"),
            ("max_receives", "0"),
            ("max_in_flight", "0"),
            ("lease", "0"),
            ("lease", "\"12h1ms\""),
            ("lease", "43201"),
            ("retry_delay", "\"13h\""),
            ("ttl", "0"),
            ("delay", "\"8d\""),
            ("idempotency_window", "\"25h\""),
            ("receive_wait", "61"),
            ("labels", "{\"\":\"\"}"),
        ] {
            let text = format!("{{\"{field}\":{value}}}");
            if let Ok(document) = serde_json::from_str::<SettingsDocument>(&text) {
                let default = QueueSettings::with_capacity(1);
                let error = document.apply(default.clone(), &default).expect_err(&text);
                assert!(matches!(error, Error::Setting { field: named, .. } if named == field));
            } else {
                assert!(value.contains("1ms"), "{text}");
            }
        }
    }

    #[test]
    fn unknown_fields_and_wrong_types_are_refused() {
        for text in [
            r#"{"capasity":1}"#,
            r#"{"capacity":"1"}"#,
            r#"{"capacity":-1}"#,
            r#"{"lease":"soon"}"#,
            r#"{"lease":-1}"#,
            r#"{"overflow":"explode"}"#,
            r#"{"dead_letter":"a b"}"#,
            r#"{"labels":{"a":1}}"#,
            r#"{"fifo":"yes"}"#,
            r#"{"annotations":{}}"#,
        ] {
            assert!(serde_json::from_str::<SettingsDocument>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn labels_are_replaced_together_and_few_and_short() {
        let default = QueueSettings::with_capacity(1);
        let labelled = apply(r#"{"labels":{"a":"1","b":"2"}}"#).unwrap();
        let read = |text: &str| serde_json::from_str::<SettingsDocument>(text).expect(text);
        let other = read(r#"{"labels":{"c":"3"}}"#).apply(labelled.clone(), &default).unwrap();
        assert_eq!(other.labels.keys().collect::<Vec<_>>(), ["c"]);
        let none = read(r#"{"labels":null}"#).apply(labelled, &default).unwrap();
        assert!(none.labels.is_empty());

        // Characters, not bytes.
        let of = |key: usize, value: usize| {
            check_labels(&[("ä".repeat(key), "ä".repeat(value))].into_iter().collect())
        };
        assert!(of(1, 0).is_ok() && of(128, 256).is_ok());
        assert!(of(0, 0).is_err() && of(129, 0).is_err() && of(1, 257).is_err());
        let many = |count: u32| {
            check_labels(&(0..count).map(|n| (n.to_string(), String::new())).collect())
        };
        assert!(many(50).is_ok() && many(51).is_err());
    }
}
