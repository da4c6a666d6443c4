//! Web sites that collections are kept in step with: what is read of them, what is left alone, and what is fetched again.

#![allow(clippy::unwrap_used)] // In a test it is the report.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tests::daedap::Daedap;
use tests::story::small_daedap;

/// A site that can be changed, and that remembers what it was asked for and how it answered.
#[derive(Clone, Default)]
struct SiteOnTest {
    pages: Arc<Mutex<HashMap<String, String>>>,
    asked: Arc<Mutex<Vec<(String, u16)>>>,
}

impl SiteOnTest {
    async fn start(pages: &[(&str, &str)]) -> (Self, String) {
        let site = Self::default();
        for (path, page) in pages {
            site.put(path, page);
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(site.clone());
        tokio::spawn(axum::serve(listener, router).into_future());
        (site, format!("http://{address}"))
    }

    fn put(&self, path: &str, page: &str) {
        self.pages.lock().unwrap().insert(path.to_owned(), page.to_owned());
    }

    fn remove(&self, path: &str) {
        self.pages.lock().unwrap().remove(path);
    }

    /// What was asked for since the last time, with the answers' status.
    fn asked(&self) -> Vec<(String, u16)> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

async fn answer(State(site): State<SiteOnTest>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let page = site.pages.lock().unwrap().get(&path).cloned();
    let response = match page {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(page) => {
            let tag = format!("\"{}\"", page.len());
            if request.headers().get(header::IF_NONE_MATCH).is_some_and(|seen| seen == tag.as_str()) {
                StatusCode::NOT_MODIFIED.into_response()
            } else {
                ([(header::ETAG, tag)], page).into_response()
            }
        }
    };
    site.asked.lock().unwrap().push((path, response.status().as_u16()));
    response
}

fn allow(data_dir: &Path, site: &str) {
    let host = site.trim_start_matches("http://");
    std::fs::write(data_dir.join("daedap.toml"), format!("[web]\nallowed_hosts = [{host:?}]\n")).unwrap();
}

async fn ingest(daedap: &Daedap, arguments: &[&str]) -> Value {
    let arguments = [&["ingest", "--json"], arguments].concat();
    let output = daedap.run(&arguments).await;
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

async fn sources(daedap: &Daedap, site: &str) -> Vec<String> {
    let output = daedap.run(&["documents", "list", "--json"]).await;
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let source = |document: &Value| document["source"].as_str().unwrap().replace(site, "");
    let mut sources: Vec<String> = listed["documents"].as_array().unwrap().iter().map(source).collect();
    sources.sort();
    sources
}

fn counts(report: &Value) -> [u64; 5] {
    let count = |name: &str| report[name].as_u64().unwrap();
    let failed = report["failed"].as_array().unwrap().len() as u64;
    [count("added"), count("updated"), count("unchanged"), count("removed"), failed]
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html><head><title>{title}</title></head><body><main><h1>{title}</h1>{body}</main></body></html>"
    )
}

#[tokio::test]
async fn a_site_is_followed_as_it_wants_and_only_what_changed_is_fetched_again() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let start = page(
        "도움말",
        "<p>처음 오셨나요?</p><a href='refunds.html#top'>환불</a><a href='/help/secret/x'>x</a><a href='../shop'>shop</a>\
         <a href='copy?from=menu'>copy</a><a href='logo.png'>logo</a><a href='https://example.com/'>elsewhere</a>\
         <a href='hidden'>hidden</a><a href='broken'>broken</a>",
    );
    let canonical = "<!doctype html><html><head><link rel='canonical' href='/help/refunds.html'></head><body>환불</body></html>";
    let hidden =
        "<!doctype html><html><head><meta name='robots' content='noindex'></head><body>안 보임</body></html>";
    let (site, address) = SiteOnTest::start(&[
        ("/robots.txt", "User-agent: *\nDisallow: /help/secret/\nUser-agent: other\nDisallow: /\n"),
        ("/help/", &start),
        ("/help/refunds.html", &page("환불", "<p>환불은 이레 안에 됩니다.</p>")),
        ("/help/copy", canonical),
        ("/help/hidden", hidden),
        ("/help/llms.txt", "# Help\n\n- [Only here](/help/only-here.md)\n"),
        ("/help/only-here.md", "# Only here\n\nNo page leads to this."),
        ("/help/secret/x", "secret"),
        ("/shop", "shop"),
    ])
    .await;
    allow(data_dir.path(), &address);
    let begin = format!("{address}/help/");
    let follow = [begin.as_str(), "--follow", "links"];

    let report = ingest(&daedap, &follow).await;
    assert_eq!(counts(&report), [3, 0, 0, 0, 1], "{report}");
    assert_eq!(report["failed"][0]["code"], "page_status");
    let all = ["/help/", "/help/only-here.md", "/help/refunds.html"];
    assert_eq!(sources(&daedap, &address).await, all);
    let asked: Vec<String> = site.asked().into_iter().map(|(path, _)| path).collect();
    assert_eq!(asked[0], "/robots.txt");
    for left_alone in ["/help/secret/x", "/shop", "/help/logo.png"] {
        assert!(!asked.contains(&left_alone.to_owned()), "{left_alone} was asked for");
    }

    site.put("/help/refunds.html", &page("환불", "<p>환불은 보름 안에 됩니다. 배송비는 저희가 냅니다.</p>"));
    site.remove("/help/only-here.md");
    let report = ingest(&daedap, &follow).await;
    assert_eq!(counts(&report), [0, 1, 1, 1, 1], "{report}");
    assert_eq!(sources(&daedap, &address).await, ["/help/", "/help/refunds.html"]);
    assert!(site.asked().contains(&("/help/".to_owned(), 304)), "what did not change is not sent again");

    let few = ingest(&daedap, &[&follow[..], &["--max-pages", "1"]].concat()).await;
    assert_eq!(counts(&few), [0, 0, 1, 0, 0], "what there was no room for is not taken to be gone: {few}");
}

#[tokio::test]
async fn a_sitemap_is_followed_and_a_site_without_rules_to_be_had_is_not_read() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let (site, address) =
        SiteOnTest::start(&[("/a", "Page a says this."), ("/b/c", "Page c says that.")]).await;
    site.put("/robots.txt", &format!("Sitemap: {address}/maps/index.xml\n"));
    site.put(
        "/maps/index.xml",
        &format!("<sitemapindex><sitemap><loc>{address}/maps/1.xml</loc></sitemap></sitemapindex>"),
    );
    site.put(
        "/maps/1.xml",
        &format!(
            "<urlset><url><loc>{address}/a</loc></url><url><loc>{address}/b/c</loc></url>\
             <url><loc>http://127.0.0.1:9/elsewhere</loc></url></urlset>"
        ),
    );
    allow(data_dir.path(), &address);
    let report = ingest(&daedap, &[&address, "--follow", "sitemap"]).await;
    assert_eq!(counts(&report), [2, 0, 0, 0, 0], "{report}");
    assert_eq!(sources(&daedap, &address).await, ["/a", "/b/c"]);

    let nobody = daedap.run(&["ingest", "http://127.0.0.1:9/", "--follow", "links"]).await;
    assert_eq!(nobody.status.code(), Some(1));
    let said = String::from_utf8_lossy(&nobody.stderr);
    assert!(said.contains("private network"), "{said}");
}
