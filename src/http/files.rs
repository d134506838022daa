//! Files that are part of the binary: the dashboard, and the document of the API with its page. The
//! headers they are sent with are the same for all.

use std::sync::OnceLock;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, EntityTag, Header as _, HeaderMap, HeaderName,
    HeaderValue, IfNoneMatch, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use sha2::{Digest as _, Sha256};

use super::answer::{Answer, empty, typed, without_body};
use super::problem::Problem;

/// Nothing but what lies beside the page: no inline script or style, no other host, no frame around
/// it, and no text that becomes markup.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'",
);

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Something that is always the same.
pub(super) struct File {
    /// Its path on the server.
    pub(super) path: &'static str,
    /// What it is.
    pub(super) bytes: fn() -> &'static [u8],
    /// Of its bytes; made when somebody first asks for it.
    tag: OnceLock<EntityTag>,
}

impl File {
    pub(super) const fn new(path: &'static str, bytes: fn() -> &'static [u8]) -> Self {
        Self { path, bytes, tag: OnceLock::new() }
    }

    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static(match self.path.rsplit_once('.') {
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            Some((_, "json")) => "application/json",
            _ => "text/html; charset=utf-8",
        })
    }

    fn tag(&self) -> &EntityTag {
        self.tag.get_or_init(|| {
            let digest = Sha256::digest((self.bytes)());
            EntityTag::new_strong(base16ct::lower::encode_string(&digest[..12]))
        })
    }

    /// The file, or that it is still the one the client has.
    pub(super) fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let unchanged = match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Any) => true,
            Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(self.tag())),
            Err(_) => false,
        };
        let mut answer = if unchanged {
            empty(StatusCode::NOT_MODIFIED)
        } else {
            let bytes = Bytes::from_static((self.bytes)());
            typed(StatusCode::OK, self.content_type(), bytes)
        };
        let headers = answer.headers_mut();
        let tag = HeaderValue::try_from(self.tag().to_string());
        headers.insert(ETAG, tag.expect("digits may stand in a header"));
        // Names do not change with the content, so a client asks whether it has the newest.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        guard(headers);
        if_it_looks(request, answer)
    }
}

/// Adds what tells a browser to be careful.
pub(super) fn guard(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
}

/// The answer, if the method is one of those that only look.
pub(super) fn if_it_looks(request: &HttpRequest, answer: Answer) -> HttpResponse {
    let answer = match *request.method() {
        Method::GET => answer,
        Method::HEAD => without_body(answer),
        _ => Problem::method("GET, HEAD").answer(),
    };
    answer.map_into_boxed_body().into()
}

/// A file of the source tree, or several as one, each of which ends with its line, without what only their
/// readers need; see [`tighten`].
macro_rules! tight {
    ($($file:expr),+) => {{
        const SOURCE: &[u8] = concat!($(include_str!($file)),+).as_bytes();
        const TIGHT: ([u8; SOURCE.len()], usize) = $crate::http::files::tighten(SOURCE);
        static BYTES: [u8; TIGHT.1] = match TIGHT.0.first_chunk() {
            Some(bytes) => *bytes,
            None => panic!("it is not longer than it was"),
        };
        &BYTES
    }};
}
pub(super) use tight;

/// Takes away indentation, and comments that have lines of their own. The lines stay, so that a browser
/// tells of an error by its line in the (first) file.
pub(super) const fn tighten<const SIZE: usize>(source: &[u8]) -> ([u8; SIZE], usize) {
    let mut tight = [0; SIZE];
    let (mut at, mut written, mut in_comment) = (0, 0, false);
    while at < source.len() {
        while at < source.len() && source[at] == b' ' {
            at += 1;
        }
        let start = at;
        while at < source.len() && source[at] != b'\n' {
            at += 1;
        }
        let (is_pair, end) = (at - start >= 2, at);
        let in_line = is_pair && source[start] == b'/' && source[start + 1] == b'/';
        in_comment |= is_pair && source[start] == b'/' && source[start + 1] == b'*';
        let mut copied = if in_comment || in_line { end } else { start };
        while copied < end {
            tight[written] = source[copied];
            (written, copied) = (written + 1, copied + 1);
        }
        in_comment &= !(is_pair && source[end - 2] == b'*' && source[end - 1] == b'/');
        if at < source.len() {
            tight[written] = b'\n';
            (written, at) = (written + 1, at + 1);
        }
    }
    (tight, written)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// That these files weigh no more than that, hold no inline code and ask no other host.
    pub(in crate::http) fn assert_light_and_local<'f>(
        files: impl Iterator<Item = &'f File>,
        most_bytes: usize,
    ) {
        let mut bytes = 0;
        for file in files {
            let text = std::str::from_utf8((file.bytes)()).expect(file.path);
            bytes += text.len();
            if file.path.contains("/vendor/") {
                continue;
            }
            for wrong in
                [" style=\"", " onclick=", "innerHTML", "insertAdjacentHTML", "<style", "eval("]
            {
                assert!(!text.contains(wrong), "{wrong} in {}", file.path);
            }
            for (at, _) in text.match_indices("://") {
                assert!(text[at..].starts_with("://www.w3.org/"), "{at} in {}", file.path);
            }
        }
        assert!(bytes <= most_bytes, "{bytes} bytes are more than {most_bytes}");
    }

    #[test]
    fn comments_and_indentation_are_taken_away_and_lines_stay() {
        let source =
            "// one\na\n  /** two\n   * three\n   */\n  b; // four\n    /* five */\n*, c {\n}\n";
        let (tight, size) = tighten::<256>(source.as_bytes());
        assert_eq!(str::from_utf8(&tight[..size]).unwrap(), "\na\n\n\n\nb; // four\n\n*, c {\n}\n");
    }
}
