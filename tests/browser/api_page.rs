//! The page of the API: operations are found, read and tried.

use serde_json::Value;

use crate::page::{DESKTOP, Page, run};
use crate::support::Server;

const DEPTH: &str = "/v1/queues/default";

/// Shows the page of a server of its own, and runs a test with both.
fn test(test: impl AsyncFnOnce(&Page, &Server)) {
    let server = Server::start_with(&[]);
    run(async |page| {
        page.resize(DESKTOP).await;
        page.visit_path(&server, "/docs").await;
        page.until("document.querySelectorAll('.op').length > 10").await;
        test(page, &server).await;
        page.assert_had_no_complaint(&[]).await;
    });
}

fn depth(server: &Server) -> Value {
    server.client().get(DEPTH).json()["counts"]["depth"].clone()
}

#[test]
fn an_operation_is_found_and_tried() {
    test(async |page, server| {
        page.fill("#find", "send a message").await;
        page.until("!document.querySelector('#purgeQueue').checkVisibility()").await;
        page.click("#index a[href='#sendMessage']").await;
        page.until_text("#sendMessage h4", "Answers").await;
        page.fill("#sendMessage-queue", "default").await;
        page.fill("#sendMessage-body", "by hand").await;
        page.until_text("#sendMessage .copy pre", "--data-binary 'by hand'").await;
        page.click("#sendMessage [type=submit]").await;
        page.until_text("#sendMessage output", "201").await;
        assert_eq!(depth(server), 1);
    });
}

#[test]
fn what_takes_messages_away_asks_first() {
    test(async |page, server| {
        server.client().post("/v1/queues/default/messages", "precious");
        page.js("location.hash = 'purgeQueue'").await;
        page.fill("#purgeQueue-queue", "default").await;
        page.click("#purgeQueue [type=submit]").await;
        page.until_text("#purgeQueue [type=submit]", "Yes, ").await;
        assert_eq!(depth(server), 1);
        page.click("#purgeQueue [type=submit]").await;
        page.until_text("#purgeQueue output", "200").await;
        assert_eq!(depth(server), 0);
    });
}

#[test]
fn it_is_dark_where_that_is_preferred_and_in_the_colours_of_the_dashboard() {
    test(async |page, server| {
        const COLOURS: &str = "const style = getComputedStyle(document.body);
            return [style.backgroundColor, style.color, style.fontFamily.split(',')[0]]";
        let mut seen = Vec::new();
        for dark in [false, true] {
            page.prefer_dark(dark).await;
            page.visit_path(server, "/docs").await;
            let colours = page.js(COLOURS).await;
            page.open(server).await;
            assert_eq!(page.js(COLOURS).await, colours);
            seen.push(colours);
        }
        assert_ne!(seen[0][0], seen[1][0]);
        assert_ne!(seen[0][1], seen[1][1]);
    });
}
