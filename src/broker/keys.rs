//! Idempotency keys: a send that is repeated with the same key is stored once.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::queue::{Accepted, Message, Millis};

/// The keys that a queue has seen lately. It takes a lock for a few instructions, and only sends
/// with a key come here.
#[derive(Default)]
pub(super) struct Keys {
    seen: Mutex<Seen>,
    hasher: RandomState,
}

#[derive(Default)]
struct Seen {
    keys: HashMap<Box<str>, Use>,
    /// In order of their end. A key of a send that failed may be gone from `keys` before, or have a
    /// later end there.
    ends: VecDeque<(Millis, Box<str>)>,
}

#[derive(Clone, Copy)]
struct Use {
    end: Millis,
    payload: u64,
    /// `None` while the first send is under way.
    stored: Option<Accepted>,
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
    /// Looks a key up, and takes it if it is new. Keys are forgotten `window` after their first use.
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
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((end, key)) = seen.ends.pop_front_if(|(end, _)| *end <= now) {
            if seen.keys.get(&key).is_some_and(|used| used.end == end) {
                seen.keys.remove(&key);
            }
        }
        match seen.keys.get(key) {
            Some(used) if other == OtherPayload::Conflicts && used.payload != payload => {
                KeyUse::Conflict
            }
            Some(Use { stored: Some(first), .. }) => KeyUse::Stored(*first),
            Some(_) => KeyUse::InProgress,
            None => {
                let key: Box<str> = key.into();
                let end = now.after(window);
                seen.keys.insert(key.clone(), Use { end, payload, stored: None });
                seen.ends.push_back((end, key.clone()));
                KeyUse::First(FirstUse { keys: self, key: Some(key) })
            }
        }
    }
}

/// The first send with a key. Dropped without a success, the key is free again.
pub(super) struct FirstUse<'keys> {
    keys: &'keys Keys,
    key: Option<Box<str>>,
}

impl FirstUse<'_> {
    /// The message was stored.
    pub(super) fn stored(mut self, as_message: Accepted) {
        let mut seen = self.keys.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(used) = self.key.take().and_then(|key| seen.keys.get_mut(&key)) {
            used.stored = Some(as_message);
        }
    }
}

impl Drop for FirstUse<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            let mut seen = self.keys.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.keys.remove(&key);
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
}
