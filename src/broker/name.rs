//! Names of queues.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The name of a queue: 1 to 80 of `A-Z a-z 0-9 - _ .`, but neither `.` nor `..`, which many clients
/// take for a step in the path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueName(Box<str>);

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "a queue's name has 1 to {} characters out of A-Z a-z 0-9 - _ . and is neither `.` nor `..`",
    QueueName::MAX_LENGTH
)]
pub struct InvalidName;

impl QueueName {
    /// The longest name, in characters.
    pub const MAX_LENGTH: usize = 80;

    /// The queue of the classic face.
    pub const DEFAULT: &str = "default";

    /// That name.
    pub fn default_queue() -> Self {
        Self(Self::DEFAULT.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a text is a name.
    pub fn is_valid(text: &str) -> bool {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let step = matches!(text, "." | "..");
        (1..=Self::MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed) && !step
    }
}

impl FromStr for QueueName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if Self::is_valid(text) { Ok(Self(text.into())) } else { Err(InvalidName) }
    }
}

impl Borrow<str> for QueueName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_few_characters() {
        let longest = "x".repeat(80);
        for name in ["a", "A-z_0.9", "...", ".a", "orders.fifo", &longest] {
            assert_eq!(name.parse::<QueueName>().unwrap().as_str(), name);
        }
        let too_long = "x".repeat(81);
        for text in ["", ".", "..", "a b", "a/b", "ä", "a\n", "%41", &too_long] {
            assert_eq!(text.parse::<QueueName>(), Err(InvalidName), "{text}");
        }
    }
}
