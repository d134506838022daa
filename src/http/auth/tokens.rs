//! Tokens and what they are good for.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use super::pattern::Pattern;

/// What the holder of a token may do with a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Put messages in.
    Send,
    /// Receive, look at, acknowledge and release messages.
    Receive,
    /// See settings and figures.
    Monitor,
    /// All of that; make, change, purge, pause, redrive and delete it.
    Admin,
}

impl Role {
    pub(super) const ALL: [Self; 4] = [Self::Send, Self::Receive, Self::Monitor, Self::Admin];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Monitor => "monitor",
            Self::Admin => "admin",
        }
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// Tokens, as a file or a variable says them.
#[derive(Default)]
pub struct Tokens(pub(super) Vec<Token>);

/// One of them.
pub(super) struct Token {
    pub(super) name: String,
    pub(super) digest: [u8; 32],
    /// The token itself, if it was said: SQS clients sign with it.
    pub(super) plain: Option<String>,
    pub(super) grants: Vec<(Role, Pattern)>,
}

impl Tokens {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The place of a token. How long it takes says nothing but how many there are.
    pub(super) fn find(&self, token: &str) -> Option<usize> {
        let digest = digest(token);
        let (mut found, mut place) = (Choice::from(0), 0);
        for (own, entry) in (0_u32..).zip(&self.0) {
            let same = entry.digest.ct_eq(&digest);
            place.conditional_assign(&own, same);
            found |= same;
        }
        bool::from(found).then_some(place as usize)
    }

    pub(super) fn at(&self, place: usize) -> &Token {
        &self.0[place]
    }

    /// The place of this name, and the token itself, where that was said.
    pub(super) fn signer(&self, name: &str) -> Option<(usize, &str)> {
        let place = self.0.iter().position(|entry| entry.name == name)?;
        Some((place, self.0[place].plain.as_deref()?))
    }
}

pub(super) fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

impl Token {
    /// Whether this role, or admin, was given on a queue.
    pub(super) fn has(&self, role: Role, queue: &str) -> bool {
        self.grants
            .iter()
            .any(|(own, pattern)| (*own == role || *own == Role::Admin) && pattern.matches(queue))
    }

    /// Whether any role was given on a queue: who works with it may know how it is.
    pub(super) fn sees(&self, queue: &str) -> bool {
        self.grants.iter().any(|(_, pattern)| pattern.matches(queue))
    }

    /// Whether this role, or admin, was given on all queues at once.
    pub(super) fn has_everywhere(&self, role: Role) -> bool {
        self.grants
            .iter()
            .any(|(own, pattern)| (*own == role || *own == Role::Admin) && pattern.is_all())
    }
}

/// Names only.
impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|token| &token.name)).finish()
    }
}

/// The name, and what it is good for.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("name", &self.name)
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        Tokens::read(
            "[tokens.a]\ntoken = \"aaaaaaaaaaaaaaaa\"\nsend = [\"q\"]\n\
             [tokens.b]\ntoken = \"bbbbbbbbbbbbbbbb\"\nadmin = [\"r.*\"]\nmonitor = [\"*\"]\n",
        )
        .unwrap()
    }

    fn named<'tokens>(tokens: &'tokens Tokens, token: &str) -> Option<&'tokens str> {
        tokens.find(token).map(|place| &*tokens.at(place).name)
    }

    #[test]
    fn a_token_is_found_as_a_whole() {
        let tokens = tokens();
        assert_eq!(named(&tokens, "aaaaaaaaaaaaaaaa"), Some("a"));
        assert_eq!(named(&tokens, "bbbbbbbbbbbbbbbb"), Some("b"));
        for other in ["", "aaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaa", "a", "AAAAAAAAAAAAAAAA"] {
            assert!(tokens.find(other).is_none(), "{other}");
        }
        assert!(Tokens::default().find("aaaaaaaaaaaaaaaa").is_none());
    }

    #[test]
    fn a_role_counts_on_its_queues_and_admin_is_every_role() {
        let tokens = tokens();
        let a = tokens.at(tokens.find("aaaaaaaaaaaaaaaa").unwrap());
        assert!(a.has(Role::Send, "q") && a.sees("q"));
        for role in [Role::Receive, Role::Monitor, Role::Admin] {
            assert!(!a.has(role, "q"), "{role:?}");
        }
        assert!(!a.has(Role::Send, "r") && !a.sees("r"));
        let b = tokens.at(tokens.find("bbbbbbbbbbbbbbbb").unwrap());
        for role in Role::ALL {
            assert!(b.has(role, "r.1"), "{role:?}");
        }
        assert!(b.has(Role::Monitor, "q") && !b.has(Role::Send, "q"));
        assert!(b.has_everywhere(Role::Monitor) && !b.has_everywhere(Role::Admin));
    }

    #[test]
    fn nothing_secret_is_in_what_is_shown() {
        let tokens = tokens();
        let shown = format!("{tokens:?} {:?}", tokens.0);
        assert!(shown.contains("\"a\"") && !shown.contains("aaaa"), "{shown}");
        assert!(!shown.contains(&base16ct::lower::encode_string(&digest("aaaaaaaaaaaaaaaa"))));
    }
}
