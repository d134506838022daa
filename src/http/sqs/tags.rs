//! Tags of queues. One of them means something: `capacity` is how many messages the queue may hold,
//! which SQS has no word for.

use std::collections::BTreeMap;

use super::attributes::Changes;
use super::call::Call;
use super::errors::SqsError;
use super::limits::TAGS;
use crate::broker::{DeclareMode, Named};
use crate::queue::Queue;

/// Tags as requests and answers have them.
pub(super) type Tags = BTreeMap<String, String>;

/// The tag that sets the capacity.
pub(super) const CAPACITY: &str = "capacity";

const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

/// Checks tags that are to be put beside those that are there; returns the capacity, if they set it.
pub(super) fn check(given: &Tags, present: &Tags) -> Result<Option<u64>, SqsError> {
    let new = given.keys().filter(|key| !present.contains_key(*key)).count();
    if present.len() + new > TAGS {
        return Err(SqsError::invalid(format!(
            "Too many tags added for queue: {TAGS} is the most."
        )));
    }
    for (key, value) in given {
        let (key_length, value_length) = (key.chars().count(), value.chars().count());
        if !(1..=LONGEST_KEY).contains(&key_length) || value_length > LONGEST_VALUE {
            return Err(SqsError::value(
                "Tags",
                key,
                "A tag has 1 to 128 characters, and its value at most 256.",
            ));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(SqsError::value("Tags", key, "Tags that begin with aws: are reserved."));
        }
    }
    let Some(text) = given.get(CAPACITY) else { return Ok(None) };
    let capacity =
        text.parse().ok().filter(|capacity| (1..=Queue::MAX_CAPACITY).contains(capacity));
    let reason =
        || format!("The tag capacity must be a whole number from 1 to {}.", Queue::MAX_CAPACITY);
    capacity.ok_or_else(|| SqsError::value("Tags", text, &reason())).map(Some)
}

/// Changes the tags of a queue, and its capacity where they say so: to the server's default if that is
/// `Some(None)`.
pub(super) fn change(
    call: &Call,
    queue: &Named,
    capacity: Option<Option<u64>>,
    change: impl FnOnce(&mut Tags),
) -> Result<(), SqsError> {
    let mut changes = Changes::default();
    if let Some(capacity) = capacity {
        changes.set("capacity", capacity.into());
    }
    changes.apply_with_tags(call, queue.name(), DeclareMode::Update, change)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(list: &[(&str, &str)]) -> Tags {
        list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_capacity_is_read_from_its_tag() {
        let none = Tags::new();
        assert_eq!(check(&tags(&[("team", "a")]), &none), Ok(None));
        assert_eq!(check(&tags(&[("capacity", "100000")]), &none), Ok(Some(100_000)));
        for value in ["", "0", "-1", "many", "1e3", "2147483649"] {
            let error = check(&tags(&[("capacity", value)]), &none).expect_err(value);
            assert!(error.message.contains("from 1 to 2147483648"), "{}", error.message);
        }
    }

    #[test]
    fn tags_are_few_and_short() {
        let many: Tags = (0..50).map(|n| (n.to_string(), String::new())).collect();
        assert_eq!(check(&many, &many), Ok(None));
        assert!(check(&tags(&[("one more", "")]), &many).is_err());
        for (key, value) in
            [("", ""), (&*"k".repeat(129), ""), ("k", &*"v".repeat(257)), ("AWS:k", "")]
        {
            assert!(check(&tags(&[(key, value)]), &Tags::new()).is_err(), "{key}");
        }
    }
}
