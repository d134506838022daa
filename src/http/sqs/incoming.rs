//! Messages on their way to a consumer, with as much as it asked for.

use std::borrow::Cow;
use std::time::UNIX_EPOCH;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde::Serialize;
use serde::ser::{SerializeMap as _, SerializeStruct as _, Serializer};

use super::call::{Call, uuid_form};
use super::digests;
use super::errors::{Kind, SqsError};
use super::fifo::sequence_number;
use super::message_attributes::{self as attributes, Attribute, is_allowed_text, is_wanted};
use crate::broker::Delivered;
use crate::queue::{Delivery, Millis};

/// A system attribute of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    SenderId,
    SentTimestamp,
    ApproximateReceiveCount,
    ApproximateFirstReceiveTimestamp,
    AwsTraceHeader,
    DeadLetterQueueSourceArn,
    MessageGroupId,
    MessageDeduplicationId,
    SequenceNumber,
}

impl System {
    const ALL: [(&str, Self); 9] = [
        ("SenderId", Self::SenderId),
        ("SentTimestamp", Self::SentTimestamp),
        ("ApproximateReceiveCount", Self::ApproximateReceiveCount),
        ("ApproximateFirstReceiveTimestamp", Self::ApproximateFirstReceiveTimestamp),
        ("AWSTraceHeader", Self::AwsTraceHeader),
        ("DeadLetterQueueSourceArn", Self::DeadLetterQueueSourceArn),
        ("MessageGroupId", Self::MessageGroupId),
        ("MessageDeduplicationId", Self::MessageDeduplicationId),
        ("SequenceNumber", Self::SequenceNumber),
    ];
}

/// What of messages a consumer wants to have.
pub(super) struct Wanted<'call> {
    call: &'call Call,
    system: Vec<(&'static str, System)>,
    names: Vec<String>,
}

impl<'call> Wanted<'call> {
    pub(super) fn new<'a>(
        call: &'call Call,
        system: impl Iterator<Item = &'a str>,
        names: Vec<String>,
    ) -> Result<Self, SqsError> {
        let mut wanted = Vec::new();
        for name in system {
            if name == "All" {
                wanted = System::ALL.to_vec();
                continue;
            }
            let found = System::ALL.into_iter().find(|(own, _)| *own == name);
            let found = found.ok_or_else(|| {
                let text = format!("Unknown Attribute {name}.");
                SqsError::new(Kind::InvalidAttributeName, text)
            })?;
            if !wanted.contains(&found) {
                wanted.push(found);
            }
        }
        Ok(Self { call, system: wanted, names })
    }
}

/// A message as an answer has it.
pub(super) struct Incoming<'a> {
    delivered: &'a Delivered,
    delivery: &'a Delivery,
    wanted: &'a Wanted<'a>,
    body: Cow<'a, str>,
    attributes: Vec<Attribute<'a>>,
}

impl<'a> Incoming<'a> {
    pub(super) fn new(
        delivered: &'a Delivered,
        delivery: &'a Delivery,
        wanted: &'a Wanted<'a>,
    ) -> Self {
        let message = &delivery.message;
        let mut attributes = match wanted.names.is_empty() {
            true => Vec::new(),
            false => attributes::kept(message.attributes(), |name| is_wanted(&wanted.names, name)),
        };
        let text = std::str::from_utf8(message.body()).ok().filter(|text| is_allowed_text(text));
        let body = match text {
            Some(text) => Cow::Borrowed(text),
            None => {
                // Whether or not it was asked for: without it, nobody could know.
                attributes::mark_encoded(&mut attributes);
                Cow::Owned(BASE64.encode(message.body()))
            }
        };
        Self { delivered, delivery, wanted, body, attributes }
    }

    fn system(&self, which: System) -> Option<String> {
        let (delivery, call) = (self.delivery, self.wanted.call);
        let kept = delivery.message.attributes();
        Some(match which {
            System::SenderId => call.face().account.clone(),
            System::SentTimestamp => self.milliseconds(delivery.sent_at),
            System::ApproximateReceiveCount => delivery.receive_count.to_string(),
            System::ApproximateFirstReceiveTimestamp => {
                self.milliseconds(delivery.first_received_at)
            }
            System::AwsTraceHeader => kept.get(attributes::TRACE)?.to_owned(),
            System::DeadLetterQueueSourceArn => call.arn(kept.get(attributes::DEAD_LETTER_SOURCE)?),
            System::MessageGroupId => delivery.message.group()?.to_owned(),
            System::MessageDeduplicationId => kept.get(attributes::DEDUPLICATION_ID)?.to_owned(),
            System::SequenceNumber if self.delivered.queue().is_fifo() => {
                sequence_number(delivery.number)
            }
            System::SequenceNumber => return None,
        })
    }

    fn milliseconds(&self, at: Millis) -> String {
        let at = self.wanted.call.broker().clock().time_of_day(at);
        at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis().to_string()
    }
}

impl Serialize for Incoming<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("Message", 7)?;
        fields.serialize_field("MessageId", &uuid_form(&self.delivered.id(self.delivery)))?;
        fields.serialize_field("ReceiptHandle", &self.delivered.receipt(self.delivery))?;
        fields.serialize_field("MD5OfBody", &digests::of_body(self.body.as_bytes()))?;
        fields.serialize_field("Body", &self.body)?;
        if !self.wanted.system.is_empty() {
            fields.serialize_field("Attributes", &SystemAttributes(self))?;
        }
        if let Some(digest) = attributes::digest(&self.attributes) {
            fields.serialize_field("MD5OfMessageAttributes", &digest)?;
            fields.serialize_field("MessageAttributes", &ByName(&self.attributes))?;
        }
        fields.end()
    }
}

struct SystemAttributes<'a>(&'a Incoming<'a>);

impl Serialize for SystemAttributes<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for (name, which) in &self.0.wanted.system {
            if let Some(value) = self.0.system(*which) {
                map.serialize_entry(name, &value)?;
            }
        }
        map.end()
    }
}

struct ByName<'a>(&'a [Attribute<'a>]);

impl Serialize for ByName<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|attribute| (&attribute.name, attribute)))
    }
}
