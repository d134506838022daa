//! What FIFO queues ask of a message: its group, and what it is a duplicate of.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::attributes::{CONTENT_BASED, DEDUPLICATION_SCOPE};
use super::errors::SqsError;
use crate::broker::Named;

const LONGEST_ID: usize = 128;

/// The group of a message, and where the queue is a FIFO queue, its deduplication id and the key that
/// stands for it.
#[derive(Debug, Default)]
pub(super) struct Order<'a> {
    pub(super) group: Option<&'a str>,
    pub(super) deduplication_id: Option<String>,
    pub(super) key: Option<String>,
}

impl<'a> Order<'a> {
    pub(super) fn read(
        queue: &Named,
        body: &str,
        group: Option<&'a str>,
        deduplication_id: Option<&str>,
        delay: Option<Duration>,
    ) -> Result<Self, SqsError> {
        if let Some(group) = group {
            check_id("MessageGroupId", group)?;
        }
        if !queue.is_fifo() {
            // A group of a standard queue is carried along; it means nothing to the order.
            return match deduplication_id {
                Some(id) => Err(SqsError::value("MessageDeduplicationId", id, NOT_HERE)),
                None => Ok(Self { group, ..Self::default() }),
            };
        }
        let group = group.ok_or_else(|| SqsError::missing("MessageGroupId"))?;
        if let Some(delay) = delay.filter(|delay| !delay.is_zero()) {
            return Err(SqsError::value("DelaySeconds", delay.as_secs(), NOT_HERE));
        }
        let says = |name: &str, value: &str| queue.with_annotation(name, |own| own == Some(value));
        let id = match deduplication_id {
            Some(id) => {
                check_id("MessageDeduplicationId", id)?;
                id.to_owned()
            }
            None if says(CONTENT_BASED, "true") => {
                base16ct::lower::encode_string(&Sha256::digest(body.as_bytes()))
            }
            None => {
                return Err(SqsError::invalid(
                    "The queue should either have ContentBasedDeduplication enabled or \
                     MessageDeduplicationId provided explicitly",
                ));
            }
        };
        let key = match says(DEDUPLICATION_SCOPE, "messageGroup") {
            // No id has a blank.
            true => format!("{group} {id}"),
            false => id.clone(),
        };
        Ok(Self { group: Some(group), deduplication_id: Some(id), key: Some(key) })
    }
}

const NOT_HERE: &str = "The request include parameter that is not valid for this queue type";

/// Checks an id of any kind.
pub(super) fn check_id(parameter: &str, id: &str) -> Result<(), SqsError> {
    let allowed = (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    let reason = || {
        format!(
            "{parameter} can only include alphanumeric and punctuation characters. 1 to {LONGEST_ID} in \
             length."
        )
    };
    if allowed { Ok(()) } else { Err(SqsError::value(parameter, id, &reason())) }
}

/// The place of a message in its queue as twenty digits, which grow as text too.
pub(super) fn sequence_number(number: u64) -> String {
    format!("{number:020}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_few_characters() {
        let longest = "x".repeat(128);
        for id in ["a", "A-z_0!~", &longest] {
            assert_eq!(check_id("MessageGroupId", id), Ok(()));
        }
        for id in ["", "a b", "ä", "a\n", &"x".repeat(129)] {
            assert!(check_id("MessageGroupId", id).is_err(), "{id}");
        }
    }

    #[test]
    fn sequence_numbers_grow_as_text() {
        assert_eq!(sequence_number(7), "00000000000000000007");
        assert_eq!(sequence_number(u64::MAX).len(), 20);
    }
}
