//! Tests that a collection follows its web site, and that a site that fails removes nothing.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use domain::{CollectionId, Visibility};
use fetch::{Fetcher, Follow, Site};
use futures::future::join_all;
use ingest::{IngestReport, RemovalLimit, SiteRequest, sync_site};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::kit::{Kit, WORKSPACE};

const MAX_PAGE_BYTES: u64 = 1 << 20;

/// How the server answers a path.
#[derive(Clone)]
enum Answer {
    Page(String),
    Status(u16),
    Redirect(u16, &'static str),
    /// It closes the connection without a word.
    Nothing,
}

/// A site that can be changed, and that remembers what it was asked for.
#[derive(Clone)]
struct SiteOnTest {
    address: SocketAddr,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl SiteOnTest {
    /// A site of five pages: the start, two that it links to, and two behind one of them.
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let site = Self { address, answers: Arc::default(), asked: Arc::default() };
        site.page("/help/", "Start", &["hub.html", "b.html"]);
        site.page("/help/hub.html", "Hub", &["c.html", "d.html"]);
        for name in ["b", "c", "d"] {
            site.page(&format!("/help/{name}.html"), name, &[]);
        }
        let pages = ["", "hub.html", "b.html", "c.html", "d.html"].map(|name| format!("/help/{name}"));
        site.sitemap("/sitemap.xml", pages.iter());
        let serving = site.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(answer(connection, serving.clone()));
            }
        });
        site
    }

    fn put(&self, path: &str, answer: Answer) {
        self.answers.lock().expect("no panic").insert(path.to_owned(), answer);
    }

    fn page(&self, path: &str, title: &str, links: &[&str]) {
        let links: String = links.iter().map(|link| format!("<a href='{link}'>{link}</a> ")).collect();
        let page = format!(
            "<!doctype html><html><head><title>{title}</title></head><body><main><h1>{title}</h1>\
             <p>This is the page {title} of the help.</p>{links}</main></body></html>"
        );
        self.put(path, Answer::Page(page));
    }

    fn sitemap<'a>(&self, path: &str, pages: impl Iterator<Item = &'a String>) {
        let entry = |page: &String| format!("<url><loc>http://{}{page}</loc></url>", self.address);
        let entries: String = pages.map(entry).collect();
        self.put(path, Answer::Page(format!("<urlset>{entries}</urlset>")));
    }

    fn put_everywhere(&self, answer: &Answer) {
        for (path, kept) in self.answers.lock().expect("no panic").iter_mut() {
            if path.starts_with("/help/") {
                *kept = answer.clone();
            }
        }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("no panic"))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn answer(mut connection: TcpStream, site: SiteOnTest) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(connection.read_u8().await?);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let answer = site.answers.lock().expect("no panic").get(&path).cloned().unwrap_or(Answer::Status(404));
    site.asked.lock().expect("no panic").push(path);
    let (status, header, body) = match answer {
        Answer::Page(page) => (200, String::new(), page),
        Answer::Status(status) => (status, String::new(), "Back soon.".to_owned()),
        Answer::Redirect(status, to) => (status, format!("Location: {to}\r\n"), String::new()),
        Answer::Nothing => return connection.shutdown().await,
    };
    let head =
        format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{header}Content-Length: {}\r\n\r\n", body.len());
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(body.as_bytes()).await?;
    connection.shutdown().await
}

/// A collection that follows a site.
struct Followed<'a> {
    kit: &'a Kit,
    site: SiteOnTest,
    collection: CollectionId,
    follow: Follow,
}

impl<'a> Followed<'a> {
    /// A site, and a collection that holds its five pages.
    async fn begin(kit: &'a Kit, name: &str, follow: Follow) -> Self {
        let site = SiteOnTest::start().await;
        let made =
            kit.db.ensure_collection(WORKSPACE, name, Visibility::Private).await.expect("a collection");
        let followed = Self { kit, site, collection: made.id, follow };
        followed.site.put("/help/llms.txt", Answer::Status(404));
        let report = followed.crawl(RemovalLimit::Few, 100).await;
        assert_eq!((report.added, report.failed.len()), (5, 0), "{name}: {report:?}");
        followed.site.asked();
        followed
    }

    async fn crawl(&self, removals: RemovalLimit, max_pages: usize) -> IngestReport {
        let fetcher =
            Fetcher::new(vec![self.site.address.to_string().parse().expect("a host")], MAX_PAGE_BYTES);
        let start = Url::parse(&self.site.url("/help/")).expect("an address");
        let request = SiteRequest {
            workspace: WORKSPACE,
            collection: self.collection,
            site: Site { start, follow: self.follow, max_pages, max_depth: 8 },
            tags: None,
            removals,
        };
        sync_site(&self.kit.context, &fetcher, request, |_| {}).await.expect("a report")
    }

    /// Paths of the documents, in order.
    async fn documents(&self) -> Vec<String> {
        let stored = self.kit.db.document_sources(WORKSPACE, self.collection).await.expect("a list");
        let root = self.site.url("/help/");
        let mut paths: Vec<String> = stored.iter().map(|row| row.source.replace(&root, "")).collect();
        paths.sort();
        paths
    }
}

fn paths(site: &SiteOnTest, report: &IngestReport) -> Vec<(String, String)> {
    let root = site.url("");
    report.failed.iter().map(|failed| (failed.source.replace(&root, ""), failed.code.clone())).collect()
}

/// A way in which a site fails, and the address that the report must name.
struct Failure {
    name: &'static str,
    follow: Follow,
    change: fn(&SiteOnTest),
    failing: &'static str,
    code: &'static str,
}

const fn failure(
    name: &'static str,
    follow: Follow,
    failing: &'static str,
    code: &'static str,
    change: fn(&SiteOnTest),
) -> Failure {
    Failure { name, follow, change, failing, code }
}

const FAILURES: &[Failure] = &[
    failure("the start fails", Follow::Links, "/help/", "page_status", |site| {
        site.put("/help/", Answer::Status(503));
    }),
    failure("the start does not answer", Follow::Links, "/help/", "unreachable", |site| {
        site.put("/help/", Answer::Nothing);
    }),
    failure("a hub fails", Follow::Links, "/help/hub.html", "page_status", |site| {
        site.put("/help/hub.html", Answer::Status(503));
    }),
    failure("a hub is empty", Follow::Links, "/help/hub.html", "empty", |site| {
        site.put("/help/hub.html", Answer::Page(String::new()));
    }),
    failure("a hub is forbidden", Follow::Links, "/help/hub.html", "page_status", |site| {
        site.put("/help/hub.html", Answer::Status(403));
    }),
    failure("the start redirects out of the site", Follow::Links, "/help/", "redirected", |site| {
        site.put("/help/", Answer::Redirect(302, "/maintenance"));
        site.page("/maintenance", "Maintenance", &[]);
    }),
    failure("the start redirects within the site", Follow::Links, "/help/", "redirected", |site| {
        site.put("/help/", Answer::Redirect(302, "/help/maintenance"));
        site.page("/help/maintenance", "Maintenance", &[]);
    }),
    failure("a hub redirects to the start", Follow::Links, "/help/hub.html", "redirected", |site| {
        site.put("/help/hub.html", Answer::Redirect(302, "/help/"));
    }),
    failure("everything asks to log in", Follow::Links, "/help/", "redirected", |site| {
        site.put_everywhere(&Answer::Redirect(302, "/login"));
        site.page("/login", "Log in", &[]);
    }),
    failure("everything moved to one page", Follow::Links, "/help/hub.html", "redirected", |site| {
        site.put_everywhere(&Answer::Redirect(301, "/help/login"));
        site.page("/help/login", "Log in", &[]);
    }),
    failure(
        "a maintenance page is where the start was",
        Follow::Links,
        "/help/",
        "too_many_removals",
        |site| {
            site.page("/help/", "Maintenance", &[]);
        },
    ),
    failure("the rules cannot be read", Follow::Links, "/robots.txt", "page_status", |site| {
        site.put("/robots.txt", Answer::Status(503));
    }),
    failure("the list fails", Follow::Links, "/help/llms.txt", "page_status", |site| {
        site.put("/help/llms.txt", Answer::Status(503));
        site.page("/help/", "Start", &["b.html"]);
    }),
    failure("a page is where the list was", Follow::Links, "/help/llms.txt", "bad_list", |site| {
        site.page("/help/llms.txt", "Log in", &[]);
        site.page("/help/", "Start", &["b.html"]);
    }),
    failure("the sitemap fails", Follow::Sitemap, "/sitemap.xml", "page_status", |site| {
        site.put("/sitemap.xml", Answer::Status(503));
    }),
    failure("the sitemap is gone", Follow::Sitemap, "/sitemap.xml", "page_status", |site| {
        site.put("/sitemap.xml", Answer::Status(404));
    }),
    failure("a page is where the sitemap was", Follow::Sitemap, "/sitemap.xml", "bad_list", |site| {
        site.page("/sitemap.xml", "Maintenance", &[]);
    }),
    failure("the sitemap is cut off", Follow::Sitemap, "/sitemap.xml", "bad_list", |site| {
        let start = format!("<urlset><url><loc>{}</loc></url><url>", site.url("/help/b.html"));
        site.put("/sitemap.xml", Answer::Page(start));
    }),
];

async fn check(kit: &Kit, failure: &Failure) {
    let name = failure.name;
    let followed = Followed::begin(kit, name, failure.follow).await;
    (failure.change)(&followed.site);
    let report = followed.crawl(RemovalLimit::Few, 100).await;
    assert_eq!(report.removed, 0, "{name}: {report:?}");
    let documents = followed.documents().await;
    for page in ["", "b.html", "c.html", "d.html", "hub.html"] {
        assert!(documents.contains(&page.to_owned()), "{name}: no {page:?} in {documents:?}");
    }
    let failed = paths(&followed.site, &report);
    let expected = (failure.failing.to_owned(), failure.code.to_owned());
    assert!(failed.contains(&expected), "{name}: {failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_fails_removes_nothing_and_is_reported() {
    let Some(kit) = Kit::new().await else { return };
    join_all(FAILURES.iter().map(|failure| check(&kit, failure))).await;
    kit.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_says_which_pages_are_gone() {
    let Some(kit) = Kit::new().await else { return };
    let gone = async {
        let followed = Followed::begin(&kit, "gone", Follow::Links).await;
        followed.site.put("/help/b.html", Answer::Status(404));
        // A page that fails hides its links, and no page behind it that says itself that it is gone.
        followed.site.put("/help/hub.html", Answer::Status(500));
        followed.site.put("/help/c.html", Answer::Status(410));
        let report = followed.crawl(RemovalLimit::Few, 100).await;
        assert_eq!(report.removed, 2, "{report:?}");
        assert_eq!(followed.documents().await, ["", "d.html", "hub.html"]);
    };
    let not_linked = async {
        let followed = Followed::begin(&kit, "not linked", Follow::Links).await;
        followed.site.page("/help/hub.html", "Hub", &["d.html"]);
        let report = followed.crawl(RemovalLimit::Few, 100).await;
        assert_eq!((report.removed, report.failed.len()), (1, 0), "{report:?}");
        assert_eq!(followed.documents().await, ["", "b.html", "d.html", "hub.html"]);
    };
    let moved = async {
        let followed = Followed::begin(&kit, "moved", Follow::Links).await;
        followed.site.put("/help/b.html", Answer::Redirect(301, "/help/new.html"));
        followed.site.page("/help/new.html", "b", &[]);
        let report = followed.crawl(RemovalLimit::Few, 100).await;
        assert_eq!((report.added, report.removed, report.failed.len()), (1, 1, 0), "{report:?}");
        assert_eq!(followed.documents().await, ["", "c.html", "d.html", "hub.html", "new.html"]);
    };
    let all_of_them = async {
        let followed = Followed::begin(&kit, "all of them", Follow::Links).await;
        followed.site.page("/help/", "Start", &["new.html"]);
        followed.site.page("/help/new.html", "New", &[]);
        let report = followed.crawl(RemovalLimit::Few, 100).await;
        assert_eq!((report.added, report.updated, report.removed), (1, 1, 0), "{report:?}");
        assert_eq!(paths(&followed.site, &report), [("/help/".to_owned(), "too_many_removals".to_owned())]);
        let report = followed.crawl(RemovalLimit::Unlimited, 100).await;
        assert_eq!((report.removed, report.failed.len()), (4, 0), "{report:?}");
        assert_eq!(followed.documents().await, ["", "new.html"]);
    };
    futures::join!(gone, not_linked, moved, all_of_them);
    kit.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_takes_up_no_more_than_it_may_visit() {
    let Some(kit) = Kit::new().await else { return };
    let followed = Followed::begin(&kit, "large", Follow::Sitemap).await;
    let many: Vec<String> = (0..20).map(|number| format!("/maps/{number}.xml")).collect();
    for map in &many {
        let pages: Vec<String> = (0..100).map(|number| format!("/help{map}/{number}")).collect();
        followed.site.sitemap(map, pages.iter());
    }
    let named: String = many.iter().map(|map| format!("Sitemap: {}\n", followed.site.url(map))).collect();
    followed.site.put("/robots.txt", Answer::Page(named));
    let report = followed.crawl(RemovalLimit::Few, 1).await;
    assert_eq!((report.removed, followed.documents().await.len()), (0, 5), "{report:?}");
    assert_eq!(followed.site.asked(), ["/robots.txt", "/maps/0.xml", "/help/maps/0.xml/0"]);
}
