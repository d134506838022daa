//! Serving the document and the page that shows it.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION};
use actix_web::web::{self, ServiceConfig};
use utoipa::openapi::Required;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::schema::{Object, Schema, Type};

use super::{Answered, Endpoint, schema, tag};
use crate::http::answer::empty;
use crate::http::files::{File, if_it_looks, tight};

const DOCUMENT: &str = "/openapi.json";
const PAGE: &str = "/docs";

// In a static, because the tags are made once for all workers.
static FILES: [File; 4] = [
    File::new(DOCUMENT, || super::text().as_bytes()),
    File::new(PAGE, || tight!("page/index.html")),
    File::new("/docs/page.js", || tight!("page/page.js")),
    File::new("/docs/page.css", || tight!("page/page.css", "../common.css")),
];

/// Adds the routes of the document and its page to the application.
pub fn configure(config: &mut ServiceConfig) {
    for file in &FILES {
        config.route(file.path, web::to(async move |request| file.answer(&request)));
    }
    // Relative, so that it is right behind a proxy that puts a prefix before all paths.
    config.route(
        "/docs/",
        web::to(async |request| {
            let mut moved = empty(StatusCode::PERMANENT_REDIRECT);
            moved.headers_mut().insert(LOCATION, HeaderValue::from_static("../docs"));
            if_it_looks(&request, moved)
        }),
    );
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
    use crate::http::files::tests::assert_light_and_local;

    #[test]
    fn the_page_is_light_and_asks_no_other_host() {
        let page = FILES.iter().filter(|file| file.path.starts_with(PAGE));
        assert_light_and_local(page, 40 * 1024);
    }
}
