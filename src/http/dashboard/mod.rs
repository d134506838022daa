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
use actix_web::http::Method;
use actix_web::http::header::{HeaderValue, LOCATION};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use self::assets::{INDEX, asset};
pub use self::hub::Hub;
use super::problem::Problem;

/// Adds the routes of the dashboard to the application; nothing, where there is none.
pub(super) fn configure(hub: Option<Arc<Hub>>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        let Some(hub) = hub else { return };
        config
            // Other methods than these are for the SQS face there, or for nobody.
            .service(web::resource("/").guard(Any(Get()).or(Head())).to(at_index))
            .route("/ui", web::to(at_index))
            .route("/ui/", web::to(async |request| asset(&request, &INDEX)))
            .route(
                "/ui/events",
                web::to(move |request| {
                    let answer = events::answer(&request, &hub);
                    async { answer }
                }),
            );
        for file in &assets::FILES {
            let path = format!("/ui/{}", file.name);
            config.route(&path, web::to(async move |request| asset(&request, file)));
        }
    }
}

/// Sends a browser to where the page is. The place is told relative to this one, so that it is right
/// behind a proxy that puts a prefix before all paths.
async fn at_index(request: HttpRequest) -> HttpResponse {
    refuse_method(&request).unwrap_or_else(|| {
        HttpResponse::Found().insert_header((LOCATION, HeaderValue::from_static("ui/"))).finish()
    })
}

/// The answer to a method that none of these paths has.
fn refuse_method(request: &HttpRequest) -> Option<HttpResponse> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let problem = Problem::method("GET, HEAD");
    Some(HttpResponse::from(problem.answer().map_into_boxed_body()))
}
