//! A server that goes away and comes back.

use nix::sys::signal::Signal;

use crate::page::{DESKTOP, run, test};
use crate::support::Server;

#[test]
fn what_was_seen_stays_when_a_connection_is_made_again() {
    test(&[], DESKTOP, async |page, _| {
        page.js("return import('/ui/store.js').then(({ store }) => { window.store = store; })")
            .await;
        page.until("store.times.length > 2").await;
        // As who connects again meets the look that he has.
        let seen = page
            .js("const before = store.times.length, time = store.times.at(-1);
                 store.hear('whole', { ...store.head, time, started: 1, version: store.version, fields: Object.keys(store.place),
                   new: [...store.queues.values()].map(({ name, figures }, index) => [index + 1, name, ...figures]) });
                 return [store.times.length - before, store.times.at(-1) - time, store.series(null, [() => 1])[0].length - before]")
            .await;
        assert_eq!(seen, serde_json::json!([0, 0, 0]));
    });
}

#[test]
fn the_page_connects_again_after_the_server_was_restarted() {
    run(async |page| {
        let server = Server::start_to_be_restarted();
        let addr = server.addr;
        page.resize(DESKTOP).await;
        page.open(&server).await;
        page.js("window.loaded = 'once'").await;
        server.client().put("before");
        page.until_text("[data-queue=default] .col-depth", "1 /").await;
        // The stream does not keep the server, and the page says what it shows is old.
        assert!(server.stop(Signal::SIGTERM).status.success());
        page.until_text(".banner", "What you see is from before").await;
        page.until("document.querySelector('#live').dataset.state === 'lost'").await;

        let server = Server::start_at(addr);
        page.until("document.querySelector('#live').dataset.state === 'live'").await;
        page.until("!document.querySelector('.banner')").await;
        page.until_text("[data-queue=default] .col-depth", "0 /").await;
        server.client().put("after");
        page.until_text("[data-queue=default] .col-depth", "1 /").await;
        assert_eq!(page.js("return window.loaded").await, "once");
    });
}
