//! actix-web routes that answer constants, with the settings and the sizes of ringmq's: those of the
//! classic face, and send, receive and acknowledge of the v1 face and of the SQS face. They read the
//! request's body and look at nothing else (the SQS one: at the action, for the size of its answer).
//!
//! `ringmq-bare PORT` listens on 127.0.0.1 with one worker.

use std::sync::LazyLock;
use std::time::Duration;

use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::rt::System;
use actix_web::web::Bytes;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
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

async fn send_batch(_body: Bytes) -> HttpResponse {
    static SENT: LazyLock<Bytes> = LazyLock::new(|| {
        let one = r#"{"status":201,"id":"0000000000000000cd89919db8b00186"}"#;
        format!("{{\"results\":[{}]}}\n", [one; BATCH].join(",")).into()
    });
    whole(&SENT)
}

async fn receive(request: HttpRequest, _body: Bytes) -> HttpResponse {
    static RECEIVED: LazyLock<Bytes> = LazyLock::new(|| {
        let one = format!(
            "{{\"id\":\"0000000000000000cd89919db8b00186\",\"receive_count\":1,\"age_ms\":12,\
             \"content_type\":\"text/plain; charset=utf-8\",\"body\":\"{MESSAGE}\"}}"
        );
        format!("{{\"messages\":[{}]}}\n", vec![one; BATCH].join(",")).into()
    });
    if request.query_string().starts_with("max=100&") {
        return whole(&RECEIVED);
    }
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")))
        .body(MESSAGE)
}

/// Messages of a batch.
const BATCH: usize = 100;

const SQS_SENT: &str = r#"{"MessageId":"00000000-0000-0000-cd89-919db8b00186","MD5OfMessageBody":"7fa8282ad93047a4d6fe6111c93b308a"}"#;
const SQS_RECEIVED: &str = r#"{"Messages":[{"MessageId":"00000000-0000-0000-cd89-919db8b00186","ReceiptHandle":"000000000000000000011f7aeb1f4d2cfb5d","MD5OfBody":"7fa8282ad93047a4d6fe6111c93b308a","Body":"event 0123456789 event 0123456789 event 0123456789 event 012"}]}"#;

async fn sqs(request: HttpRequest, _body: Bytes) -> HttpResponse {
    let answer = match request.headers().get("x-amz-target").map(HeaderValue::as_bytes) {
        Some(b"AmazonSQS.SendMessage") => SQS_SENT,
        Some(b"AmazonSQS.ReceiveMessage") => SQS_RECEIVED,
        _ => "{}",
    };
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0")))
        .body(answer)
}

fn whole(body: &Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .body(body.clone())
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
                .route("/v1/queues/bench/messages/batch", web::post().to(send_batch))
                .route("/v1/queues/bench/receive", web::post().to(receive))
                .route("/v1/queues/bench/leases/{receipt}", web::delete().to(acknowledge))
                .route("/", web::post().to(sqs))
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
