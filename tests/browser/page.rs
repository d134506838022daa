//! A page in a real browser: headless Chromium, driven through chromedriver.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::{fs, mem};

use serde_json::{Value, json};
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities as _;
use thirtyfour::prelude::*;
use tokio::runtime::{Builder, Runtime};

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
    /// Whether no other test may have it.
    spoilt: Cell<bool>,
}

/// What drives browsers, and those that no test has at the moment. It is there while a test runs, since
/// nothing ends what is still there when the last one has.
struct Pool {
    users: usize,
    chromedriver: Option<Chromedriver>,
    idle: Vec<WebDriver>,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { users: 0, chromedriver: None, idle: Vec::new() });

/// Connections to the driver outlive a test, and so does what they run on.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_current_thread().enable_all().build().expect("a runtime can be made")
});

/// The program that drives browsers, and the folder that they keep their things in.
struct Chromedriver {
    _process: Process,
    url: String,
    profiles: PathBuf,
    browsers: u32,
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        // An error means that it is gone already.
        let _ = fs::remove_dir_all(&self.profiles);
    }
}

/// A place in the pool.
struct Lease;

impl Lease {
    /// A place, and a browser or how to make one.
    fn take() -> (Self, Result<WebDriver, (String, PathBuf)>) {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        pool.users += 1;
        let lease = Self;
        if let Some(driver) = pool.idle.pop() {
            return (lease, Ok(driver));
        }
        let chromedriver = pool.chromedriver.get_or_insert_with(Chromedriver::start);
        chromedriver.browsers += 1;
        let profile = chromedriver.profiles.join(chromedriver.browsers.to_string());
        (lease, Err((chromedriver.url.clone(), profile)))
    }

    fn give_back(driver: WebDriver) {
        POOL.lock().unwrap_or_else(PoisonError::into_inner).idle.push(driver);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        pool.users -= 1;
        if pool.users == 0 {
            let drivers = mem::take(&mut pool.idle);
            RUNTIME.block_on(async {
                for driver in drivers {
                    driver.quit().await.expect("the browser can be closed");
                }
            });
            pool.chromedriver = None;
        }
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

/// Runs a test with a browser that no other test has meanwhile.
pub fn run(test: impl AsyncFnOnce(&Page)) {
    let (_lease, browser) = Lease::take();
    let page = RUNTIME.block_on(async {
        let driver = match browser {
            Ok(driver) => driver,
            Err((url, profile)) => open_browser(&url, &profile).await,
        };
        Page { driver, spoilt: Cell::new(false) }
    });
    let ended = catch_unwind(AssertUnwindSafe(|| RUNTIME.block_on(test(&page))));
    let usable = ended.is_ok() && !page.spoilt.get();
    RUNTIME.block_on(async {
        if usable {
            page.leave().await;
            Lease::give_back(page.driver);
        } else {
            page.driver.quit().await.expect("the browser can be closed");
        }
    });
    if let Err(panic) = ended {
        resume_unwind(panic);
    }
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
        let profiles = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("browser-{}-{number}", std::process::id()));
        fs::create_dir_all(&profiles).expect("a folder for browsers can be made");
        let mut process = Process::spawn(Command::new(DRIVER).arg("--port=0"));
        let started = process.stdout.wait_for(|line| line.contains("successfully on port "));
        let port = started.rsplit(' ').next().expect("split yields a part").trim_end_matches('.');
        Self { _process: process, url: format!("http://127.0.0.1:{port}"), profiles, browsers: 0 }
    }
}

async fn open_browser(url: &str, profile: &Path) -> WebDriver {
    let mut capabilities = DesiredCapabilities::chrome();
    capabilities.set_binary(BROWSER).expect("a path is a string");
    for flag in FLAGS {
        capabilities.add_arg(flag).expect("a flag is a string");
    }
    let profile = format!("--user-data-dir={}", profile.display());
    capabilities.add_arg(&profile).expect("a flag is a string");
    capabilities.set("goog:loggingPrefs", json!({ "browser": "ALL" })).expect("is JSON");
    let driver = WebDriver::new(url, capabilities).await.expect("the browser starts");
    driver.set_script_timeout(DEADLINE).await.expect("the timeout can be set");
    driver
}

impl Page {
    /// Makes the browser what it was.
    async fn leave(&self) {
        self.driver.goto("about:blank").await.expect("there is always a blank page");
        self.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [] })).await;
        self.driver.get_log("browser").await.expect("the browser has a log");
    }

    /// Runs a script before those of every page that is opened from now on.
    pub async fn prepare(&self, script: &str) {
        self.spoilt.set(true);
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
    }

    /// Goes to the dashboard of a server, whatever that shows.
    pub async fn visit(&self, server: &Server) {
        self.visit_path(server, "/").await;
    }

    /// Goes to a page of a server.
    pub async fn visit_path(&self, server: &Server, path: &str) {
        let there = self.driver.goto(format!("http://{}{path}", server.addr)).await;
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
    /// for answers of these statuses.
    pub async fn assert_had_no_complaint(&self, but: &[u16]) {
        let log = self.driver.get_log("browser").await.expect("the browser has a log");
        for entry in log {
            let expected =
                but.iter().any(|status| entry.message.contains(&format!("a status of {status} ")));
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
