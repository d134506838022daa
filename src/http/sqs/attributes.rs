//! Attributes of queues: one table of what there is, what it may be, and what of a queue it is.
//!
//! Most are settings of the queue under another name. Those that mean nothing here are kept with the
//! queue and told again, where that harms nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::UNIX_EPOCH;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::call::{Call, queue_of_arn};
use super::errors::{Kind as ErrorKind, SqsError};
use super::kept;
use super::limits::{Limits, VISIBILITY_SECONDS};
use crate::broker::{Description, Named, QueueName, SettingsDocument};
use crate::queue::Millis;

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

const RECEIVE_WAIT: &str = "ReceiveMessageWaitTimeSeconds";
pub(super) const CONTENT_BASED: &str = "ContentBasedDeduplication";
const REDRIVE_ALLOW: &str = "RedriveAllowPolicy";
const CREATED: &str = "CreatedTimestamp";
const MODIFIED: &str = "LastModifiedTimestamp";

/// All there are.
const TABLE: [(&str, Kind); 21] = [
    ("VisibilityTimeout", number("lease", |_| 0..=VISIBILITY_SECONDS)),
    ("DelaySeconds", number("delay", |limits| 0..=limits.delay_seconds)),
    ("MaximumMessageSize", number("max_message_bytes", |limits| limits.message_bytes.clone())),
    ("MessageRetentionPeriod", number("ttl", |limits| limits.retention_seconds.clone())),
    (RECEIVE_WAIT, number("receive_wait", |limits| 0..=limits.wait_seconds)),
    ("RedrivePolicy", Kind::RedrivePolicy),
    (REDRIVE_ALLOW, kept_if(|value| RedriveAllowPolicy::read(value).is_some())),
    ("Policy", kept_if(is_json_object)),
    ("KmsMasterKeyId", kept_if(|_| true)),
    ("KmsDataKeyReusePeriodSeconds", kept_if(|value| is_within(value, 60..=86_400))),
    ("SqsManagedSseEnabled", kept_if(is_bool)),
    ("FifoQueue", Kind::Fifo),
    (CONTENT_BASED, Kind::Kept { allowed: is_bool, on: On::FifoOnly }),
    ("DeduplicationScope", on_fifo(|value| matches!(value, "messageGroup" | "queue"))),
    ("FifoThroughputLimit", on_fifo(|value| matches!(value, "perQueue" | "perMessageGroupId"))),
    ("ApproximateNumberOfMessages", Kind::ReadOnly),
    ("ApproximateNumberOfMessagesNotVisible", Kind::ReadOnly),
    ("ApproximateNumberOfMessagesDelayed", Kind::ReadOnly),
    (CREATED, Kind::ReadOnly),
    (MODIFIED, Kind::ReadOnly),
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

fn is_json_object(value: &str) -> bool {
    serde_json::from_str::<Map<String, Value>>(value).is_ok()
}

fn kind_of(name: &str) -> Result<Kind, SqsError> {
    let found = TABLE.iter().find(|(own, _)| *own == name).map(|(_, kind)| *kind);
    found.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> SqsError {
    SqsError::new(ErrorKind::InvalidAttributeName, format!("Unknown Attribute {name}."))
}

/// Where dead letters go.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: String,
    max_receive_count: super::number::Number,
}

/// Who may name a queue as the one for dead letters.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedriveAllowPolicy {
    redrive_permission: Permission,
    #[serde(default)]
    source_queue_arns: Vec<String>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
enum Permission {
    AllowAll,
    DenyAll,
    ByQueue,
}

impl RedriveAllowPolicy {
    const MOST_SOURCES: usize = 10;

    fn read(text: &str) -> Option<Self> {
        let policy: Self = serde_json::from_str(text).ok()?;
        let sources = policy.source_queue_arns.len();
        let fits = match policy.redrive_permission {
            Permission::ByQueue => (1..=Self::MOST_SOURCES).contains(&sources),
            Permission::AllowAll | Permission::DenyAll => sources == 0,
        };
        fits.then_some(policy)
    }

    fn allows(&self, source: &str) -> bool {
        match self.redrive_permission {
            Permission::AllowAll => true,
            Permission::DenyAll => false,
            Permission::ByQueue => {
                self.source_queue_arns.iter().any(|arn| queue_of_arn(arn) == Some(source))
            }
        }
    }
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
    /// Reads the attributes of a request about the queue `name`.
    pub(super) fn read(call: &Call, name: &str, given: &Attributes) -> Result<Self, SqsError> {
        let mut changes = Self::default();
        for (attribute, value) in given {
            changes.take(call, name, attribute, value)?;
        }
        Ok(changes)
    }

    fn take(&mut self, call: &Call, queue: &str, name: &str, value: &str) -> Result<(), SqsError> {
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
                self.settings.insert(setting.to_owned(), value);
            }
            Kind::RedrivePolicy => self.take_redrive_policy(call, queue, value)?,
            Kind::Kept { on: On::FifoOnly, .. } if !is_fifo(queue) => return Err(unknown(name)),
            Kind::Kept { allowed, .. } => {
                let value = (!value.is_empty()).then(|| value.to_owned());
                if value.as_deref().is_some_and(|value| !allowed(value)) {
                    return refuse();
                }
                self.kept.insert(name.to_owned(), value);
            }
            Kind::Fifo if !is_fifo(queue) && value != "true" => return Err(unknown(name)),
            Kind::Fifo if is_fifo(queue) == (value == "true") => {}
            Kind::Fifo => return refuse(),
            Kind::ReadOnly => return Err(unknown(name)),
        }
        Ok(())
    }

    fn take_redrive_policy(
        &mut self,
        call: &Call,
        queue: &str,
        value: &str,
    ) -> Result<(), SqsError> {
        let (mut dead_letter, mut max_receives) = (Value::Null, Value::Null);
        if !value.is_empty() {
            let refuse = |reason: &str| Err(SqsError::value("RedrivePolicy", value, reason));
            let Ok(policy) = serde_json::from_str::<RedrivePolicy>(value) else {
                return refuse("Redrive policy is not a valid JSON map.");
            };
            let most = 1..=1000;
            if !most.contains(&policy.max_receive_count.0) {
                return refuse("Invalid value for maxReceiveCount: must be from 1 to 1000.");
            }
            let target = queue_of_arn(&policy.dead_letter_target_arn);
            let found = target.and_then(|name| call.broker().queue(name).ok());
            let Some(target) = found else {
                return refuse("Dead letter target does not exist.");
            };
            let target_name = target.name().as_str();
            if target_name == queue {
                return refuse("Dead letter target is the queue itself.");
            }
            if is_fifo(target_name) != is_fifo(queue) {
                return refuse("Dead-letter queue must be same type of queue as the source.");
            }
            let allowed = kept::get(call, &target, REDRIVE_ALLOW);
            let allowed = allowed.and_then(|policy| RedriveAllowPolicy::read(&policy));
            if allowed.is_some_and(|policy| !policy.allows(queue)) {
                return refuse("Queue is not permitted to use the dead letter target.");
            }
            dead_letter = json!(target_name);
            max_receives = json!(policy.max_receive_count.0);
        }
        self.settings.insert("dead_letter".to_owned(), dead_letter);
        self.settings.insert("max_receives".to_owned(), max_receives);
        Ok(())
    }

    /// Gives what is not said the value that SQS gives a new queue.
    pub(super) fn or_defaults(mut self) -> Self {
        for (setting, value) in [
            ("lease", json!(30)),
            ("delay", json!(0)),
            ("max_message_bytes", json!(1 << 20)),
            ("ttl", json!(345_600)),
        ] {
            self.settings.entry(setting).or_insert(value);
        }
        self
    }

    /// With this capacity; the server's default where it is none.
    pub(super) fn set_capacity(&mut self, capacity: Option<u64>) {
        self.settings.insert("capacity".to_owned(), json!(capacity));
    }

    /// Makes the queue, or changes it.
    pub(super) fn apply(mut self, call: &Call, name: &QueueName) -> Result<(), SqsError> {
        // Until queues have it as a setting.
        if let Some(wait) = self.settings.remove("receive_wait") {
            self.kept.insert(RECEIVE_WAIT.to_owned(), Some(wait.to_string()));
        }
        let document = SettingsDocument::deserialize(Value::Object(self.settings))
            .map_err(|error| SqsError::invalid(error.to_string()))?;
        let declared = call.broker().declare(name, document)?;
        let queue = call.broker().queue(name.as_str())?;
        let now = seconds_since_1970(call, call.broker().clock().now());
        if declared == crate::broker::Declared::Created {
            self.kept.insert(CREATED.to_owned(), Some(now.clone()));
        }
        self.kept.insert(MODIFIED.to_owned(), Some(now));
        kept::set(call, &queue, self.kept);
        Ok(())
    }
}

/// Whether this is the name of a FIFO queue.
pub(super) fn is_fifo(name: &str) -> bool {
    name.ends_with(".fifo")
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
pub(super) struct Present {
    queue: Description,
    kept: BTreeMap<String, String>,
}

impl Present {
    pub(super) fn of(call: &Call, queue: &Named) -> Self {
        Self { queue: call.broker().describe(queue), kept: kept::all(call, queue) }
    }

    /// One of them, if the queue has it.
    pub(super) fn get(&self, call: &Call, name: &str) -> Option<String> {
        let (settings, counts) = (&self.queue.settings.queue, &self.queue.counts);
        let own_name = self.queue.name.as_str();
        Some(match name {
            "VisibilityTimeout" => settings.lease.as_secs().to_string(),
            "DelaySeconds" => settings.delay.as_secs().to_string(),
            "MaximumMessageSize" => settings.max_message_bytes.to_string(),
            // Absent where messages never expire.
            "MessageRetentionPeriod" => settings.ttl?.as_secs().to_string(),
            RECEIVE_WAIT => self.kept.get(RECEIVE_WAIT).map_or("0", String::as_str).to_owned(),
            "RedrivePolicy" => {
                let (target, most) =
                    (self.queue.settings.dead_letter.as_ref()?, settings.max_receives?);
                let arn = call.arn(target.as_str());
                json!({ "deadLetterTargetArn": arn, "maxReceiveCount": most }).to_string()
            }
            "ApproximateNumberOfMessages" => counts.ready.to_string(),
            "ApproximateNumberOfMessagesNotVisible" => counts.in_flight.to_string(),
            "ApproximateNumberOfMessagesDelayed" => counts.delayed.to_string(),
            "QueueArn" => call.arn(own_name),
            "FifoQueue" => is_fifo(own_name).then(|| "true".to_owned())?,
            CONTENT_BASED if is_fifo(own_name) => {
                self.kept.get(name).map_or("false", String::as_str).to_owned()
            }
            // A queue that another face made is as old as the server, as far as anybody knows.
            CREATED | MODIFIED => {
                let kept = self.kept.get(name).cloned();
                kept.unwrap_or_else(|| seconds_since_1970(call, Millis(0)))
            }
            _ => self.kept.get(name)?.clone(),
        })
    }
}

fn seconds_since_1970(call: &Call, at: Millis) -> String {
    let at = call.broker().clock().time_of_day(at);
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string()
}
