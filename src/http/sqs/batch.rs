//! What all batches have in common: their entries, and a result for each.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::errors::{Kind, Side, SqsError};
use super::limits::{Limits, MOST_ENTRIES};

const LONGEST_ID: usize = 80;

/// What became of the entries of a batch.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchAnswer<'request, T> {
    pub(super) successful: Vec<T>,
    pub(super) failed: Vec<Failed<'request>>,
}

/// An entry that was carried out, where there is no more to tell.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Done<'request> {
    id: Cow<'request, str>,
}

/// An entry that was not.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Failed<'request> {
    id: Cow<'request, str>,
    sender_fault: bool,
    code: &'static str,
    message: String,
}

impl<T> BatchAnswer<'_, T> {
    pub(super) fn new() -> Self {
        Self { successful: Vec::new(), failed: Vec::new() }
    }
}

impl<'request, T> BatchAnswer<'request, T> {
    /// Whether every entry failed for want of room.
    pub(super) fn found_no_room(&self) -> bool {
        let throttled = Kind::RequestThrottled.facts().code;
        self.successful.is_empty() && self.failed.iter().all(|entry| entry.code == throttled)
    }

    pub(super) fn fail(&mut self, id: Cow<'request, str>, error: SqsError) {
        let facts = error.kind.facts();
        // The sender has done nothing wrong where there is only no room.
        let sender_fault = facts.side == Side::Sender && error.kind != Kind::RequestThrottled;
        self.failed.push(Failed { id, sender_fault, code: facts.code, message: error.message });
    }
}

impl<'request> BatchAnswer<'request, Done<'request>> {
    /// Notes what became of an entry.
    pub(super) fn note(&mut self, id: Cow<'request, str>, result: Result<(), SqsError>) {
        match result {
            Ok(()) => self.successful.push(Done { id }),
            Err(error) => self.fail(id, error),
        }
    }
}

/// The entries of a batch. Of more than may ever be, the rest is only counted: an entry that says nothing is
/// a hundred times as large here as in the request.
pub(super) struct Entries<T> {
    kept: Vec<T>,
    count: usize,
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self { kept: Vec::new(), count: 0 }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of entries")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries<T>, A::Error> {
                let mut kept = Vec::new();
                while kept.len() < MOST_ENTRIES {
                    match list.next_element()? {
                        Some(entry) => kept.push(entry),
                        None => return Ok(Entries { count: kept.len(), kept }),
                    }
                }
                let mut count = kept.len();
                while list.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Entries { kept, count })
            }

            fn visit_unit<E: de::Error>(self) -> Result<Entries<T>, E> {
                Ok(Entries::default())
            }
        }

        value.deserialize_any(EntriesVisitor(PhantomData))
    }
}

impl<T> Entries<T> {
    /// The entries, if they are as many as may be and have ids that may be.
    pub(super) fn check(
        self,
        id: impl Fn(&T) -> &str,
        limits: &Limits,
    ) -> Result<Vec<T>, SqsError> {
        check(self.count, self.kept.iter().map(id), limits)?;
        Ok(self.kept)
    }
}

fn check<'a>(
    count: usize,
    ids: impl Iterator<Item = &'a str>,
    limits: &Limits,
) -> Result<(), SqsError> {
    let most = limits.batch_entries;
    if count == 0 {
        let text = "There should be at least one entry in the batch request.";
        return Err(SqsError::new(Kind::EmptyBatchRequest, text));
    }
    if count > most {
        return Err(SqsError::new(
            Kind::TooManyEntriesInBatchRequest,
            format!("Maximum number of entries per request are {most}. You have sent {count}."),
        ));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let mut seen = HashSet::with_capacity(count);
    for id in ids {
        if !(1..=LONGEST_ID).contains(&id.len()) || !id.bytes().all(allowed) {
            return Err(SqsError::new(
                Kind::InvalidBatchEntryId,
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It \
                 can be at most 80 letters long.",
            ));
        }
        if !seen.insert(id) {
            return Err(SqsError::new(
                Kind::BatchEntryIdsNotDistinct,
                format!("Id {id} repeated."),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::sqs::limits::LimitsKind;

    fn kind(ids: &[&str]) -> Result<(), Kind> {
        check(ids.len(), ids.iter().copied(), &LimitsKind::Strict.into())
            .map_err(|error| error.kind)
    }

    #[test]
    fn ids_are_few_distinct_and_short() {
        let longest = "x".repeat(80);
        assert_eq!(kind(&["a", "A-z_0", &longest]), Ok(()));
        assert_eq!(kind(&[]), Err(Kind::EmptyBatchRequest));
        assert_eq!(kind(&["a"; 11]), Err(Kind::TooManyEntriesInBatchRequest));
        assert_eq!(kind(&["a", "b", "a"]), Err(Kind::BatchEntryIdsNotDistinct));
        for id in ["", "a b", "a.b", "ä", &"x".repeat(81)] {
            assert_eq!(kind(&[id]), Err(Kind::InvalidBatchEntryId), "{id}");
        }
    }

    #[test]
    fn entries_beyond_all_limits_are_only_counted() {
        let of = |count: usize| {
            let document = format!("[{}]", vec!["\"x\""; count].join(","));
            serde_json::from_str::<Entries<String>>(&document).expect("a list")
        };
        for count in [0, 1, MOST_ENTRIES] {
            let entries = of(count);
            assert_eq!((entries.kept.len(), entries.count), (count, count));
        }
        let entries = of(MOST_ENTRIES + 5);
        assert_eq!((entries.kept.len(), entries.count), (MOST_ENTRIES, MOST_ENTRIES + 5));
        let error = entries.check(|id| id, &LimitsKind::Relaxed.into()).unwrap_err();
        assert_eq!(
            error.message,
            "Maximum number of entries per request are 1000. You have sent 1005."
        );
        assert!(serde_json::from_str::<Entries<String>>("{}").is_err());
        assert_eq!(serde_json::from_str::<Entries<String>>("null").unwrap().count, 0);
    }

    #[test]
    fn an_entry_that_found_no_room_is_not_its_senders_fault() {
        let mut answer = BatchAnswer::new();
        answer.note("a".into(), Ok(()));
        answer.note("b".into(), Err(SqsError::new(Kind::RequestThrottled, "full")));
        answer.note("c".into(), Err(SqsError::missing("MessageBody")));
        assert_eq!(
            serde_json::to_value(&answer).unwrap(),
            serde_json::json!({
                "Successful": [{"Id": "a"}],
                "Failed": [
                    {"Id": "b", "SenderFault": false, "Code": "RequestThrottled", "Message": "full"},
                    {"Id": "c", "SenderFault": true, "Code": "MissingParameter",
                     "Message": "The request must contain the parameter MessageBody."},
                ],
            })
        );
    }
}
