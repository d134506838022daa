//! actix-web routes that answer constants, with the settings and the sizes of ringmq's: those of the
//! classic face, and send, receive and acknowledge of the v1 face. They read the request's body and
//! look at nothing else.
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

const ID: &str = "{\"id\":\"0000000000000000cd89919db8b00186\"}\n";
const MESSAGE: &str = "event 0123456789 event 0123456789 event 0123456789 event 012";

async fn enqueue(_body: Bytes) -> HttpResponse {
    json(ENQUEUED)
}

async fn dequeue() -> HttpResponse {
    json(DEQUEUED)
}

async fn send(_body: Bytes) -> HttpResponse {
    HttpResponse::Created()
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .body(ID)
}

async fn receive(_body: Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")))
        .body(MESSAGE)
}

async fn acknowledge() -> HttpResponse {
    HttpResponse::NoContent().finish()
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
                .route("/v1/queues/bench/messages", web::post().to(send))
                .route("/v1/queues/bench/receive", web::post().to(receive))
                .route("/v1/queues/bench/leases/{receipt}", web::delete().to(acknowledge))
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
