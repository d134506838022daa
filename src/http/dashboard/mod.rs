//! The dashboard: a page that shows what the queues do, and lets an operator act on them.
//!
//! The page is a handful of files, written by hand and part of the binary; it asks nobody but this server
//! (a Content-Security-Policy says so), acts through the v1 API alone, and learns of every figure from
//! one stream of events (`events`).

mod assets;
mod changes;
mod events;
mod hub;

use std::sync::Arc;

use actix_web::guard::{Any, Get, Head};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use self::assets::INDEX;
pub use self::hub::Hub;
use super::answer::empty;
use super::files::if_it_looks;

/// Adds the routes of the dashboard to the application; nothing, where there is none.
pub(super) fn configure(hub: Option<Arc<Hub>>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        let Some(hub) = hub else { return };
        config
            // Other methods than these are for the SQS face there, or for nobody.
            .service(web::resource("/").guard(Any(Get()).or(Head())).to(at_index))
            .route("/ui", web::to(at_index))
            .route("/ui/", web::to(async |request| INDEX.answer(&request)))
            .route(
                "/ui/events",
                web::to(move |request| {
                    let answer = events::answer(&request, &hub);
                    async { answer }
                }),
            );
        for file in &assets::FILES {
            config.route(file.path, web::to(async move |request| file.answer(&request)));
        }
    }
}

/// Sends a browser to where the page is. The place is told relative to this one, so that it is right
/// behind a proxy that puts a prefix before all paths.
async fn at_index(request: HttpRequest) -> HttpResponse {
    let mut moved = empty(StatusCode::FOUND);
    moved.headers_mut().insert(LOCATION, HeaderValue::from_static("ui/"));
    if_it_looks(&request, moved)
}
