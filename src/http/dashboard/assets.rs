//! The files of the page, as they lie in `assets/`, and the headers they are sent with.

use std::sync::OnceLock;

use actix_web::http::header::{
    self, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, EntityTag, Header as _,
    HeaderName, HeaderValue, IfNoneMatch, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use sha2::{Digest as _, Sha256};

use super::refuse_method;

/// Nothing but what lies beside the page: no inline script or style, no other host, no frame around
/// it, and no text that becomes markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
     trusted-types 'none'";

const SAME_ORIGIN: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// One file of the page.
pub(super) struct File {
    /// Its path behind `/ui/`.
    pub(super) name: &'static str,
    bytes: &'static [u8],
    /// Of its bytes; made when somebody first asks for it.
    tag: OnceLock<String>,
}

impl File {
    const fn new(name: &'static str, bytes: &'static [u8]) -> Self {
        Self { name, bytes, tag: OnceLock::new() }
    }

    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static(match self.name.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("txt") => "text/plain; charset=utf-8",
            _ => "text/html; charset=utf-8",
        })
    }

    fn tag(&self) -> EntityTag {
        let tag = self.tag.get_or_init(|| {
            let digest = Sha256::digest(self.bytes);
            base16ct::lower::encode_string(&digest[..12])
        });
        EntityTag::new_strong(tag.clone())
    }
}

macro_rules! files {
    ($($name:literal)*) => {
        [$(File::new($name, include_bytes!(concat!("assets/", $name)))),*]
    };
}

/// The page itself.
pub(super) static INDEX: File = File::new("index.html", include_bytes!("assets/index.html"));

/// What the page asks for.
pub(super) static FILES: [File; 19] = files! {
    "api.js" "app.js" "create.js" "dialogs.js" "dom.js" "figures.js" "format.js" "icon.svg" "messages.js"
    "overview.js" "plots.js" "queue.js" "settings.js" "store.js" "stream.js" "style.css" "theme.js"
    "vendor/uplot/uPlot.iife.min.js" "vendor/uplot/uPlot.min.css"
};

/// A file, or that it is still the one the browser has.
pub(super) fn asset(request: &HttpRequest, file: &'static File) -> HttpResponse {
    if let Some(refused) = refuse_method(request) {
        return refused;
    }
    let tag = file.tag();
    let unchanged = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(&tag)),
        Err(_) => false,
    };
    let mut answer = if unchanged { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer
        .insert_header((ETAG, tag))
        // Names do not change with the content, so a browser asks whether it has the newest.
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache")));
    guard(&mut answer);
    if unchanged {
        return answer.finish();
    }
    answer.insert_header((CONTENT_TYPE, file.content_type()));
    answer.body(Bytes::from_static(file.bytes))
}

/// Adds what tells a browser to be careful.
pub(super) fn guard(answer: &mut actix_web::HttpResponseBuilder) {
    answer
        .insert_header((CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)))
        .insert_header((X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .insert_header((REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
        .insert_header((SAME_ORIGIN, HeaderValue::from_static("same-origin")))
        .insert_header((header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")));
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// What the page may weigh with everything it asks for.
    const MOST_BYTES: usize = 150 * 1024;

    #[test]
    fn the_page_with_all_it_asks_for_is_light() {
        let bytes: usize = FILES.iter().chain([&INDEX]).map(|file| file.bytes.len()).sum();
        assert!(bytes <= MOST_BYTES, "{bytes} bytes are more than {MOST_BYTES}");
    }

    #[test]
    fn every_file_of_the_folder_is_served() {
        fn count(folder: &Path) -> usize {
            let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let served = |path: &Path| {
                let name = path.file_name().unwrap().to_str().unwrap();
                !matches!(name, "LICENSE" | "README.md" | "fetch")
            };
            entries
                .map(|path| if path.is_dir() { count(&path) } else { served(&path).into() })
                .sum()
        }

        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/dashboard/assets");
        assert_eq!(count(&folder), FILES.len() + 1);
    }

    #[test]
    fn the_page_has_no_inline_code_and_asks_no_other_host() {
        for file in FILES.iter().chain([&INDEX]).filter(|file| !file.name.starts_with("vendor/")) {
            let text = std::str::from_utf8(file.bytes).unwrap();
            for wrong in
                [" style=\"", " onclick=", "innerHTML", "insertAdjacentHTML", "<style", "eval("]
            {
                assert!(!text.contains(wrong), "{wrong} in {}", file.name);
            }
            for (at, _) in text.match_indices("://") {
                let around = &text[at.saturating_sub(5)..(at + 20).min(text.len())];
                assert!(text[at..].starts_with("://www.w3.org/"), "{around} in {}", file.name);
            }
        }
    }
}
