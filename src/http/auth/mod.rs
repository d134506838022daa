//! Who may ask: bearer tokens with roles on queues, and pages of other origins, which may not.
//!
//! A request is checked before its body is read; one of the SQS face knows then who asks, and behind the body, of
//! which a signature is too, what for. What needs which role is one table, `access`; which roles a token
//! has is said in a file or a variable ([`read`](Tokens::read)). A request that has begun is
//! carried out, also if its token goes meanwhile.

pub(super) mod access;
mod origin;
mod pattern;
mod read;
mod tokens;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpMessage as _, Request};
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use arc_swap::ArcSwap;

use self::access::Need;
pub use self::read::InvalidTokens;
use self::tokens::Token;
pub use self::tokens::{Role, Tokens};
use super::problem::Problem;

/// As much of the body of a refused request is read, so that its connection can be used again: whoever is
/// not known fills no memory.
pub(super) const REFUSED_BODY: usize = 64 << 10;

/// The tokens of a server, which can be replaced while it runs.
pub struct Auth(ArcSwap<Tokens>);

impl Auth {
    /// With these tokens.
    pub fn new(tokens: Tokens) -> Self {
        Self(ArcSwap::from_pointee(tokens))
    }

    /// From now on these count, and no others.
    pub fn replace(&self, tokens: Tokens) {
        self.0.store(Arc::new(tokens));
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Auth").field(&*self.0.load()).finish()
    }
}

/// What stands before every request of a worker.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Whose tokens may do what; everybody may do everything if `None`.
    pub auth: Option<Arc<Auth>>,
    /// How long a body may take in which hardly anything comes.
    pub body_timeout: Duration,
}

impl Guard {
    /// Why a request is refused, whatever its body is; or who asks, where more than its path says may be
    /// asked for. The SQS face looks for itself: its requests may be signed.
    pub(super) fn check(&self, request: &Request, is_sqs: bool) -> Result<Caller, Problem> {
        if origin::is_foreign(request, is_sqs) {
            return Err(Problem::cross_origin());
        }
        match &self.auth {
            Some(_) if is_sqs => Ok(Caller::Nobody),
            Some(auth) => auth.check(request),
            None => Ok(Caller::Anyone),
        }
    }
}

/// Who asks.
pub(super) enum Caller {
    /// There are no tokens, or this is somebody who may do everything.
    Anyone,
    /// Somebody who is not known.
    Nobody,
    /// Who has one of the tokens.
    Holder(Arc<Tokens>, usize),
}

impl Caller {
    /// Whether this role was given on a queue.
    pub(super) fn has(&self, role: Role, queue: &str) -> bool {
        self.holds(|token| token.has(role, queue))
    }

    /// Whether any role was.
    pub(super) fn sees(&self, queue: &str) -> bool {
        self.holds(|token| token.sees(queue))
    }

    fn holds(&self, what: impl Fn(&Token) -> bool) -> bool {
        match self {
            Self::Anyone => true,
            Self::Nobody => false,
            Self::Holder(tokens, place) => what(tokens.at(*place)),
        }
    }
}

impl Auth {
    /// Who has this token.
    pub(super) fn bearer(&self, token: &str) -> Caller {
        let tokens = self.0.load_full();
        match tokens.find(token) {
            Some(place) => Caller::Holder(tokens, place),
            None => Caller::Nobody,
        }
    }

    /// Who has the token of this name, and the token itself, where it is known.
    pub(super) fn signer(&self, name: &str) -> Option<(Caller, String)> {
        let tokens = self.0.load_full();
        let (place, token) = tokens.signer(name)?;
        let token = token.to_owned();
        Some((Caller::Holder(tokens, place), token))
    }

    fn check(&self, request: &Request) -> Result<Caller, Problem> {
        let need = access::need(request.method(), request.path());
        if matches!(need, Need::Nothing) {
            return Ok(Caller::Nobody);
        }
        let given = match Given::of(request.headers()) {
            Given::Token(given) => given,
            Given::Nothing => {
                return Err(Problem::unauthorized("a bearer token is needed", false));
            }
            Given::Twice => {
                return Err(Problem::unauthorized("`Authorization` is given twice", true));
            }
            Given::Other => {
                let detail = "`Authorization` must be `Bearer`, a blank and the token";
                return Err(Problem::unauthorized(detail, true));
            }
        };
        let tokens = self.0.load();
        let Some(place) = tokens.find(given) else {
            return Err(Problem::unauthorized("the bearer token is not known", true));
        };
        let token = tokens.at(place);
        match &need {
            Need::Role(role, queue) if !token.has(*role, queue) => {
                return Err(Problem::forbidden(role.as_str(), queue));
            }
            Need::Sight(queue) if !token.sees(queue) => {
                return Err(Problem::forbidden(Role::Monitor.as_str(), queue));
            }
            Need::Everywhere(role) if !token.has_everywhere(*role) => {
                return Err(Problem::forbidden(role.as_str(), "*"));
            }
            _ => {}
        }
        Ok(match need {
            // A list tells of several queues, and settings may name a further one.
            Need::Token | Need::Role(Role::Admin, _) => Caller::Holder(Arc::clone(&tokens), place),
            // All others get by without the count that all workers share.
            _ => Caller::Nobody,
        })
    }
}

/// What a request says of who sends it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Given<'request> {
    Nothing,
    Token(&'request str),
    /// Another scheme, or no token behind it.
    Other,
    Twice,
}

impl<'request> Given<'request> {
    pub(super) fn of(headers: &'request HeaderMap) -> Self {
        let mut values = headers.get_all(AUTHORIZATION);
        let Some(value) = values.next() else { return Self::Nothing };
        if values.next().is_some() {
            return Self::Twice;
        }
        let token = value.to_str().ok().and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            let token = token.trim_matches(' ');
            (scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty()).then_some(token)
        });
        token.map_or(Self::Other, Self::Token)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn a_token_stands_behind_its_scheme() {
        let given = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            match Given::of(&headers) {
                Given::Token(token) => Some(token.to_owned()),
                _ => None,
            }
        };
        for value in ["Bearer abc", "bearer abc", "BEARER   abc "] {
            assert_eq!(given(value).as_deref(), Some("abc"), "{value}");
        }
        for value in ["", "Bearer", "Bearer ", "Basic abc", "abc", "Bearerabc", " Bearer abc"] {
            assert_eq!(given(value), None, "{value}");
        }
        assert_eq!(Given::of(&HeaderMap::new()), Given::Nothing);
    }
}
