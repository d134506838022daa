//! Messages on their way in, alone or in a batch: the same fields, the same checks.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::absent;
use super::call::{Call, uuid_form};
use super::digests;
use super::errors::{Kind, SqsError};
use super::fifo::{Order, sequence_number};
use super::message_attributes::{self, DEDUPLICATION_ID, Given, TRACE, is_allowed_text};
use super::number::Number;
use crate::broker::{Named, Refused};
use crate::queue::{ContentType, Message, MessageId, Options};

/// A message as a request has it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Outgoing<'request> {
    /// Which entry of a batch.
    #[serde(borrow, deserialize_with = "absent::text")]
    pub(super) id: Cow<'request, str>,
    /// Where it stands alone.
    #[serde(borrow, deserialize_with = "absent::text")]
    pub(super) queue_url: Cow<'request, str>,
    #[serde(borrow, deserialize_with = "absent::text")]
    message_body: Cow<'request, str>,
    delay_seconds: Option<Number>,
    #[serde(deserialize_with = "absent::or_default")]
    message_attributes: Given,
    #[serde(deserialize_with = "absent::or_default")]
    message_system_attributes: Given,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

/// A message that may be sent, and what its sender is told then.
pub(super) struct Prepared {
    pub(super) message: Message,
    pub(super) options: Options,
    /// What a repeated send of it would have the same of; only in FIFO queues.
    pub(super) key: Option<String>,
    pub(super) digests: Digests,
}

/// The digests by which its sender checks that it came as it was sent.
pub(super) struct Digests {
    body: String,
    attributes: Option<String>,
    system_attributes: Option<String>,
}

/// What the sender of a message is told.
#[derive(Serialize)]
pub(super) struct Sent<'request> {
    #[serde(rename = "Id", skip_serializing_if = "str::is_empty")]
    id: Cow<'request, str>,
    #[serde(rename = "MessageId")]
    message_id: String,
    #[serde(rename = "MD5OfMessageBody")]
    body_digest: String,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    attributes_digest: Option<String>,
    #[serde(rename = "MD5OfMessageSystemAttributes", skip_serializing_if = "Option::is_none")]
    system_attributes_digest: Option<String>,
    #[serde(rename = "SequenceNumber", skip_serializing_if = "Option::is_none")]
    sequence_number: Option<String>,
}

impl<'request> Sent<'request> {
    /// Of the entry `id`, or of none, which is empty.
    pub(super) fn new(
        id: Cow<'request, str>,
        queue: &Named,
        message: MessageId,
        digests: Digests,
    ) -> Self {
        Self {
            id,
            message_id: uuid_form(&queue.id(message)),
            body_digest: digests.body,
            attributes_digest: digests.attributes,
            system_attributes_digest: digests.system_attributes,
            sequence_number: None,
        }
    }

    /// With its place in a FIFO queue.
    pub(super) fn numbered(self, number: u64) -> Self {
        Self { sequence_number: Some(sequence_number(number)), ..self }
    }
}

impl Outgoing<'_> {
    /// What the message counts against the limits: its body, and names, types and values of its
    /// attributes. What the queues keep beside them is not its sender's.
    pub(super) fn size(&self) -> u64 {
        let attributes = self.message_attributes.iter();
        let attributes: usize = attributes.map(|(name, value)| name.len() + value.size()).sum();
        (self.message_body.len() + attributes) as u64
    }

    /// Checks the message for this queue.
    pub(super) fn prepare(&self, call: &Call, queue: &Named) -> Result<Prepared, SqsError> {
        let limits = call.limits();
        let body = &*self.message_body;
        if body.is_empty() {
            return Err(SqsError::missing("MessageBody"));
        }
        let largest = queue.max_message_bytes();
        if self.size() > largest {
            queue.count_refusal(Refused::TooLarge);
            return Err(SqsError::too_long(largest));
        }
        if !is_allowed_text(body) {
            return Err(SqsError::new(
                Kind::InvalidMessageContents,
                "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to \
                 #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.",
            ));
        }
        let most = limits.delay_seconds;
        let reason = || format!("DelaySeconds must be >= 0 and <= {most}.");
        let delay = self.delay_seconds.map(|it| it.within("DelaySeconds", 0, most, reason));
        let delay = delay.transpose()?.map(Duration::from_secs);

        let attributes = message_attributes::read(&self.message_attributes, limits)?;
        let (trace, system_attributes) = self.trace()?;
        let digests = Digests {
            body: digests::of_body(body.as_bytes()),
            attributes: message_attributes::digest(&attributes),
            system_attributes,
        };
        let (group, id) = (&self.message_group_id, &self.message_deduplication_id);
        let order = Order::read(queue, body, group.as_deref(), id.as_deref(), delay)?;
        let trace = trace.map(|trace| (TRACE, trace));
        let deduplication_id = order.deduplication_id.as_deref().map(|id| (DEDUPLICATION_ID, id));
        let kept = message_attributes::keep(&attributes, trace.into_iter().chain(deduplication_id));
        let message = Message::new(body.as_bytes(), ContentType::Text, kept);
        let message = message.with_group(order.group);
        // In a FIFO queue all messages wait for the same time. What is kept beside what the sender wrote
        // must not make a message too large, which was measured above.
        let delay = delay.filter(|_| !queue.is_fifo());
        let options = Options { delay, any_size: true, ..Options::default() };
        Ok(Prepared { message, options, key: order.key, digests })
    }

    /// The trace header, which is all that may stand among the system attributes, and their digest.
    fn trace(&self) -> Result<(Option<&str>, Option<String>), SqsError> {
        let given = &self.message_system_attributes;
        let Some((name, value)) = given.iter().next() else { return Ok((None, None)) };
        let refuse = |why: &str| {
            let text = format!("Message system attribute name '{name}' is invalid. Reason: {why}");
            Err(SqsError::invalid(text))
        };
        if given.len() > 1 || name != "AWSTraceHeader" {
            return refuse("Message system attribute is not AWSTraceHeader.");
        }
        let Some(trace) = value.plain_text() else { return refuse("Value must be a string.") };
        let encoded = digests::Encoded::Text(trace);
        let digest = digests::of_attributes([(&**name, "String", encoded)].into_iter());
        Ok((Some(trace), digest))
    }
}
