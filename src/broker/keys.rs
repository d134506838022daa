//! Idempotency keys: a send that is repeated with the same key is stored once.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::expiring::Expiring;
use crate::queue::{Accepted, Message, Millis};

/// How many keys of one queue are remembered: the oldest are forgotten first.
const KEPT: usize = 1_000_000;

/// The keys that a queue has seen lately. It takes a lock for a few instructions, and only sends
/// with a key come here.
pub(super) struct Keys {
    seen: Mutex<Seen>,
    hasher: RandomState,
}

struct Seen {
    /// Payloads of first sends that are not done, by key: as many as there are such sends.
    under_way: HashMap<Box<str>, u64>,
    stored: Expiring<Use>,
}

#[derive(Clone, Copy)]
struct Use {
    payload: u64,
    message: Accepted,
}

impl Default for Keys {
    fn default() -> Self {
        let seen = Seen { under_way: HashMap::new(), stored: Expiring::new(KEPT) };
        Self { seen: Mutex::new(seen), hasher: RandomState::new() }
    }
}

/// What a key says about a send.
pub(super) enum KeyUse<'keys> {
    /// It is the first: send, then say how it went.
    First(FirstUse<'keys>),
    /// It was sent before, as this message.
    Stored(Accepted),
    /// The first send is not done.
    InProgress,
    /// The key came with another payload.
    Conflict,
}

/// What a key means when it comes with another payload than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OtherPayload {
    /// A mistake of the sender.
    Conflicts,
    /// The same message: the key alone says which one it is.
    IsDuplicate,
}

impl Keys {
    /// Looks a key up, and takes it if it is new. Keys are forgotten `window` after their first use, or
    /// earlier where others are too many.
    pub(super) fn claim(
        &self,
        key: &str,
        message: &Message,
        other: OtherPayload,
        window: Duration,
        now: Millis,
    ) -> KeyUse<'_> {
        let attributes: Vec<_> = message.attributes().iter().collect();
        let beside = (message.content_type().as_str(), attributes, message.group());
        let payload = self.hasher.hash_one((message.body(), beside));
        let conflicts = |used| other == OtherPayload::Conflicts && used != payload;
        let mut seen = self.seen();
        if let Some(used) = seen.under_way.get(key) {
            return if conflicts(*used) { KeyUse::Conflict } else { KeyUse::InProgress };
        }
        if let Some(used) = seen.stored.get(key, now) {
            return if conflicts(used.payload) {
                KeyUse::Conflict
            } else {
                KeyUse::Stored(used.message)
            };
        }
        seen.under_way.insert(key.into(), payload);
        KeyUse::First(FirstUse { keys: self, key: Some(key.into()), end: now.after(window) })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first send with a key. Dropped without a success, the key is free again.
pub(super) struct FirstUse<'keys> {
    keys: &'keys Keys,
    /// `None` once it was stored.
    key: Option<Box<str>>,
    end: Millis,
}

impl FirstUse<'_> {
    /// The message was stored.
    pub(super) fn stored(mut self, message: Accepted) {
        let Some(key) = self.key.take() else { return };
        let mut seen = self.keys.seen();
        if let Some(payload) = seen.under_way.remove(&key) {
            seen.stored.put(&key, Use { payload, message }, self.end);
        }
    }
}

impl Drop for FirstUse<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.keys.seen().under_way.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::OtherPayload::{Conflicts, IsDuplicate};
    use super::*;
    use crate::queue::MessageId;

    const WINDOW: Duration = Duration::from_secs(300);

    fn id(slot: u32) -> Accepted {
        Accepted { id: MessageId::from_parts(slot, 0), number: slot.into() }
    }

    #[test]
    fn a_key_stands_for_one_payload_until_its_window_ends() {
        let keys = Keys::default();
        let (message, other) = (Message::text("a"), Message::text("b"));
        let KeyUse::First(first) = keys.claim("k", &message, Conflicts, WINDOW, Millis(0)) else {
            panic!()
        };
        assert!(matches!(
            keys.claim("k", &message, Conflicts, WINDOW, Millis(1)),
            KeyUse::InProgress
        ));
        assert!(matches!(keys.claim("k", &other, Conflicts, WINDOW, Millis(1)), KeyUse::Conflict));
        first.stored(id(7));
        let KeyUse::Stored(stored) = keys.claim("k", &message, Conflicts, WINDOW, Millis(299_999))
        else {
            panic!()
        };
        assert_eq!(stored, id(7));
        assert!(matches!(
            keys.claim("k", &other, Conflicts, WINDOW, Millis(299_999)),
            KeyUse::Conflict
        ));
        assert!(matches!(
            keys.claim("k", &other, Conflicts, WINDOW, Millis(300_000)),
            KeyUse::First(_)
        ));
    }

    #[test]
    fn a_send_that_failed_leaves_its_key_free() {
        let keys = Keys::default();
        let message = Message::text("a");
        drop(keys.claim("k", &message, Conflicts, WINDOW, Millis(0)));
        let KeyUse::First(first) = keys.claim("k", &message, Conflicts, WINDOW, Millis(200_000))
        else {
            panic!()
        };
        first.stored(id(1));
        // The window of the use that failed is not that of this one.
        assert!(matches!(
            keys.claim("k", &message, Conflicts, WINDOW, Millis(400_000)),
            KeyUse::Stored(_)
        ));
    }

    #[test]
    fn a_key_alone_may_say_which_message_it_is() {
        let keys = Keys::default();
        let (message, other) = (Message::text("a"), Message::text("b"));
        let claim = |message, now| keys.claim("k", message, IsDuplicate, WINDOW, now);
        let KeyUse::First(first) = claim(&message, Millis(0)) else { panic!() };
        assert!(matches!(claim(&other, Millis(1)), KeyUse::InProgress));
        first.stored(id(7));
        assert!(matches!(claim(&other, Millis(299_999)), KeyUse::Stored(as_) if as_ == id(7)));
        assert!(matches!(claim(&other, Millis(300_000)), KeyUse::First(_)));
    }

    #[test]
    fn nothing_is_kept_of_sends_that_failed() {
        let keys = Keys::default();
        for n in 0..1000 {
            let message = Message::text("a");
            drop(keys.claim(&n.to_string(), &message, Conflicts, WINDOW, Millis(0)));
        }
        let seen = keys.seen();
        assert!(seen.under_way.is_empty() && seen.stored.is_empty());
    }

    #[test]
    fn a_key_is_taken_as_long_as_its_first_send_lasts() {
        let keys = Keys::default();
        let message = Message::text("a");
        let claim = |now| keys.claim("k", &message, Conflicts, WINDOW, now);
        let first = claim(Millis(0));
        assert!(matches!(claim(Millis(300_000)), KeyUse::InProgress));
        drop(first);
        assert!(matches!(claim(Millis(300_000)), KeyUse::First(_)));
    }
}
