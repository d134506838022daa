//! The pictures in the README: `cargo test --test browser -- --ignored screenshots`, and then
//! `pngquant --force --ext .png --quality 80-98 docs/*.png`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::page::{self, Page};
use crate::support::Server;

/// How many times ten seconds the traffic runs before the first picture, so that there is something to see.
const WARM_UP: u32 = 11;

/// Messages a second into a queue, how fast they are taken, and for how long a consumer keeps one.
const TRAFFIC: [(&str, u64, u64, Duration); 8] = [
    ("reminders", 3, 3, Duration::from_millis(50)),
    ("orders", 84, 82, Duration::from_millis(350)),
    ("emails", 31, 31, Duration::from_millis(900)),
    ("thumbnails", 12, 11, Duration::from_millis(2400)),
    ("invoices", 5, 5, Duration::from_millis(100)),
    ("audit-log", 140, 139, Duration::from_millis(20)),
    ("webhooks", 22, 20, Duration::from_millis(1200)),
    ("default", 2, 2, Duration::from_millis(10)),
];

#[test]
#[ignore = "takes two minutes and writes into docs/"]
fn screenshots() {
    let server = Server::start_with(&["--capacity", "5000", "--max-memory-bytes", "67108864"]);
    prepare(&server);
    let stop = Arc::new(AtomicBool::new(false));
    let addr = server.addr;
    let traffic: Vec<_> = TRAFFIC
        .iter()
        .map(|&(queue, rate_in, rate_out, hold)| {
            let stop = Arc::clone(&stop);
            thread::spawn(move || drive(addr, queue, rate_in, rate_out, hold, &stop))
        })
        .collect();

    let parked: Vec<_> = (0..6)
        .map(|_| {
            let stop = Arc::clone(&stop);
            thread::spawn(move || wait(addr, &stop))
        })
        .collect();

    page::run(async |page| {
        page.resize((1280, 900)).await;
        page.open(&server).await;
        page.devtools("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await;
        for _ in 0..WARM_UP {
            seconds(page, 10).await;
        }
        picture(page, "dashboard-light.png", (1280, 1000), false, 1).await;
        picture(page, "dashboard-dark.png", (1280, 1000), true, 1).await;
        page.go("#/queues/orders").await;
        page.click("#browse").await;
        page.until("document.querySelectorAll('.messages li').length > 3").await;
        page.js("document.querySelector('.messages summary').click(); scrollTo(0, 0); document.activeElement.blur()").await;
        picture(page, "queue.png", (1280, 1180), false, 1).await;
        page.js("location.hash = '#/'").await;
        page.until("document.querySelector('.list')").await;
        picture(page, "phone.png", (390, 844), true, 2).await;
    });
    stop.store(true, Ordering::Relaxed);
    traffic.into_iter().chain(parked).for_each(|thread| thread.join().unwrap());
}

async fn picture(page: &Page, name: &str, (width, height): (u32, u32), dark: bool, scale: u32) {
    page.prefer_dark(dark).await;
    let screen = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": scale > 1 });
    page.devtools("Emulation.setDeviceMetricsOverride", screen).await;
    if scale > 1 {
        page.js("document.querySelector('.list').scrollIntoView(); scrollBy(0, -260)").await;
    }
    seconds(page, 3).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    std::fs::create_dir_all(&folder).unwrap();
    page.screenshot(&folder.join(name)).await;
}

/// Lets the page go on for so long.
async fn seconds(page: &Page, seconds: u32) {
    page.js("window.since = performance.now()").await;
    page.until(&format!("performance.now() - window.since > {seconds}e3")).await;
}

fn prepare(server: &Server) {
    let mut client = server.client();
    for (queue, settings) in [
        ("orders-dead", json!({ "labels": { "team": "shop" } })),
        (
            "orders",
            json!({ "capacity": 2000, "dead_letter": "orders-dead", "max_receives": 3, "lease": "20s", "labels": { "team": "shop" } }),
        ),
        ("emails", json!({ "capacity": 1000, "retry_delay": "5s" })),
        ("thumbnails", json!({ "capacity": 300 })),
        ("invoices", json!({ "fifo": true })),
        ("audit-log", json!({ "capacity": 20_000 })),
        ("webhooks", json!({ "capacity": 160, "overflow": "drop_oldest" })),
        ("nightly-reports", json!({ "capacity": 500 })),
        ("search-index", json!({ "capacity": 64 })),
        ("notifications", json!({})),
        ("reminders", json!({ "delay": "30s" })),
    ] {
        client.call("PUT", &format!("/v1/queues/{queue}"), &[], settings.to_string());
    }
    for (queue, count) in
        [("nightly-reports", 212), ("search-index", 64), ("orders-dead", 7), ("orders", 240)]
    {
        for number in 0..count {
            client.call(
                "POST",
                &format!("/v1/queues/{queue}/messages"),
                &[("Content-Type", "application/json"), ("Queue-Attr-source", "checkout")],
                order(number),
            );
        }
    }
    client.post("/v1/queues/nightly-reports/pause", "");
}

fn order(number: u64) -> String {
    let items =
        json!([{ "sku": format!("RM-{:04}", number * 37 % 9973), "amount": number % 4 + 1 }]);
    json!({ "order": 48_000 + number, "customer": format!("c{}", number * 7919 % 99_991), "items": items, "total": format!("{}.{:02} EUR", 12 + number % 180, number * 13 % 100) }).to_string()
}

/// A consumer that waits for a message that never comes.
fn wait(addr: std::net::SocketAddr, stop: &AtomicBool) {
    let mut client = crate::support::Client::connect(addr);
    while !stop.load(Ordering::Relaxed) {
        client.post("/v1/queues/notifications/receive?wait=5", "");
    }
}

/// Sends and takes, each at its rate that goes up and down a little, until told to stop.
fn drive(
    addr: std::net::SocketAddr,
    queue: &str,
    rate_in: u64,
    rate_out: u64,
    hold: Duration,
    stop: &AtomicBool,
) {
    const STEP: Duration = Duration::from_millis(100);
    let mut client = crate::support::Client::connect(addr);
    let begun = Instant::now();
    let (mut sent, mut taken, mut number) = (0.0, 0.0, 0);
    let mut held = std::collections::VecDeque::new();
    while !stop.load(Ordering::Relaxed) {
        let seconds = begun.elapsed().as_secs_f64();
        let swing =
            |period: f64, part: f64| 1.0 + part * (seconds / period * std::f64::consts::TAU).sin();
        sent += rate_in as f64 * STEP.as_secs_f64() * swing(23.0, 0.3) * swing(7.0, 0.12);
        taken += rate_out as f64 * STEP.as_secs_f64() * swing(31.0, 0.3);
        while sent >= 1.0 {
            sent -= 1.0;
            number += 1;
            client.call(
                "POST",
                &format!("/v1/queues/{queue}/messages"),
                &[("Content-Type", "application/json"), ("Queue-Attr-source", "checkout")],
                order(1000 + number),
            );
        }
        let max = taken.floor();
        if max >= 1.0 {
            taken -= max;
            let answer = client.post(&format!("/v1/queues/{queue}/receive?max={max}"), "");
            for message in answer.json()["messages"].as_array().into_iter().flatten() {
                held.push_back((
                    Instant::now() + hold,
                    message["receipt"].as_str().unwrap().to_owned(),
                ));
            }
        }
        while held.front().is_some_and(|(due, _)| *due <= Instant::now()) {
            let (_, receipt) = held.pop_front().unwrap();
            // One in two hundred fails, and comes again.
            if number % 200 != 0 {
                client.request("DELETE", &format!("/v1/queues/{queue}/leases/{receipt}"));
            }
        }
        thread::sleep(STEP);
    }
}
