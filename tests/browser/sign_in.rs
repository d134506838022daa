//! A server that asks who is there.

use crate::page::{DESKTOP, Page, run};
use crate::support::Server;
use crate::support::server::command;

const TOKENS: &str = "ops=ops-token-0123456789 admin:*; view=view-token-0123456789 monitor:*; \
                      shop=shop-token-0123456789 send:orders";
const CONFIRM: &str = "dialog footer button:last-child";

/// Signs out, which loads the page anew.
async fn sign_out(page: &Page) {
    page.js("window.before = true").await;
    page.click("#sign-out").await;
    page.until("!window.before && document.querySelector('dialog[open]')").await;
    page.until_text("dialog", "This server asks for a token").await;
}

#[test]
fn the_page_asks_for_a_token_and_tells_which_role_is_missing() {
    let mut command = command();
    let server = Server::launch(command.args(["--port", "0"]).env("RINGMQ_AUTH_TOKENS", TOKENS));
    run(async |page| {
        page.resize(DESKTOP).await;
        page.visit(&server).await;
        page.until_text("dialog", "This server asks for a token").await;
        page.fill("dialog [name=token]", "not-the-token-0123456789").await;
        page.click(CONFIRM).await;
        page.until_text("dialog", "The server does not know this token").await;
        page.fill("dialog [name=token]", "view-token-€-0123456789").await;
        page.click(CONFIRM).await;
        page.until_text("dialog", "no characters beyond ASCII").await;
        page.fill("dialog [name=token]", "view-token-0123456789").await;
        page.click(CONFIRM).await;
        page.until_text("[data-queue=default]", "default").await;
        assert_eq!(page.js("return sessionStorage.length + localStorage.length").await, 1);

        page.go("#/queues/default").await;
        page.until("document.querySelector('[name=lease]').value === '30s'").await;
        page.click("#purge").await;
        page.fill("dialog input", "default").await;
        page.click(CONFIRM).await;
        page.until_text("dialog .problem", "It takes the role “admin”").await;
        page.click("dialog footer button:first-child").await;
        page.click("#browse").await;
        page.until_text(".none", "It takes the role “receive”").await;
        page.fill("[name=body]", "mine").await;
        page.click("#send").await;
        page.until_text(".status", "It takes the role “send”").await;

        sign_out(page).await;
        page.fill("dialog [name=token]", "shop-token-0123456789").await;
        page.click(CONFIRM).await;
        page.until_text(".banner", "Your token does not allow this page").await;
        sign_out(page).await;
        page.fill("dialog [name=token]", "ops-token-0123456789").await;
        page.click(CONFIRM).await;
        page.fill("[name=body]", "mine").await;
        page.click("#send").await;
        page.until_text(".status", "Sent as").await;
        page.assert_had_no_complaint(&[401, 403]).await;
    });
}

#[test]
fn both_pages_work_where_storage_is_forbidden() {
    let mut command = command();
    let server = Server::launch(command.args(["--port", "0"]).env("RINGMQ_AUTH_TOKENS", TOKENS));
    run(async |page| {
        page.prepare(
            "for (const name of ['sessionStorage', 'localStorage']) {
               Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError'); } });
             }",
        )
        .await;
        page.visit(&server).await;
        page.fill("dialog [name=token]", "ops-token-0123456789").await;
        page.click(CONFIRM).await;
        page.until_text("[data-queue=default]", "default").await;
        page.go("#/queues/default").await;
        page.until("document.querySelector('[name=lease]').value === '30s'").await;
        page.visit_path(&server, "/docs#%").await;
        page.until_text("h1", "The API of ringmq").await;
        page.fill("#token", "ops-token-0123456789").await;
        page.js("document.querySelector('#listQueues').open = true").await;
        page.click("#listQueues form button").await;
        page.until_text("#listQueues pre", "default").await;
        page.assert_had_no_complaint(&[401]).await;
    });
}
