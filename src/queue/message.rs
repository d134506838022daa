//! What a queue carries.

use std::sync::Arc;

use bytes::Bytes;

use super::time::Millis;

/// One message as its sender gave it.
///
/// The body is counted by reference, so handing a message out copies no bytes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Any bytes.
    pub body: Bytes,
    /// What the sender said the body is.
    pub content_type: ContentType,
    /// Names and values that travel with it, in the sender's order.
    pub attributes: Attributes,
}

impl Message {
    /// A message of UTF-8 text.
    pub fn text(text: &str) -> Self {
        Self {
            body: Bytes::copy_from_slice(text.as_bytes()),
            content_type: ContentType::Text,
            attributes: Attributes::default(),
        }
    }

    /// What it counts against the limits: body, content type and attributes, in bytes.
    pub fn size(&self) -> u64 {
        let content_type = match &self.content_type {
            ContentType::Other(text) => text.len(),
            ContentType::Binary | ContentType::Text | ContentType::Json => 0,
        };
        let attributes: usize =
            self.attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
        (self.body.len() + content_type + attributes) as u64
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
    pub(super) expires_at: Millis,
    /// How often it was delivered, deliveries that were taken back not counted.
    pub(super) receive_count: u32,
}

/// A message as a consumer gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// Which one it is.
    pub id: MessageId,
    /// To acknowledge, extend or release this delivery by.
    pub receipt: Receipt,
    /// How often the message was delivered, this time included.
    pub receive_count: u32,
    /// When it was sent.
    pub sent_at: Millis,
}
