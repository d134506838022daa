//! What a queue carries.

use std::sync::Arc;

use bytes::Bytes;
use triomphe::ThinArc;

use super::send::Earlier;
use super::time::Millis;

/// One message as its sender gave it.
///
/// One piece of memory, counted by reference: a clone copies nothing, and where it lies is all that a
/// slot has to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message(ThinArc<Head, u8>);

/// What stands before the body.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    content_type: ContentType,
    attributes: Attributes,
    group: Option<Box<str>>,
}

impl Message {
    /// A message whose body is a copy of these bytes, whatever they are.
    pub fn new(body: &[u8], content_type: ContentType, attributes: Attributes) -> Self {
        let head = Head { content_type, attributes, group: None };
        Self(ThinArc::from_header_and_slice(head, body))
    }

    /// A message of bytes that nothing is said about.
    pub fn bytes(body: &[u8]) -> Self {
        Self::new(body, ContentType::Binary, Attributes::default())
    }

    /// A message of UTF-8 text.
    pub fn text(text: &str) -> Self {
        Self::new(text.as_bytes(), ContentType::Text, Attributes::default())
    }

    /// The same message with other attributes: a copy.
    #[must_use]
    pub fn with_attributes(&self, attributes: Attributes) -> Self {
        let group = self.group().map(Box::from);
        let head = Head { content_type: self.content_type().clone(), attributes, group };
        Self(ThinArc::from_header_and_slice(head, self.body()))
    }

    /// The same message as one of a group, or of none: a copy, if there are clones of it.
    #[must_use]
    pub fn with_group(mut self, group: Option<&str>) -> Self {
        let mut group = group.map(Box::from);
        let changed = self.0.with_arc_mut(|arc| match triomphe::Arc::get_mut(arc) {
            Some(own) => {
                own.header_mut().group = group.take();
                true
            }
            None => false,
        });
        if changed {
            return self;
        }
        let (content_type, attributes) = (self.content_type().clone(), self.attributes().clone());
        let head = Head { content_type, attributes, group };
        Self(ThinArc::from_header_and_slice(head, self.body()))
    }

    /// Any bytes.
    pub fn body(&self) -> &[u8] {
        &self.0.slice
    }

    /// The body, for whoever passes it on; without a copy.
    pub fn into_body(self) -> Bytes {
        match self.body() {
            [] => Bytes::new(),
            _ => Bytes::from_owner(Body(self)),
        }
    }

    /// What the sender said the body is.
    pub fn content_type(&self) -> &ContentType {
        &self.0.header.header.content_type
    }

    /// Names and values that travel with it, in the sender's order.
    pub fn attributes(&self) -> &Attributes {
        &self.0.header.header.attributes
    }

    /// Which messages of a FIFO queue it keeps its order with.
    pub fn group(&self) -> Option<&str> {
        self.0.header.header.group.as_deref()
    }

    /// What it counts against the limits: body, content type and attributes, in bytes.
    pub fn size(&self) -> u64 {
        let content_type = match self.content_type() {
            ContentType::Other(text) => text.len(),
            ContentType::Binary | ContentType::Text | ContentType::Json => 0,
        };
        let attributes: usize =
            self.attributes().iter().map(|(name, value)| name.len() + value.len()).sum();
        (self.body().len() + content_type + attributes) as u64
    }

    /// How many clones of it there are, this one included.
    pub fn clones(&self) -> usize {
        ThinArc::strong_count(&self.0)
    }
}

struct Body(Message);

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        self.0.body()
    }
}

/// A content type; the usual ones need no memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ContentType {
    /// `application/octet-stream`, also where the sender said nothing.
    #[default]
    Binary,
    /// `text/plain; charset=utf-8`.
    Text,
    /// `application/json`.
    Json,
    /// Any other, as it was given.
    Other(Box<str>),
}

impl ContentType {
    /// As it stands in a header.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(text) => text,
            Self::Binary | Self::Text | Self::Json => self.usual(),
        }
    }

    /// As it stands in a header, if it is a usual one; otherwise that of any bytes.
    pub fn usual(&self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=utf-8",
            Self::Json => "application/json",
            Self::Binary | Self::Other(_) => "application/octet-stream",
        }
    }
}

impl From<&str> for ContentType {
    fn from(text: &str) -> Self {
        [Self::Binary, Self::Text, Self::Json]
            .into_iter()
            .find(|usual| usual.as_str() == text)
            .unwrap_or_else(|| Self::Other(text.into()))
    }
}

/// Names and values, counted by reference. Most messages have none, and that takes no memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(Option<Arc<[Attribute]>>);

type Attribute = (Box<str>, Box<str>);

impl Attributes {
    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|list| list.iter()).map(|(name, value)| (&**name, &**value))
    }

    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl<N: Into<Box<str>>, V: Into<Box<str>>> FromIterator<(N, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(list: I) -> Self {
        let list: Vec<Attribute> =
            list.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self((!list.is_empty()).then(|| list.into()))
    }
}

/// Which message of its queue: a slot, and which of the messages that were in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageId {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

impl MessageId {
    /// The slot, and which of the messages that were in it.
    pub fn parts(self) -> (u32, u32) {
        (self.slot, self.generation)
    }

    /// From its parts.
    pub fn from_parts(slot: u32, generation: u32) -> Self {
        Self { slot, generation }
    }
}

/// A message that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Which one it is.
    pub id: MessageId,
    /// Its place among all messages ever sent to its queue, in their order.
    pub number: u64,
}

/// One delivery of one message. Only the newest of a message is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Receipt {
    pub(super) id: MessageId,
    pub(super) delivery: u16,
}

impl Receipt {
    /// The message's parts, and which delivery from its slot.
    pub fn parts(self) -> (u32, u32, u16) {
        (self.id.slot, self.id.generation, self.delivery)
    }

    /// From its parts.
    pub fn from_parts(slot: u32, generation: u32, delivery: u16) -> Self {
        Self { id: MessageId::from_parts(slot, generation), delivery }
    }
}

/// A message in its slot.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) message: Message,
    pub(super) sent_at: Millis,
    /// Never, until it is.
    pub(super) first_received_at: Millis,
    pub(super) expires_at: Millis,
    /// How often it was delivered, deliveries that were taken back not counted.
    pub(super) receive_count: u32,
    /// When it was last delivered, in milliseconds after the first time: 49 days at most.
    pub(super) received_after: u32,
}

impl Stored {
    /// A message that was not delivered yet.
    pub(super) fn new(message: Message, earlier: Earlier, expires_at: Millis) -> Self {
        let Earlier { sent_at, first_received_at } = earlier;
        Self {
            message,
            sent_at,
            first_received_at,
            expires_at,
            receive_count: 0,
            received_after: 0,
        }
    }

    /// Counts a delivery.
    pub(super) fn deliver(&mut self, now: Millis) {
        self.receive_count += 1;
        if self.first_received_at == Millis::NEVER {
            self.first_received_at = now;
        }
        let after = now.0.saturating_sub(self.first_received_at.0);
        self.received_after = u32::try_from(after).unwrap_or(u32::MAX);
    }

    /// Milliseconds since it was last delivered.
    pub(super) fn millis_received(&self, now: Millis) -> u64 {
        let received_at = self.first_received_at.0.saturating_add(self.received_after.into());
        now.0.saturating_sub(received_at)
    }
}

/// A message as a consumer gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// Which one it is.
    pub id: MessageId,
    /// Its place among all messages ever sent to its queue, in their order.
    pub number: u64,
    /// To acknowledge, extend or release this delivery by.
    pub receipt: Receipt,
    /// How often the message was delivered, this time included.
    pub receive_count: u32,
    /// When it was sent.
    pub sent_at: Millis,
    /// When it was first delivered; [`Millis::NEVER`] where it is only looked at and was not.
    pub first_received_at: Millis,
}
