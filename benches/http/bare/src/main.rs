//! Two actix-web routes that answer a constant, with the settings and the sizes of ringmq's.
//!
//! `ringmq-bare PORT` listens on 127.0.0.1 with one worker.

use std::time::Duration;

use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::rt::System;
use actix_web::web::Bytes;
use actix_web::{App, HttpResponse, HttpServer, web};
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

const ENQUEUED: &str =
    "{\"message\":\"Successfully enqueued event\",\"event\":\"event 0123456789\"}\n";
const DEQUEUED: &str =
    "{\"message\":\"Successfully dequeued event\",\"event\":\"event 0123456789\"}\n";

async fn enqueue(_body: Bytes) -> HttpResponse {
    json(ENQUEUED)
}

async fn dequeue() -> HttpResponse {
    json(DEQUEUED)
}

fn json(body: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .body(body)
}

fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).expect("a port");
    System::new().block_on(async move {
        HttpServer::new(|| {
            App::new()
                .route("/enqueue", web::post().to(enqueue))
                .route("/dequeue", web::get().to(dequeue))
        })
        .workers(1)
        .keep_alive(Duration::from_secs(75))
        .client_disconnect_timeout(Duration::from_secs(3))
        .tcp_nodelay(true)
        .h1_allow_half_closed(false)
        .bind(("127.0.0.1", port))?
        .run()
        .await
    })
}
