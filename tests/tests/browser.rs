//! The chat page in a real browser, with a real model behind it.

#![allow(clippy::unwrap_used)] // In a test it is the report.

use serde_json::json;
use tests::browser::{ANSWERED_WITHIN, session};
use tests::environment::workspace_root;
use tests::server::Server;
use tests::story::small_daedap;

const QUESTION: &str = "[data-testid=question]";
const LAST_ANSWER: &str = "article[data-testid=answer]:last-of-type";
const ENTER: &str = "\u{e007}";

#[tokio::test]
async fn a_link_signs_a_browser_in_and_markup_has_one_way_in() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    session("login", async |browser| {
        browser.open(&server.url("/")).await;
        let status = "fetch('/api/v1/status').then((response) => response.status)";
        browser.read_until("#notice-text", ANSWERED_WITHIN, |text| text.contains("daedap login")).await;
        assert_eq!(browser.evaluate(status).await, json!(401));
        browser.open(&server.login_link().await).await;
        browser
            .wait_for("the browser to be signed in", ANSWERED_WITHIN, async || {
                (browser.evaluate(status).await == json!(200)).then_some(())
            })
            .await;
        assert_eq!(browser.evaluate("document.cookie + location.hash").await, json!(""));
        // What a script does that came in somehow.
        let written = "(() => { try { document.createElement('p').innerHTML = '<b>x</b>'; return 'written'; } \
            catch (error) { return error.name; } })()";
        assert_eq!(browser.evaluate(written).await, json!("TypeError"));
    })
    .await;
}

#[tokio::test]
async fn a_person_asks_sees_the_answer_stream_and_opens_a_citation() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let sample = workspace_root().join("examples/knowledge-base");
    let ingested = daedap.run(&["ingest", sample.to_str().unwrap()]).await;
    assert!(ingested.status.success(), "{}", String::from_utf8_lossy(&ingested.stderr));
    let server = Server::start(daedap).await;
    session("chat-page", async |browser| {
        browser.open(&server.login_link().await).await;

        // English: the small model writes, and the text grows while it does.
        browser.type_into(QUESTION, &format!("How large is the water tank of the U2?{ENTER}")).await;
        let grows = format!("document.querySelector('{LAST_ANSWER}')?.dataset.state ?? ''");
        let begun = browser
            .read_until(LAST_ANSWER, ANSWERED_WITHIN, |text| text.split_whitespace().count() > 1)
            .await;
        browser
            .wait_for("the answer to be complete", ANSWERED_WITHIN, async || {
                (browser.evaluate(&grows).await == json!("complete")).then_some(())
            })
            .await;
        assert!(!begun.is_empty());
        browser.see(&format!("{LAST_ANSWER} [data-testid=sources]")).await;

        // Korean: the documents' own sentences, always with citations to click.
        browser.type_into(QUESTION, &format!("남은 연차는 며칠까지 이월할 수 있나요?{ENTER}")).await;
        browser.read_until(LAST_ANSWER, ANSWERED_WITHIN, |text| text.contains("5일까지 다음 해로")).await;
        browser.click(&format!("{LAST_ANSWER} a.citation")).await;
        let panel = browser
            .read_until("[data-testid=passage-panel]", ANSWERED_WITHIN, |text| text.contains("이월과 수당"))
            .await;
        assert!(panel.contains("휴가 규정"), "the passage says which document it is from: {panel}");
        browser.see("[data-testid=passage-original]").await;
        let original =
            "fetch(document.querySelector('[data-testid=passage-original]').href).then((r) => r.text())";
        let original = browser.evaluate(original).await;
        assert!(original.as_str().is_some_and(|text| text.starts_with("# 휴가 규정")), "{original}");

        // Everything is still there after a reload, and the page broke no rule of its policy on the way.
        let before = browser.evaluate("document.querySelectorAll('[data-testid=answer]').length").await;
        assert_eq!(before, json!(2));
        let address = browser.client().current_url().await.unwrap();
        browser.open(address.as_str()).await;
        browser.read_until(LAST_ANSWER, ANSWERED_WITHIN, |text| text.contains("5일까지 다음 해로")).await;
        let console = browser.console().await;
        assert!(console.iter().all(|line| !line.contains("SEVERE")), "{console:?}");
    })
    .await;
}
