//! A headless Chromium, driven as a person would: look, type, click, wait until something is seen.
//!
//! Each [`session`] has a browser of its own with an empty profile. When its test fails, a picture of the page and
//! what the page wrote to its console are kept.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use futures::FutureExt;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::environment::{Chromium, build_folder, require_chromium};
use crate::eventually::within_time;

const DRIVER_WITHIN: Duration = Duration::from_secs(30);
/// How long a page may take for anything that needs no model.
const SEEN_WITHIN: Duration = Duration::from_secs(20);
/// How long an answer of the small model may take on a busy machine.
pub const ANSWERED_WITHIN: Duration = Duration::from_secs(180);

/// No service of the browser's maker is asked anything, and nothing is shared with another run.
const ARGUMENTS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
];

/// Runs `test` in a new browser; returns at once, after saying so, where there is none.
///
/// # Panics
///
/// When the test does, after keeping a picture of the page as `screenshots/NAME.png` in cargo's build folder.
pub async fn session(name: &str, test: impl AsyncFnOnce(&Browser)) {
    let Some(chromium) = require_chromium() else { return };
    let browser = Browser::start(&chromium).await;
    let outcome = AssertUnwindSafe(test(&browser)).catch_unwind().await;
    if let Err(panic) = outcome {
        browser.report(name).await;
        std::panic::resume_unwind(panic);
    }
}

/// One window of one browser.
pub struct Browser {
    client: Client,
    driver: Driver,
    // Removed after the browser that writes into it is gone: fields are dropped in this order.
    _profile: TempDir,
}

impl Browser {
    async fn start(chromium: &Chromium) -> Self {
        let profile = tempfile::tempdir().expect("a folder for the profile");
        let driver = Driver::start(chromium, profile.path()).await;
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(chromium, &profile))
            .connect(&driver.url)
            .await
            .expect("Chromium starts");
        Self { client, driver, _profile: profile }
    }

    /// The driver's own interface, for what has no method here.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Opens `url` and waits until it is loaded.
    ///
    /// # Panics
    ///
    /// When it cannot be opened.
    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|error| panic!("cannot open {url}: {error}"));
    }

    /// Makes the window `width` by `height` pixels, for example the size of a phone.
    ///
    /// # Panics
    ///
    /// When the browser refuses.
    pub async fn resize(&self, width: u32, height: u32) {
        self.client.set_window_size(width, height).await.expect("a headless window has any size");
    }

    /// The first element that `css` selects and that is visible, as soon as there is one.
    ///
    /// # Panics
    ///
    /// When none appears.
    pub async fn see(&self, css: &str) -> Element {
        self.wait_for(&format!("{css} to be seen"), SEEN_WITHIN, async || {
            for element in self.client.find_all(Locator::Css(css)).await.ok()? {
                // An element may go while it is looked at.
                if element.is_displayed().await.unwrap_or(false) {
                    return Some(element);
                }
            }
            None
        })
        .await
    }

    /// Clicks on `css` once it is visible.
    ///
    /// # Panics
    ///
    /// When it does not appear, or something lies over it.
    pub async fn click(&self, css: &str) {
        // A page that is still drawing may move or replace the element between the look and the click.
        self.wait_for(&format!("{css} to take a click"), SEEN_WITHIN, async || {
            self.see(css).await.click().await.ok()
        })
        .await;
    }

    /// Types `keys` into `css` once it is visible; `\u{e007}` is Enter.
    ///
    /// # Panics
    ///
    /// When it does not appear or takes no keys.
    pub async fn type_into(&self, css: &str, keys: &str) {
        let element = self.see(css).await;
        element.send_keys(keys).await.unwrap_or_else(|error| panic!("{css} takes no keys: {error}"));
    }

    /// The text of the first element that `css` selects, once it holds for `condition`.
    ///
    /// # Panics
    ///
    /// When it does not within `within`.
    pub async fn read_until(&self, css: &str, within: Duration, condition: impl Fn(&str) -> bool) -> String {
        self.wait_for(&format!("the text of {css}"), within, async || {
            let element = self.client.find(Locator::Css(css)).await.ok()?;
            let text = element.text().await.ok()?;
            condition(&text).then_some(text)
        })
        .await
    }

    /// The value of a JavaScript expression in the page.
    ///
    /// # Panics
    ///
    /// When it throws.
    pub async fn evaluate(&self, expression: &str) -> Value {
        let script = format!("return ({expression})");
        self.client
            .execute(&script, Vec::new())
            .await
            .unwrap_or_else(|error| panic!("{expression} failed in the page: {error}"))
    }

    /// Tries `attempt` until it gives a value.
    ///
    /// # Panics
    ///
    /// When `within` has passed; the message has the page's address and `what` was waited for.
    pub async fn wait_for<T>(
        &self,
        what: &str,
        within: Duration,
        attempt: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        match within_time(within, attempt).await {
            Some(value) => value,
            None => {
                let url = self.client.current_url().await.map(String::from).unwrap_or_default();
                panic!("waited {} s in vain for {what} on {url}", within.as_secs())
            }
        }
    }

    /// What the page has written to its console since the last call, with what the browser itself reports there:
    /// scripts that threw, requests that failed, contents that the page's policy refused.
    ///
    /// # Panics
    ///
    /// When the driver does not tell.
    pub async fn console(&self) -> Vec<String> {
        let session = self.client.session_id().await.ok().flatten().expect("a running session has an id");
        let url = format!("{}/session/{session}/se/log", self.driver.url);
        let client =
            reqwest::Client::builder().no_proxy().build().expect("a client without special settings");
        let answer = client.post(url).json(&json!({ "type": "browser" })).send().await;
        let log: Value =
            answer.expect("the driver listens").json().await.expect("the driver answers in JSON");
        let entries = log["value"].as_array().expect("the log is a list");
        entries.iter().map(|entry| format!("{}: {}", entry["level"], entry["message"])).collect()
    }

    /// Keeps what helps to understand a failure; a browser that no longer answers must not hide the failure itself.
    async fn report(&self, name: &str) {
        let file = screenshot_folder().join(format!("{name}.png"));
        if let Ok(picture) = self.client.screenshot().await
            && std::fs::create_dir_all(screenshot_folder()).is_ok()
            && std::fs::write(&file, picture).is_ok()
        {
            eprintln!("the page is in {}", file.display());
        }
        let console = AssertUnwindSafe(self.console()).catch_unwind().await.unwrap_or_default();
        eprintln!("--- the page's console\n{}\n---", console.join("\n"));
    }
}

fn screenshot_folder() -> PathBuf {
    build_folder().join("screenshots")
}

fn capabilities(chromium: &Chromium, profile: &TempDir) -> Capabilities {
    let mut arguments: Vec<String> = ARGUMENTS.iter().map(|&argument| argument.to_owned()).collect();
    arguments.push(format!("--user-data-dir={}", profile.path().display()));
    let mut capabilities = Capabilities::new();
    capabilities
        .insert("goog:chromeOptions".to_owned(), json!({ "binary": chromium.browser, "args": arguments }));
    capabilities.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
    capabilities
}

/// The driver's process, and with it the browser that it starts.
struct Driver {
    process: Child,
    url: String,
}

impl Driver {
    /// On a port that the driver chooses, so that no other process can take it first.
    async fn start(chromium: &Chromium, scratch: &Path) -> Self {
        let mut process = tokio::process::Command::new(&chromium.driver)
            .arg("--port=0")
            // A browser that is killed leaves its scratch files where it made them.
            .env("TMPDIR", scratch)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver starts");
        let stdout = process.stdout.take().expect("standard output is piped");
        let mut lines = BufReader::new(stdout).lines();
        let port = async {
            loop {
                let line = lines.next_line().await.expect("chromedriver writes text");
                let line = line.expect("chromedriver says its port before it ends");
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    break port.trim_end_matches('.').to_owned();
                }
            }
        };
        let port =
            tokio::time::timeout(DRIVER_WITHIN, port).await.expect("chromedriver says its port in time");
        // It goes on writing now and then, and would be ended by a pipe that nobody reads.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { process, url: format!("http://127.0.0.1:{port}") }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The whole group: killing only the driver would leave the browser running.
        if let Some(id) = self.process.id() {
            let group = format!("-{id}");
            let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "data:text/html;charset=utf-8,<title>t</title><p id=late hidden>안녕하세요</p><input id=name>\
        <button id=show onclick=\"setTimeout(()=>{late.hidden=false},200);console.error('shown')\">보기</button>";

    #[tokio::test]
    async fn a_page_is_seen_typed_into_and_clicked() {
        session("harness", async |browser| {
            browser.open(PAGE).await;
            browser.type_into("#name", "대답").await;
            assert_eq!(browser.evaluate("document.querySelector('#name').value").await, "대답");
            browser.click("#show").await;
            browser.see("#late").await;
            let text = browser.read_until("#late", SEEN_WITHIN, |text| !text.is_empty()).await;
            assert_eq!(text, "안녕하세요");
            let console = browser.console().await;
            assert!(console.iter().any(|line| line.contains("shown")), "{console:?}");
        })
        .await;
    }
}
