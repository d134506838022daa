//! Serving the document and the page that shows it.

use std::sync::OnceLock;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, EntityTag, Header as _, HeaderValue, IfNoneMatch,
    LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use sha2::{Digest as _, Sha256};
use utoipa::openapi::Required;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::schema::{Object, Schema, Type};

use super::{Answered, Endpoint, schema, tag};
use crate::http::answer::{Answer, empty, typed, without_body};
use crate::http::problem::Problem;

/// Something that is always the same.
struct File {
    path: &'static str,
    content_type: HeaderValue,
    bytes: fn() -> &'static [u8],
    /// Of its bytes; made when somebody first asks for it.
    tag: OnceLock<EntityTag>,
}

impl File {
    const fn new(
        path: &'static str,
        content_type: &'static str,
        bytes: fn() -> &'static [u8],
    ) -> Self {
        let content_type = HeaderValue::from_static(content_type);
        Self { path, content_type, bytes, tag: OnceLock::new() }
    }

    fn tag(&self) -> &EntityTag {
        self.tag.get_or_init(|| {
            let digest = Sha256::digest((self.bytes)());
            EntityTag::new_strong(base16ct::lower::encode_string(&digest[..12]))
        })
    }
}

const DOCUMENT: &str = "/openapi.json";
const PAGE: &str = "/docs";

// In a static, because the tags are made once for all workers.
static FILES: [File; 4] = [
    File::new(DOCUMENT, "application/json", || super::text().as_bytes()),
    File::new(PAGE, "text/html; charset=utf-8", || include_bytes!("page/index.html")),
    File::new("/docs/page.js", "text/javascript; charset=utf-8", || include_bytes!("page/page.js")),
    File::new("/docs/page.css", "text/css; charset=utf-8", || include_bytes!("page/page.css")),
];

/// Nothing but what lies beside the page: no inline script or style, no other host, no frame around it,
/// and no text that becomes markup.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
     trusted-types 'none'",
);

/// Adds the routes of the document and its page to the application.
pub fn configure(config: &mut ServiceConfig) {
    for file in &FILES {
        config.route(
            file.path,
            web::to(async move |request| response(&request, file_or_not(&request, file))),
        );
    }
    // Relative, so that it is right behind a proxy that puts a prefix before all paths.
    config.route(
        "/docs/",
        web::to(async |request| {
            let mut moved = empty(StatusCode::PERMANENT_REDIRECT);
            moved.headers_mut().insert(LOCATION, HeaderValue::from_static("../docs"));
            response(&request, moved)
        }),
    );
}

/// The answer, if the method is one of those that only look.
fn response(request: &HttpRequest, answer: Answer) -> HttpResponse {
    let answer = match *request.method() {
        Method::GET => answer,
        Method::HEAD => without_body(answer),
        _ => Problem::method("GET, HEAD").answer(),
    };
    answer.map_into_boxed_body().into()
}

/// A file, or that it is still the one the client has.
fn file_or_not(request: &HttpRequest, file: &File) -> Answer {
    let unchanged = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(file.tag())),
        Err(_) => false,
    };
    let mut answer = if unchanged {
        empty(StatusCode::NOT_MODIFIED)
    } else {
        let bytes = Bytes::from_static((file.bytes)());
        typed(StatusCode::OK, file.content_type.clone(), bytes)
    };
    let headers = answer.headers_mut();
    let tag = HeaderValue::try_from(file.tag().to_string());
    headers.insert(ETAG, tag.expect("digits may stand in a header"));
    // Names do not change with the content, so a client asks whether it has the newest.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer
}

/// What the document says of itself and its page.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let tag = schema::text();
    let known = || schema::text();
    let found = |description: &str| {
        Answered::new(description).header(
            "ETag",
            tag.clone(),
            "Tells one version from another.",
            Required::True,
        )
    };
    let unchanged = || found("It is still the one that the client has.");
    let condition = "The `ETag` of the version that the client has.";
    vec![
        Endpoint::text(
            HttpMethod::Get,
            DOCUMENT,
            "getOpenApi",
            "This document\nOpenAPI 3.1, as JSON.",
        )
        .with_head()
        .tagged(tag::SERVER)
        .header("If-None-Match", known(), condition)
        .answers(
            StatusCode::OK,
            found("The document.")
                .content("application/json", Some(Object::with_type(Type::Object).into())),
        )
        .answers(StatusCode::NOT_MODIFIED, unchanged()),
        Endpoint::text(
            HttpMethod::Get,
            PAGE,
            "getDocs",
            "This document for people\nA page that shows it, and can send requests.",
        )
        .with_head()
        .tagged(tag::SERVER)
        .header("If-None-Match", known(), condition)
        .answers(
            StatusCode::OK,
            found("The page.").content("text/html", Some(Schema::from(schema::text()))),
        )
        .answers(StatusCode::NOT_MODIFIED, unchanged()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_light_and_asks_no_other_host() {
        let mut bytes = 0;
        for file in FILES.iter().filter(|file| file.path.starts_with(PAGE)) {
            let text = std::str::from_utf8((file.bytes)()).expect(file.path);
            bytes += text.len();
            for wrong in [
                "://",
                " style=\"",
                " onclick=",
                "innerHTML",
                "insertAdjacentHTML",
                "<style",
                "eval(",
            ] {
                assert!(!text.contains(wrong), "{wrong} in {}", file.path);
            }
        }
        assert!(bytes <= 40 * 1024, "{bytes} bytes");
    }
}
