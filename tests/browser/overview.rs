//! All queues at a glance.

use serde_json::json;

use crate::page::{DESKTOP, test};

const SEND: &str = "/v1/queues/default/messages";

/// What is drawn in the first plot.
const DRAWN: &str = "document.querySelector('.plot canvas').toDataURL()";

#[test]
fn the_plots_draw_and_go_on() {
    test(&[], DESKTOP, async |page, server| {
        let mut client = server.client();
        page.until("document.querySelectorAll('.plot canvas').length === 3").await;
        client.post(SEND, "one");
        let drawn = page.until(DRAWN).await;
        page.until(&format!("{DRAWN} !== {drawn}")).await;
        let line = "document.querySelector('.spark .line').getAttribute('d')";
        let before = page.until(line).await;
        client.post(SEND, "two");
        page.until(&format!("{line} !== {before}")).await;
    });
}

#[test]
fn a_send_appears_without_a_reload() {
    test(&[], DESKTOP, async |page, server| {
        page.js("window.loaded = 'once'").await;
        page.until_text(".first", "Nothing was sent yet").await;
        server.client().post(SEND, "hello");
        page.until_text("[data-queue=default] .col-depth", "1 / 1,024").await;
        page.until("document.querySelector('.first').hidden").await;
        server.client().post("/v1/queues/default/receive?lease=60", "");
        page.until_text("[data-queue=default] .col-in_flight", "1").await;
        assert_eq!(page.js("return window.loaded").await, "once");
    });
}

#[test]
fn queues_are_made_filtered_sorted_and_told_apart() {
    test(&[], DESKTOP, async |page, server| {
        let mut client = server.client();
        for (name, capacity, messages) in [("small", 2, 2), ("large", 100, 3), ("idle", 5, 0)] {
            let settings = json!({ "capacity": capacity }).to_string();
            client.call("PUT", &format!("/v1/queues/{name}"), &[], settings);
            for _ in 0..messages {
                client.post(&format!("/v1/queues/{name}/messages"), "m");
            }
        }
        client.post("/v1/queues/idle/pause", "");
        page.until_text("[data-queue=small] .badge", "full").await;
        page.until_text("[data-queue=idle] .badge", "paused").await;
        page.until_text(".banner", "The queue small is full").await;
        page.until_text(".summary", "4 · 1 paused · 1 full").await;

        let names = "[...document.querySelectorAll('tbody a')].map((it) => it.textContent).join()";
        page.until(&format!("{names} === 'default,idle,large,small'")).await;
        page.click("thead .col-depth button").await;
        page.until(&format!("{names} === 'large,small,default,idle'")).await;
        page.click("thead .col-name button").await;
        page.fill("#filter", "D").await;
        page.until(&format!("{names} === 'default,idle'")).await;
        page.fill("#filter", "lar").await;
        page.until(&format!("{names} === 'large'")).await;
        page.fill("#filter", "nothing").await;
        page.until_text(".none", "No queue has “nothing” in its name").await;
        page.fill("#filter", " ").await;

        // What is counted in all does not fall with a queue.
        page.until_text(".tile small", "5 in all").await;
        client.request("DELETE", "/v1/queues/large");
        page.until("!document.querySelector('[data-queue=large]')").await;
        page.until_text(".tile:first-child b", "2").await;
        page.until_text(".tile:nth-child(2) small", "5 in all").await;

        page.js("location.hash = '#/queues/%'").await;
        page.until("document.title === 'Queues · ringmq' && document.querySelector('.list')").await;
    });
}

#[test]
fn a_thousand_queues_are_shown_as_a_hundred_and_all_are_found() {
    test(&[], DESKTOP, async |page, server| {
        let mut client = server.client();
        for number in 0..1000 {
            client.call("PUT", &format!("/v1/queues/queue-{number:04}"), &[], "{}");
        }
        page.until_text(".summary", "1,001").await;
        page.until("document.querySelectorAll('tbody tr').length === 100").await;
        page.click(".more").await;
        page.until("document.querySelectorAll('tbody tr').length === 200").await;
        page.fill("#filter", "0777").await;
        client.post("/v1/queues/queue-0777/messages", "here");
        page.until_text("[data-queue=queue-0777] .col-depth", "1 / 1,024").await;
        assert_eq!(page.js("return document.querySelectorAll('tbody tr').length").await, 1);
        page.click("[data-queue=queue-0777] a").await;
        page.until_text("h1", "queue-0777").await;
    });
}
