//! What a request is called, so that a client's log and the server's can be read side by side.

use std::cell::Cell;
use std::hash::{BuildHasher as _, RandomState};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

/// The header with it, in requests and in answers.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The most characters a client's may have.
const LONGEST: usize = 128;

/// What the client calls its request: visible ASCII and not too long, or else it is as if it had said nothing.
/// A copy, as in [`Gist::of`](super::line::Gist::of).
#[inline]
pub(super) fn said(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = headers.get(&REQUEST_ID).filter(|id| is_well_formed(id.as_bytes()))?;
    HeaderValue::from_bytes(id.as_bytes()).ok()
}

fn is_well_formed(id: &[u8]) -> bool {
    (1..=LONGEST).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

/// Makes the names of one worker: chance once, then numbers, because who is refused a thousand times a second
/// is given a name each time.
pub(super) struct Names {
    worker: u64,
    next: Cell<u64>,
}

impl Names {
    pub(super) fn new() -> Self {
        Self { worker: RandomState::new().hash_one(0), next: Cell::new(0) }
    }

    /// A name that no other request has.
    pub(super) fn next(&self) -> HeaderValue {
        let number = self.next.get();
        self.next.set(number + 1);
        HeaderValue::try_from(format!("{:016x}{number:016x}", self.worker))
            .expect("digits may stand in a header")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_call_its_request_by_visible_ascii_of_128_characters_at_most() {
        for id in ["a", "0af7-65.19/16:cd=43", &"x".repeat(128)] {
            assert!(is_well_formed(id.as_bytes()), "{id}");
        }
        for id in ["", "a b", "a\tb", "é", "a\x7f", &"x".repeat(129)] {
            assert!(!is_well_formed(id.as_bytes()), "{id}");
        }
    }

    #[test]
    fn no_two_requests_have_one_name() {
        let (one, other) = (Names::new(), Names::new());
        let names = [one.next(), one.next(), other.next(), other.next()];
        for (place, name) in names.iter().enumerate() {
            assert_eq!(name.len(), 32);
            assert!(!names[..place].contains(name));
        }
    }
}
