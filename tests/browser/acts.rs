//! What an operator does to a queue, and what is asked before.

use serde_json::json;
use thirtyfour::Key;

use crate::page::{DESKTOP, Page, test};
use crate::support::Server;

fn declare(server: &Server, queue: &str, settings: serde_json::Value) {
    let answer =
        server.client().call("PUT", &format!("/v1/queues/{queue}"), &[], settings.to_string());
    assert!(answer.status < 300, "{}", answer.text());
}

fn send(server: &Server, queue: &str, count: usize) {
    let mut client = server.client();
    for number in 0..count {
        client.post(&format!("/v1/queues/{queue}/messages"), format!("message {number}"));
    }
}

fn depth(server: &Server, queue: &str) -> u64 {
    let answer = server.client().get(&format!("/v1/queues/{queue}"));
    answer.json()["counts"]["depth"].as_u64().expect("a queue has a depth")
}

/// Shows a queue once the page has its messages.
async fn show(page: &Page, queue: &str, messages: usize) {
    page.go(&format!("#/queues/{queue}")).await;
    page.until(&format!("document.querySelector('.tile b').textContent === '{messages}'")).await;
}

const DIALOG_IS_GONE: &str = "!document.querySelector('dialog')";
const CONFIRM: &str = "dialog footer button:last-child";

#[test]
fn a_purge_needs_the_name_of_the_queue() {
    test(&[], DESKTOP, async |page, server| {
        send(server, "default", 3);
        show(page, "default", 3).await;
        page.click("#purge").await;
        page.until_text("dialog", "3 messages will be gone for good: 3 ready, 0 in flight").await;
        page.until(&format!("document.querySelector('{CONFIRM}').disabled")).await;
        page.fill("dialog input", "defaul").await;
        assert_eq!(
            page.js(&format!("return document.querySelector('{CONFIRM}').disabled")).await,
            true
        );
        page.press(Key::Enter + "").await;
        page.press(Key::Escape + "").await;
        page.until(DIALOG_IS_GONE).await;
        assert_eq!(page.js("return document.activeElement.id").await, "purge");
        assert_eq!(depth(server, "default"), 3);

        page.click("#purge").await;
        page.fill("dialog input", "default").await;
        page.click(CONFIRM).await;
        page.until_text(".toast", "3 messages purged").await;
        page.until("document.querySelector('.tile b').textContent === '0'").await;
        assert_eq!(depth(server, "default"), 0);
    });
}

#[test]
fn a_deletion_needs_the_name_of_the_queue() {
    test(&[], DESKTOP, async |page, server| {
        declare(server, "doomed", json!({}));
        send(server, "doomed", 1);
        show(page, "doomed", 1).await;
        page.click("#delete").await;
        page.until_text("dialog", "1 message in it will be gone").await;
        page.click("dialog footer button:first-child").await;
        page.until(DIALOG_IS_GONE).await;
        assert_eq!(depth(server, "doomed"), 1);

        page.click("#delete").await;
        page.fill("dialog input", "doomed").await;
        page.press(Key::Enter + "").await;
        page.until_text(".toast", "doomed deleted, with 1 message").await;
        page.until("!document.querySelector('[data-queue=doomed]') && document.querySelector('[data-queue=default]')").await;
        assert_eq!(server.client().get("/v1/queues/doomed").status, 404);
        page.go("#/queues/default").await;
        assert_eq!(page.js("return document.querySelector('#delete').disabled").await, true);
    });
}

#[test]
fn a_redrive_asks_where_to_and_how_many() {
    test(&[], DESKTOP, async |page, server| {
        declare(server, "target", json!({}));
        send(server, "default", 5);
        show(page, "default", 5).await;
        page.click("#redrive").await;
        page.until_text("dialog", "Up to 5 ready messages will be moved").await;
        page.press(Key::Escape + "").await;
        page.until(DIALOG_IS_GONE).await;
        assert_eq!((depth(server, "default"), depth(server, "target")), (5, 0));

        page.click("#redrive").await;
        page.fill("dialog [name=to]", "nowhere").await;
        page.click(CONFIRM).await;
        page.until_text("dialog .problem", "There is no queue of this name").await;
        page.fill("dialog [name=to]", "target").await;
        page.fill("dialog [name=max]", "2").await;
        page.click(CONFIRM).await;
        page.until_text(".toast", "2 messages moved").await;
        assert_eq!((depth(server, "default"), depth(server, "target")), (3, 2));
    });
}

#[test]
fn a_queue_is_shrunk_only_after_a_question_and_never_below_its_depth() {
    test(&[], DESKTOP, async |page, server| {
        declare(server, "wide", json!({ "capacity": 100 }));
        send(server, "wide", 4);
        show(page, "wide", 4).await;
        page.until("document.querySelector('[name=capacity]').value === '100'").await;
        page.fill("[name=capacity]", "10").await;
        page.click("#save").await;
        page.until_text("dialog", "from 100 to 10 messages; it holds 4 now").await;
        page.press(Key::Escape + "").await;
        page.until(DIALOG_IS_GONE).await;
        let capacity =
            || server.client().get("/v1/queues/wide").json()["settings"]["capacity"].clone();
        assert_eq!(capacity(), 100);

        page.click("#save").await;
        page.click(CONFIRM).await;
        page.until_text(".status", "Saved").await;
        page.until_text(".tile small", "of 10 ").await;
        assert_eq!(capacity(), 10);

        page.fill("[name=capacity]", "2").await;
        page.click("#save").await;
        page.click(CONFIRM).await;
        page.until("document.querySelector('dialog .problem').textContent.includes('more than 2 messages')").await;
        assert_eq!(capacity(), 10);
        page.press(Key::Escape + "").await;
        page.until(DIALOG_IS_GONE).await;

        // What the default is only the server knows, so this may be less.
        page.fill("[name=capacity]", " ").await;
        page.click("#save").await;
        page.until_text("dialog", "from 10 to what the server has by default; it holds 4 now")
            .await;
        page.click(CONFIRM).await;
        page.until("document.querySelector('[name=capacity]').value === '1024'").await;
        page.assert_had_no_complaint(&[409]).await;
    });
}

#[test]
fn settings_are_saved_and_what_the_server_refuses_is_said_at_the_field() {
    test(&[], DESKTOP, async |page, server| {
        show(page, "default", 0).await;
        page.until("document.querySelector('[name=lease]').value === '30s'").await;
        page.fill("[name=lease]", "45s").await;
        page.fill("[name=labels]", "team=shop").await;
        page.click("#save").await;
        page.until_text(".status", "Saved").await;
        let settings = server.client().get("/v1/queues/default").json()["settings"].take();
        assert_eq!(
            (&settings["lease"], &settings["labels"]["team"]),
            (&json!("45s"), &json!("shop"))
        );

        page.fill("[name=lease]", "90h").await;
        page.click("#save").await;
        page.until_text("[data-field=lease] .problem", "lease").await;
        assert_eq!(page.js("return document.activeElement.name").await, "lease");
        // What somebody else changes comes by itself, but not over what is being typed.
        declare(server, "default", json!({ "ttl": "90s" }));
        page.until(
            "document.querySelector('.fields:has([name=capacity]) [name=ttl]').value === '90s'",
        )
        .await;
        assert_eq!(page.js("return document.querySelector('[name=lease]').value").await, "90h");

        // What was saved is not being typed any more, though the server writes it in another way.
        page.fill("[name=lease]", "10m").await;
        page.fill("[name=ttl]", " ").await;
        page.fill("[name=delay]", " ").await;
        page.click("#save").await;
        page.until("document.querySelector('[name=lease]').value === '600s'").await;
        declare(server, "default", json!({ "ttl": "70s", "lease": "50s", "delay": "1s" }));
        for (name, value) in [("lease", "50s"), ("ttl", "70s"), ("delay", "1s")] {
            page.until(&format!("document.querySelector('.fields:has([name=capacity]) [name={name}]').value === '{value}'"))
                .await;
        }
        page.assert_had_no_complaint(&[422]).await;
    });
}

#[test]
fn a_queue_is_paused_after_a_question_and_resumed_without() {
    test(&[], DESKTOP, async |page, server| {
        show(page, "default", 0).await;
        let is_paused = || server.client().get("/v1/queues/default").json()["paused"].clone();
        page.click("#pause").await;
        page.until_text("dialog", "Receives find nothing until somebody resumes it").await;
        page.press(Key::Escape + "").await;
        page.until(DIALOG_IS_GONE).await;
        assert_eq!(is_paused(), false);
        page.click("#pause").await;
        page.click(CONFIRM).await;
        page.until_text(".badge", "paused").await;
        assert_eq!(is_paused(), true);
        page.until_text("#pause", "Resume").await;
        page.click("#pause").await;
        page.until("!document.querySelector('.badge.paused')").await;
        assert_eq!(is_paused(), false);
    });
}

#[test]
fn nobody_leaves_a_question_while_the_act_goes_on() {
    test(&[], DESKTOP, async |page, server| {
        show(page, "default", 0).await;
        page.js("const real = window.fetch; window.fetch = (...all) => new Promise((go) => { window.go = () => go(real(...all)); })")
            .await;
        page.click("#pause").await;
        page.click(CONFIRM).await;
        page.until("window.go && document.querySelector('dialog footer button').disabled").await;
        page.press(Key::Escape + "").await;
        page.press(Key::Escape + "").await;
        assert_eq!(page.js("return document.querySelector('dialog').open").await, true);
        page.js("window.go()").await;
        page.until(DIALOG_IS_GONE).await;
        assert_eq!(server.client().get("/v1/queues/default").json()["paused"], true);
    });
}

#[test]
fn a_message_is_sent_and_looked_at_and_is_never_markup() {
    let body = "<script>window.ran = true</script><img src=x onerror='window.ran = true'>";
    test(&[], DESKTOP, async |page, server| {
        show(page, "default", 0).await;
        page.fill("[name=body]", body).await;
        page.fill("[name=attributes]", "source=a test <b>\nplace=Zürich ✓").await;
        page.click("#send").await;
        page.until_text(".status", "Sent as").await;
        let list = server.client().get("/v1/queues/default/messages").json();
        assert_eq!(list["messages"][0]["body"], body);
        assert_eq!(list["messages"][0]["attributes"]["place"], "Zürich ✓");

        page.click("#browse").await;
        page.click(".messages summary").await;
        page.until(&format!(
            "document.querySelector('.messages pre').textContent === {}",
            json!(body)
        ))
        .await;
        page.until_text(".messages dd", "a test <b>").await;
        assert_eq!(page.js("return window.ran ?? null").await, json!(null));
        assert_eq!(
            page.js("return document.querySelectorAll('main img, main script').length").await,
            0
        );

        // JSON is set out to be read, and bytes that are no text are shown as such.
        let mut client = server.client();
        let json = r#"{"n":12345678901234567890,"f":1.0,"f":"x{ ,\"","e":[ ]}"#;
        client.post("/v1/queues/default/messages", json);
        let mut bytes = vec![0_u8, 255, b'R', b'M'];
        bytes.resize(70_000, 1);
        client.post("/v1/queues/default/messages", bytes);
        page.until("document.querySelector('.tile b').textContent === '3'").await;
        page.click("#browse").await;
        page.until("document.querySelectorAll('.messages li').length === 3").await;
        page.click(".messages li:nth-child(2) summary").await;
        let set_out = "{\n  \"n\": 12345678901234567890,\n  \"f\": 1.0,\n  \"f\": \"x{ ,\\\"\",\n  \"e\": []\n}";
        page.until(&format!(
            "document.querySelector('.messages li:nth-child(2) pre').textContent === {}",
            json!(set_out)
        ))
        .await;
        page.click(".messages li:nth-child(3) summary").await;
        page.until_text(".messages li:nth-child(3) pre", "000000  00 ff 52 4d").await;
        page.click(".messages li:nth-child(3) .content button").await;
        page.until_text(".messages li:nth-child(3) pre", "011160  01 01").await;

        page.fill("[name=delay]", "soon").await;
        page.click("#send").await;
        page.until_text("[data-field=delay] .problem", "delay").await;
    });
}

#[test]
fn a_queue_is_made_in_the_page() {
    test(&[], DESKTOP, async |page, server| {
        page.click("#create").await;
        page.fill("dialog [name=name]", "no/name").await;
        page.click(CONFIRM).await;
        page.until_text("dialog .problem", "1 to 80 letters").await;
        page.fill("dialog [name=name]", "fresh").await;
        page.fill("dialog [name=dead_letter]", "nowhere").await;
        page.click(CONFIRM).await;
        page.until_text("dialog [data-field=dead_letter] .problem", "nowhere").await;
        page.fill("dialog [name=dead_letter]", "default").await;
        page.fill("dialog [name=max_receives]", "3").await;
        page.press(Key::Enter + "").await;
        page.until_text("h1", "fresh").await;
        let settings = server.client().get("/v1/queues/fresh").json()["settings"].take();
        assert_eq!(
            (&settings["dead_letter"], &settings["max_receives"]),
            (&json!("default"), &json!(3))
        );

        // One that is there is not changed instead, though the page may not know of it.
        page.js(
            "return import('/ui/store.js').then(({ store }) => store.queues.delete('default'))",
        )
        .await;
        page.press("n").await;
        page.fill("dialog [name=name]", "default").await;
        page.fill("dialog [name=lease]", "77s").await;
        page.click(CONFIRM).await;
        page.until_text("dialog .problem", "There is a queue of this name").await;
        let lease = server.client().get("/v1/queues/default").json()["settings"]["lease"].take();
        assert_eq!(lease, "30s");
        page.assert_had_no_complaint(&[422]).await;
    });
}
