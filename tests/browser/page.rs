//! A page in a real browser: headless Chromium, driven through chromedriver.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use actix_web::rt::System;
use serde_json::{Value, json};
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities as _;
use thirtyfour::prelude::*;

use crate::support::{DEADLINE, Process, Server};

/// What Chromium needs to run without a screen, and to leave everything but the page alone.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
];

/// The size of a page on a screen.
pub const DESKTOP: (u32, u32) = (1280, 900);

const DRIVER: &str = "/usr/bin/chromedriver";
const BROWSER: &str = "/usr/bin/chromium";

/// A browser with one page.
pub struct Page {
    driver: WebDriver,
}

/// The program that drives the browser, and the folder that the browser keeps its things in; both end with
/// the test, however that ends.
struct Chromedriver {
    process: Process,
    profile: PathBuf,
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        // An error means that it is gone already.
        let _ = fs::remove_dir_all(&self.profile);
    }
}

/// Starts a server with these flags and a browser of this size that shows its dashboard, and runs a test
/// with both. The browser must have had nothing to complain about in the end.
#[track_caller]
pub fn test(flags: &[&str], size: (u32, u32), test: impl AsyncFnOnce(&Page, &Server)) {
    let server = Server::start_with(flags);
    run(async |page| {
        page.resize(size).await;
        page.open(&server).await;
        test(page, &server).await;
        page.assert_had_no_complaint(&[]).await;
    });
}

/// Runs a test in a browser of its own.
pub fn run(test: impl AsyncFnOnce(&Page)) {
    let mut chromedriver = Chromedriver::start();
    System::new().block_on(async {
        let driver = chromedriver.open_browser().await;
        // Whatever happens in there, the browser is closed.
        let ended = driver.run_and_quit(async |driver| {
            test(&Page { driver }).await;
            Ok::<_, WebDriverError>(())
        });
        ended.await.expect("the browser can be closed");
    });
}

impl Chromedriver {
    fn start() -> Self {
        for program in [BROWSER, DRIVER] {
            assert!(
                Path::new(program).exists(),
                "{program} is missing: the tests of the dashboard need a browser \
                 (on Debian: apt-get install chromium chromium-driver)"
            );
        }
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let profile = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("browser-{}-{number}", std::process::id()));
        fs::create_dir_all(&profile).expect("a folder for the browser can be made");
        let process = Process::spawn(Command::new(DRIVER).arg("--port=0"));
        Self { process, profile }
    }

    async fn open_browser(&mut self) -> WebDriver {
        let started = self.process.stdout.wait_for(|line| line.contains("successfully on port "));
        let port = started.rsplit(' ').next().expect("split yields a part").trim_end_matches('.');

        let mut capabilities = DesiredCapabilities::chrome();
        capabilities.set_binary(BROWSER).expect("a path is a string");
        for flag in FLAGS {
            capabilities.add_arg(flag).expect("a flag is a string");
        }
        let profile = format!("--user-data-dir={}", self.profile.display());
        capabilities.add_arg(&profile).expect("a flag is a string");
        capabilities.set("goog:loggingPrefs", json!({ "browser": "ALL" })).expect("is JSON");
        let url = format!("http://127.0.0.1:{port}");
        let driver = WebDriver::new(&url, capabilities).await.expect("the browser starts");
        driver.set_script_timeout(DEADLINE).await.expect("the timeout can be set");
        driver
    }
}

impl Page {
    /// Goes to the dashboard of a server, whatever that shows.
    pub async fn visit(&self, server: &Server) {
        let there = self.driver.goto(format!("http://{}/", server.addr)).await;
        there.expect("the page is there");
    }

    /// Shows the dashboard of a server, once its figures are there.
    pub async fn open(&self, server: &Server) {
        self.visit(server).await;
        self.until("document.querySelector('#main .page') && document.querySelector('#live').dataset.state === 'live'")
            .await;
    }

    /// Shows one queue.
    pub async fn go(&self, route: &str) {
        self.js(&format!("location.hash = {}", json!(route))).await;
        self.until(&format!("document.title.startsWith({})", json!(route.rsplit('/').next())))
            .await;
    }

    /// What a script answers.
    pub async fn js(&self, script: &str) -> Value {
        let answer = self.driver.execute(script, Vec::new()).await;
        answer.unwrap_or_else(|error| panic!("{script}: {error}")).json().clone()
    }

    /// Waits until an expression is true, asked with every frame the page draws, and gives back its value.
    pub async fn until(&self, expression: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             const look = () => {{
               let value;
               try {{ value = ({expression}); }} catch {{ value = false; }}
               if (value) done(value); else requestAnimationFrame(look);
             }};
             look();"
        );
        match self.driver.execute_async(script, Vec::new()).await {
            Ok(answer) => answer.json().clone(),
            Err(error) => {
                let seen = self.js("return document.body.innerText").await;
                panic!("{expression} never held: {error}; the page says {seen}")
            }
        }
    }

    /// Waits for a text to be somewhere.
    pub async fn until_text(&self, css: &str, text: &str) {
        let (css, text) = (json!(css), json!(text));
        self.until(&format!(
            "[...document.querySelectorAll({css})].some((it) => it.checkVisibility() && it.innerText.includes({text}))"
        ))
        .await;
    }

    async fn element(&self, css: &str) -> WebElement {
        self.until(&format!(
            "(() => {{ const it = document.querySelector({}); return it && it.checkVisibility() && !it.disabled; }})()",
            json!(css)
        ))
        .await;
        self.driver.find(By::Css(css)).await.unwrap_or_else(|error| panic!("{css}: {error}"))
    }

    /// Clicks what a user would click, once it can be.
    pub async fn click(&self, css: &str) {
        let element = self.element(css).await;
        element.scroll_into_view().await.expect("it can be scrolled to");
        element.click().await.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Types into a field.
    pub async fn fill(&self, css: &str, text: &str) {
        let element = self.element(css).await;
        element.clear().await.unwrap_or_else(|error| panic!("{css}: {error}"));
        element.send_keys(text).await.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Presses a key, wherever the focus is.
    pub async fn press(&self, keys: impl Into<TypingData>) {
        let focused = self.driver.active_element().await.expect("something has the focus");
        focused.send_keys(keys).await.expect("keys can be pressed");
    }

    pub async fn resize(&self, (width, height): (u32, u32)) {
        let (mobile, scale) = (false, 1);
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": mobile });
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
    }

    pub async fn prefer_dark(&self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let feature = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": feature })).await;
    }

    pub async fn devtools(&self, method: &str, parameters: Value) {
        let done = self.driver.cdp().send_raw(method, parameters).await;
        done.unwrap_or_else(|error| panic!("{method}: {error}"));
    }

    /// Neither an error of a script, nor something that was refused by the policy, nor a warning, but
    /// for those that have to be there.
    pub async fn assert_had_no_complaint(&self, but: &[&str]) {
        let log = self.driver.get_log("browser").await.expect("the browser has a log");
        for entry in log {
            let expected = but.iter().any(|part| entry.message.contains(part));
            assert!(
                expected || matches!(&*entry.level, "INFO" | "DEBUG"),
                "{}: {}",
                entry.level,
                entry.message
            );
        }
    }

    /// The page as an image.
    pub async fn screenshot(&self, path: &Path) {
        self.driver.screenshot(path).await.expect("the page can be drawn");
    }
}
