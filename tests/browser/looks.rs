//! With the keyboard alone, on a phone, in the dark.

use serde_json::json;
use thirtyfour::Key;

use crate::page::{DESKTOP, Page, test};
use crate::support::Server;

const PHONE: (u32, u32) = (360, 740);

fn prepare(server: &Server) {
    let mut client = server.client();
    let long = format!("/v1/queues/{}", "a-name-that-is-as-long-as-names-may-be.".repeat(2));
    for queue in ["/v1/queues/first", "/v1/queues/second", &long] {
        client.call("PUT", queue, &[], r#"{"capacity":3}"#);
        client.post(&format!("{queue}/messages"), "a message ".repeat(40));
    }
    client.post("/v1/queues/second/pause", "");
}

#[test]
fn everything_is_reached_with_the_keyboard_alone() {
    test(&[], DESKTOP, async |page, server| {
        prepare(server);
        page.until_text(".summary", "4").await;
        let focused = "return document.activeElement.textContent || document.activeElement.id";
        page.press(Key::Tab + "").await;
        assert_eq!(page.js(focused).await, "Skip to content");
        page.press(Key::Enter + "").await;
        assert_eq!(page.js("return document.activeElement.id").await, "main");

        page.press("/").await;
        page.press("sec").await;
        page.until("document.querySelectorAll('tbody tr').length === 1").await;
        page.press(Key::Escape + "").await;
        page.until("document.querySelectorAll('tbody tr').length === 4").await;
        page.press("/").await;
        page.press(Key::Down + "").await;
        page.press(Key::Down + Key::Down).await;
        assert_eq!(page.js(focused).await, "first");
        page.press(Key::Up + "").await;
        assert_eq!(page.js(focused).await, "default");
        page.press(Key::Down + "").await;
        page.press(Key::Enter + "").await;
        page.until(
            "document.title === 'first · ringmq' && document.querySelector('.page > .page')",
        )
        .await;

        page.press("b").await;
        page.until_text(".messages .preview", "a message").await;
        page.press("s").await;
        page.press("typed").await;
        page.press(Key::Tab + "").await;
        assert_eq!(page.js("return document.querySelector('[name=body]').value").await, "typed");
        page.press(Key::Control + Key::Home).await;
        page.js("document.querySelector('.plot').focus()").await;
        page.until("document.querySelector('.plot .u-over')").await;
        page.press(Key::Left + "").await;
        page.until(
            "/^\\d\\d:\\d\\d:\\d\\d$/.test(document.querySelector('figcaption time').textContent)",
        )
        .await;
        page.until(
            "document.querySelector('.plot').getAttribute('aria-label').includes('ready 1')",
        )
        .await;
        page.press(Key::Escape + "").await;
        page.until("document.querySelector('figcaption time').textContent === 'now'").await;

        page.press("?").await;
        page.until_text("dialog", "Filter queues").await;
        page.press(Key::Escape + "").await;
        page.press("o").await;
        page.until_text(".summary", "4").await;
        page.press("n").await;
        page.until("document.activeElement.name === 'name'").await;
        page.press("keyed").await;
        page.press(Key::Enter + "").await;
        page.until_text("h1", "keyed").await;
    });
}

/// Nothing is wider than the screen.
async fn assert_fits(page: &Page, what: &str) {
    let wide = page
        .js("const most = document.documentElement.clientWidth;
             return [document.documentElement.scrollWidth > most && 'page',
               ...[...document.querySelectorAll('body *')].filter((it) => it.checkVisibility()
                 && !it.closest('.skip, .hidden, svg, .uplot, pre, .tile, .preview')
                 && it.getBoundingClientRect().right > most + 0.5).map((it) => it.outerHTML.slice(0, 80))]
               .filter(Boolean)")
        .await;
    assert_eq!(wide, json!([]), "{what}");
}

#[test]
fn nothing_scrolls_sideways_on_a_phone() {
    test(&[], PHONE, async |page, server| {
        prepare(server);
        page.until_text(".banner, .summary", "4").await;
        assert_fits(page, "all queues").await;
        // With all that may stand in the bar, on one line.
        let bar = page
            .js("const line = document.querySelector('.bar').offsetHeight;
                 document.querySelector('#sign-out').hidden = false;
                 document.querySelector('#live').textContent = 'reconnecting';
                 document.querySelector('#theme').textContent = 'Theme: light';
                 const { scrollWidth, clientWidth, offsetHeight } = document.querySelector('.bar');
                 return [scrollWidth - clientWidth, offsetHeight - line]")
            .await;
        assert_eq!(bar, json!([0, 0]));
        page.go("#/queues/second").await;
        page.click("#browse").await;
        page.click(".messages summary").await;
        page.until("document.querySelector('.messages pre')").await;
        assert_fits(page, "one queue").await;
        page.js("document.querySelector('#purge').click()").await;
        page.until("document.querySelector('dialog[open]')").await;
        assert_fits(page, "a question").await;
        page.press(Key::Escape + "").await;
        page.js("location.hash = '#/queues/' + encodeURIComponent('a-name-that-is-as-long-as-names-may-be.'.repeat(2))").await;
        page.until_text("h1", "a-name").await;
        assert_fits(page, "a long name").await;
    });
}

/// Text of which the contrast with what is behind it is less than WCAG AA asks for.
const FAINT: &str = "
    const channel = (value) => ((value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = (colour) => { const [r, g, b] = parts(colour); return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b); };
    const behind = (it) => {
      for (; it; it = it.parentElement) {
        const colour = getComputedStyle(it).backgroundColor;
        if (colour.startsWith('rgb(')) return colour;
      }
      return 'rgb(255, 255, 255)';
    };
    return [...document.querySelectorAll('body *')].filter((it) => it.checkVisibility()
        && !it.disabled && [...it.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
      .map((it) => {
        const [one, other] = [light(getComputedStyle(it).color), light(behind(it))].sort((a, b) => b - a);
        return [((one + 0.05) / (other + 0.05)).toFixed(2), it.outerHTML.slice(0, 90)];
      })
      .filter(([contrast]) => contrast < 4.5);";

#[test]
fn both_themes_can_be_read_and_the_switch_beats_the_system() {
    test(&[], DESKTOP, async |page, server| {
        prepare(server);
        page.until_text(".summary", "4").await;
        let ground = "getComputedStyle(document.body).backgroundColor";
        for (dark, colour) in [(false, "rgb(246, 247, 249)"), (true, "rgb(15, 18, 22)")] {
            page.prefer_dark(dark).await;
            page.until(&format!("{ground} === '{colour}'")).await;
            page.until("document.getAnimations().every((it) => it.animationName)").await;
            page.go("#/").await;
            assert_eq!(page.js(FAINT).await, json!([]), "all queues, dark: {dark}");
            page.go("#/queues/second").await;
            page.until("document.querySelector('[name=lease]').value").await;
            assert_eq!(page.js(FAINT).await, json!([]), "one queue, dark: {dark}");
        }
        page.click("#theme").await;
        page.until(&format!("{ground} === 'rgb(246, 247, 249)'")).await;
        page.open(server).await;
        page.until(&format!("{ground} === 'rgb(246, 247, 249)'")).await;
    });
}
