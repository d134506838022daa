//! Attributes of queues: one table of what there is, what it may be, and what of a queue it is.
//!
//! Most are settings of the queue under another name. Those that mean nothing here are kept with the
//! queue and told again, where that harms nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::errors::{Kind as ErrorKind, SqsError};
use super::limits::{Limits, VISIBILITY_SECONDS};
use super::policy::{self, POLICY};
use super::redrive::{self, ALLOW, AllowPolicy};
use super::tags::Tags;
use crate::broker::{DeclareMode, Description, Named, QueueName, SettingsDocument};

/// Attributes by name, as requests and answers have them.
pub(super) type Attributes = BTreeMap<String, String>;

/// What an attribute is.
#[derive(Clone, Copy)]
enum Kind {
    /// A setting of the queue that is a number of seconds or bytes.
    Number { setting: &'static str, range: fn(&Limits) -> RangeInclusive<i64> },
    /// Where dead letters go: two settings of the queue.
    RedrivePolicy,
    /// Kept with the queue, if it is one of what `allowed` takes.
    Kept { allowed: fn(&str) -> bool, on: On },
    /// Whether the queue is a FIFO queue, which its name says too.
    Fifo,
    /// Told, never set.
    ReadOnly,
}

/// Which queues have an attribute.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    All,
    FifoOnly,
}

pub(super) const CONTENT_BASED: &str = "ContentBasedDeduplication";
pub(super) const DEDUPLICATION_SCOPE: &str = "DeduplicationScope";
const THROUGHPUT_LIMIT: &str = "FifoThroughputLimit";
/// What a FIFO queue has of them where nobody said anything.
const FIFO_DEFAULTS: [(&str, &str); 3] =
    [(CONTENT_BASED, "false"), (DEDUPLICATION_SCOPE, "queue"), (THROUGHPUT_LIMIT, "perQueue")];

/// All there are.
const TABLE: [(&str, Kind); 21] = [
    ("VisibilityTimeout", number("lease", |_| 0..=VISIBILITY_SECONDS)),
    ("DelaySeconds", number("delay", |limits| 0..=limits.delay_seconds)),
    ("MaximumMessageSize", number("max_message_bytes", |limits| limits.message_bytes.clone())),
    ("MessageRetentionPeriod", number("ttl", |limits| limits.retention_seconds.clone())),
    ("ReceiveMessageWaitTimeSeconds", number("receive_wait", |limits| 0..=limits.wait_seconds)),
    ("RedrivePolicy", Kind::RedrivePolicy),
    (ALLOW, kept_if(|value| AllowPolicy::read(value).is_some())),
    (POLICY, kept_if(policy::is_policy)),
    ("KmsMasterKeyId", kept_if(|_| true)),
    ("KmsDataKeyReusePeriodSeconds", kept_if(|value| is_within(value, 60..=86_400))),
    ("SqsManagedSseEnabled", kept_if(is_bool)),
    ("FifoQueue", Kind::Fifo),
    (CONTENT_BASED, on_fifo(is_bool)),
    (DEDUPLICATION_SCOPE, on_fifo(|value| matches!(value, "messageGroup" | "queue"))),
    (THROUGHPUT_LIMIT, on_fifo(|value| matches!(value, "perQueue" | "perMessageGroupId"))),
    ("ApproximateNumberOfMessages", Kind::ReadOnly),
    ("ApproximateNumberOfMessagesNotVisible", Kind::ReadOnly),
    ("ApproximateNumberOfMessagesDelayed", Kind::ReadOnly),
    ("CreatedTimestamp", Kind::ReadOnly),
    ("LastModifiedTimestamp", Kind::ReadOnly),
    ("QueueArn", Kind::ReadOnly),
];

const fn number(setting: &'static str, range: fn(&Limits) -> RangeInclusive<i64>) -> Kind {
    Kind::Number { setting, range }
}

const fn kept_if(allowed: fn(&str) -> bool) -> Kind {
    Kind::Kept { allowed, on: On::All }
}

const fn on_fifo(allowed: fn(&str) -> bool) -> Kind {
    Kind::Kept { allowed, on: On::FifoOnly }
}

fn is_within(value: &str, range: RangeInclusive<i64>) -> bool {
    value.parse().is_ok_and(|number: i64| range.contains(&number))
}

fn is_bool(value: &str) -> bool {
    matches!(value, "true" | "false")
}

fn kind_of(name: &str) -> Result<Kind, SqsError> {
    let found = TABLE.iter().find(|(own, _)| *own == name).map(|(_, kind)| *kind);
    found.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> SqsError {
    SqsError::new(ErrorKind::InvalidAttributeName, format!("Unknown Attribute {name}."))
}

/// A queue that attributes are about.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) name: &'a str,
    pub(super) fifo: bool,
}

/// What a request wants of a queue.
#[derive(Default)]
pub(super) struct Changes {
    /// Settings, as the broker's document has them.
    settings: Map<String, Value>,
    /// What is kept with the queue; nothing where it is not any more.
    kept: BTreeMap<String, Option<String>>,
}

impl Changes {
    /// Reads the attributes of a request, which come to those that are kept with the queue.
    pub(super) fn read(
        call: &Call,
        about: About<'_>,
        given: &Attributes,
        present: &Attributes,
    ) -> Result<Self, SqsError> {
        let mut changes = Self::default();
        for (name, value) in given {
            changes.take(call, about, name, value)?;
        }
        changes.check_throughput(present)?;
        Ok(changes)
    }

    /// A limit for each group needs deduplication in each group.
    fn check_throughput(&self, present: &Attributes) -> Result<(), SqsError> {
        let changed =
            [THROUGHPUT_LIMIT, DEDUPLICATION_SCOPE].iter().any(|it| self.kept.contains_key(*it));
        let will_be = |name: &str, value: &str| {
            let kept = self.kept.get(name).map_or(present.get(name), Option::as_ref);
            kept.is_some_and(|kept| kept == value)
        };
        let wrong = will_be(THROUGHPUT_LIMIT, "perMessageGroupId")
            && !will_be(DEDUPLICATION_SCOPE, "messageGroup");
        if changed && wrong { Err(SqsError::attribute(THROUGHPUT_LIMIT)) } else { Ok(()) }
    }

    fn take(
        &mut self,
        call: &Call,
        about: About<'_>,
        name: &str,
        value: &str,
    ) -> Result<(), SqsError> {
        let refuse = || Err(SqsError::attribute(name));
        match kind_of(name)? {
            Kind::Number { setting, range } => {
                if !is_within(value, range(call.limits())) {
                    return refuse();
                }
                // The queues know no lease of nothing; the shortest is over before anybody can tell.
                let value = match (setting, value.parse::<u64>()) {
                    ("lease", Ok(0)) => json!("1ms"),
                    (_, Ok(number)) => json!(number),
                    (_, Err(_)) => return refuse(),
                };
                self.set(setting, value);
            }
            Kind::RedrivePolicy => self.take_redrive_policy(call, about, value)?,
            Kind::Kept { on: On::FifoOnly, .. } if !about.fifo => return Err(unknown(name)),
            Kind::Kept { allowed, .. } => {
                let value = (!value.is_empty()).then(|| value.to_owned());
                if value.as_deref().is_some_and(|value| !allowed(value)) {
                    return refuse();
                }
                self.kept.insert(name.to_owned(), value);
            }
            Kind::Fifo if about.fifo && value == "true" => {}
            Kind::Fifo if about.fifo => return refuse(),
            Kind::Fifo | Kind::ReadOnly => return Err(unknown(name)),
        }
        Ok(())
    }

    fn take_redrive_policy(
        &mut self,
        call: &Call,
        about: About<'_>,
        value: &str,
    ) -> Result<(), SqsError> {
        let (mut dead_letter, mut max_receives) = (Value::Null, Value::Null);
        if !value.is_empty() {
            let (target, most) = redrive::read(call, about, value)
                .map_err(|reason| SqsError::value("RedrivePolicy", value, reason))?;
            dead_letter = json!(target);
            max_receives = json!(most);
        }
        self.set("dead_letter", dead_letter);
        self.set("max_receives", max_receives);
        Ok(())
    }

    /// Sets one of the queue's settings, by its name there; to its default with `null`.
    pub(super) fn set(&mut self, setting: &str, value: Value) {
        self.settings.insert(setting.to_owned(), value);
    }

    /// Gives what is not said the value that SQS gives a new queue.
    pub(super) fn or_defaults(mut self) -> Self {
        for (setting, value) in [
            ("lease", json!(30)),
            ("delay", json!(0)),
            ("max_message_bytes", json!(1 << 20)),
            ("ttl", json!(345_600)),
            ("receive_wait", json!(0)),
        ] {
            self.settings.entry(setting).or_insert(value);
        }
        self
    }

    /// Makes the queue, or changes it.
    pub(super) fn apply(
        self,
        call: &Call,
        name: &QueueName,
        mode: DeclareMode,
    ) -> Result<(), SqsError> {
        self.apply_with_tags(call, name, mode, |_| {})
    }

    /// Makes the queue, or changes it, and its tags with it.
    pub(super) fn apply_with_tags(
        self,
        call: &Call,
        name: &QueueName,
        mode: DeclareMode,
        tags: impl FnOnce(&mut Tags),
    ) -> Result<(), SqsError> {
        let document = SettingsDocument::deserialize(Value::Object(self.settings))
            .map_err(|error| SqsError::invalid(error.to_string()))?;
        call.broker().declare_as(name, document, mode, |labels, annotations| {
            tags(labels);
            for (name, value) in self.kept {
                match value {
                    Some(value) => annotations.insert(name, value),
                    None => annotations.remove(&name),
                };
            }
        })?;
        Ok(())
    }
}

/// Refuses to make a queue that is there with other attributes.
pub(super) fn check_same(call: &Call, queue: &Named, given: &Attributes) -> Result<(), SqsError> {
    let present = Present::of(call, queue);
    for (name, wanted) in given {
        let has = present.get(call, name);
        let same = match has.as_deref() {
            Some(has) => {
                has == wanted || as_json(has).is_some_and(|has| Some(has) == as_json(wanted))
            }
            None => wanted.is_empty(),
        };
        if !same {
            return Err(SqsError::new(
                ErrorKind::QueueNameExists,
                format!(
                    "A queue already exists with the same name and a different value for attribute {name}"
                ),
            ));
        }
    }
    Ok(())
}

/// JSON with numbers that are text as numbers, to compare it.
fn as_json(text: &str) -> Option<Value> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    if let Some(fields) = value.as_object_mut() {
        for (_, field) in fields {
            if let Some(number) = field.as_str().and_then(|text| text.parse::<i64>().ok()) {
                *field = json!(number);
            }
        }
    }
    Some(value)
}

/// Which attributes a request asks for.
pub(super) fn wanted<'a>(
    names: impl Iterator<Item = &'a str>,
) -> Result<BTreeSet<&'static str>, SqsError> {
    let mut wanted = BTreeSet::new();
    for name in names {
        if name == "All" {
            wanted.extend(TABLE.iter().map(|(name, _)| *name));
            continue;
        }
        let found = TABLE.iter().find(|(own, _)| *own == name);
        wanted.insert(found.ok_or_else(|| unknown(name))?.0);
    }
    Ok(wanted)
}

/// A queue's attributes as they are now.
pub(super) struct Present(Description);

impl Present {
    pub(super) fn of(call: &Call, queue: &Named) -> Self {
        Self(call.broker().describe(queue))
    }

    /// One of them, if the queue has it.
    pub(super) fn get(&self, call: &Call, name: &str) -> Option<String> {
        let Description { settings: all, counts, .. } = &self.0;
        let settings = &all.queue;
        Some(match name {
            "VisibilityTimeout" => settings.lease.as_secs().to_string(),
            "DelaySeconds" => settings.delay.as_secs().to_string(),
            "MaximumMessageSize" => settings.max_message_bytes.to_string(),
            // Absent where messages never expire.
            "MessageRetentionPeriod" => settings.ttl?.as_secs().to_string(),
            "ReceiveMessageWaitTimeSeconds" => all.receive_wait.as_secs().to_string(),
            "RedrivePolicy" => {
                let (target, most) = (all.dead_letter.as_ref()?, settings.max_receives?);
                let arn = call.arn(target.as_str());
                json!({ "deadLetterTargetArn": arn, "maxReceiveCount": most }).to_string()
            }
            "ApproximateNumberOfMessages" => counts.ready.to_string(),
            "ApproximateNumberOfMessagesNotVisible" => counts.in_flight.to_string(),
            "ApproximateNumberOfMessagesDelayed" => counts.delayed.to_string(),
            "CreatedTimestamp" => seconds_since_1970(self.0.created_at),
            "LastModifiedTimestamp" => seconds_since_1970(self.0.modified_at),
            "QueueArn" => call.arn(self.0.name.as_str()),
            "FifoQueue" => all.fifo.then(|| "true".to_owned())?,
            _ => {
                let default = FIFO_DEFAULTS.iter().find(|(own, _)| all.fifo && *own == name);
                let kept = all.annotations.get(name).map(String::as_str);
                kept.or(default.map(|(_, value)| *value))?.to_owned()
            }
        })
    }
}

fn seconds_since_1970(at: SystemTime) -> String {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_compared_by_what_they_say() {
        let one = r#"{"maxReceiveCount":"3","deadLetterTargetArn":"a"}"#;
        let other = r#"{"deadLetterTargetArn":"a", "maxReceiveCount":3}"#;
        assert_eq!(as_json(one), as_json(other));
        assert_ne!(as_json(one), as_json(r#"{"deadLetterTargetArn":"b","maxReceiveCount":3}"#));
    }

    #[test]
    fn all_are_all_and_unknown_ones_are_told() {
        assert_eq!(wanted(["All", "QueueArn"].into_iter()).unwrap().len(), TABLE.len());
        assert!(wanted(std::iter::empty()).unwrap().is_empty());
        let error = wanted(["Nope"].into_iter()).unwrap_err();
        assert_eq!(error.message, "Unknown Attribute Nope.");
    }
}
