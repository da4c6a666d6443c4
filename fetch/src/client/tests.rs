//! The fetcher against a server on this machine, which it must be allowed to reach, and against all that it must not.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Mutex;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// More than any page of these tests, less than what is endless.
const LIMIT_BYTES: u64 = 100_000;

/// A server that answers each path with these bytes, as they are; those at `/endless` and `/slow` have no end.
async fn server(pages: &[(&str, Vec<u8>)]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let pages: HashMap<String, Vec<u8>> =
        pages.iter().map(|(path, page)| ((*path).to_owned(), page.clone())).collect();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer(connection, pages.clone()));
        }
    });
    address
}

async fn answer(mut connection: TcpStream, pages: HashMap<String, Vec<u8>>) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(connection.read_u8().await?);
    }
    let request = String::from_utf8_lossy(&request);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let page = pages.get(path).cloned().unwrap_or_else(|| page("404 Not Found", &[], ""));
    connection.write_all(&page).await?;
    match path {
        "/endless" => loop {
            connection.write_all(&[b'x'; 1000]).await?;
        },
        "/slow" => loop {
            connection.write_all(b"x").await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        },
        _ => connection.shutdown().await,
    }
}

fn page(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Vec<u8> {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n");
    [head.as_bytes(), body.as_ref()].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn redirect(goal: &str) -> Vec<u8> {
    page("302 Found", &[&format!("Location: {goal}")], "")
}

/// A fetcher that may reach `server`, and resolves names as `lookup` says.
fn fetcher(
    server: SocketAddr,
    lookup: impl Fn(&str, u16) -> Vec<SocketAddr> + Send + Sync + 'static,
) -> Fetcher {
    let allowed = vec![server.to_string().parse().expect("an address and a port")];
    let lookup: Lookup = Arc::new(move |name, port| {
        let found = lookup(&name, port);
        Box::pin(async move { Ok(found) })
    });
    Fetcher { lookup, timeout: Duration::from_secs(2), ..Fetcher::new(allowed, LIMIT_BYTES) }
}

fn nobody(_: &str, _: u16) -> Vec<SocketAddr> {
    Vec::new()
}

async fn code(fetcher: &Fetcher, url: &str) -> &'static str {
    match page_url(url) {
        Ok(url) => fetcher.fetch(&url).await.map_or_else(|error| error.code(), |_| "fetched"),
        Err(error) => error.code(),
    }
}

#[tokio::test]
async fn a_page_comes_with_its_date_and_through_redirects() {
    let date = "Last-Modified: Wed, 21 Oct 2026 07:28:00 GMT";
    let here = server(&[
        ("/a%20%EA%B0%80", page("200 OK", &[date], "안녕")),
        ("/old", redirect("/older")),
        ("/older", redirect("a%20가#part")),
    ])
    .await;
    let fetcher = fetcher(here, nobody);
    for path in ["/a 가#here", "/old"] {
        let page = fetcher.fetch(&page_url(&format!("http://{here}{path}")).unwrap()).await.unwrap();
        assert_eq!(page.bytes, "안녕".as_bytes());
        assert_eq!(page.modified_at.unwrap().to_string(), "2026-10-21T07:28:00Z");
    }
    assert_eq!(code(&fetcher, &format!("http://{here}/none")).await, "page_status");
}

#[tokio::test]
async fn this_machine_and_its_network_are_refused_in_every_spelling() {
    let here = server(&[("/", page("200 OK", &[], "secret"))]).await;
    // As the system does: the names of this machine lead to it.
    let fetcher = Fetcher::new(Vec::new(), LIMIT_BYTES);
    let port = here.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "0.0.0.0",
        "0",
        "[::]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "①②⑦.⓪.⓪.①",
        "１２７.０.０.１",
        "127。0。0。1",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "192.168.0.1",
        "172.16.0.1",
        "100.100.100.200",
        "[fe80::1]",
    ] {
        let refused = code(&fetcher, &format!("http://{host}:{port}/")).await;
        assert_eq!(refused, "address_refused", "{host}");
    }
}

#[tokio::test]
async fn a_name_is_believed_once_and_only_if_all_its_addresses_are_public() {
    let here = server(&[("/", page("200 OK", &[], "secret"))]).await;
    let inside: SocketAddr = format!("127.0.0.2:{}", here.port()).parse().unwrap();
    let outside: SocketAddr = format!("192.0.2.1:{}", here.port()).parse().unwrap();
    let public: SocketAddr = "1.1.1.1:80".parse().unwrap();
    let asked = Arc::new(Mutex::new(0));
    let counted = asked.clone();
    let fetcher = fetcher(here, move |name, _| match name {
        "metadata.google.internal" => vec!["169.254.169.254:80".parse().unwrap()],
        "both.example" => vec![public, inside],
        "mapped.example" => vec!["[::ffff:10.0.0.1]:80".parse().unwrap()],
        "documentation.example" => vec![outside],
        // The first answer may be reached; who asked a second time would be led astray.
        "rebinding.example" => {
            let mut asked = counted.lock().unwrap();
            *asked += 1;
            vec![if *asked == 1 { here } else { inside }]
        }
        _ => Vec::new(),
    });
    for name in ["metadata.google.internal", "both.example", "mapped.example", "documentation.example"] {
        assert_eq!(code(&fetcher, &format!("http://{name}/")).await, "address_refused", "{name}");
    }
    assert_eq!(code(&fetcher, "http://nowhere.example/").await, "unreachable");
    let page = fetcher.fetch(&page_url(&format!("http://rebinding.example:{}/", here.port())).unwrap()).await;
    assert_eq!(page.unwrap().bytes, "secret");
    assert_eq!(*asked.lock().unwrap(), 1, "it is asked once, and the connection goes where the answer said");
}

#[tokio::test]
async fn a_redirect_is_looked_at_like_any_address() {
    let here = server(&[
        ("/inside", redirect("http://127.0.0.2/")),
        ("/metadata", redirect("http://169.254.169.254/latest/meta-data/")),
        ("/spelled", redirect("http://[::ffff:7f00:2]/")),
        ("/named", redirect("http://inside.example/")),
        ("/file", redirect("file:///etc/passwd")),
        ("/password", redirect("http://ann:secret@example.com/")),
        ("/loop", redirect("/loop")),
        ("/lost", page("302 Found", &[], "")),
    ])
    .await;
    let fetcher = fetcher(here, |name, port| match name {
        "inside.example" => vec![SocketAddr::from(([10, 0, 0, 7], port))],
        _ => Vec::new(),
    });
    for (path, expected) in [
        ("/inside", "address_refused"),
        ("/metadata", "address_refused"),
        ("/spelled", "address_refused"),
        ("/named", "address_refused"),
        ("/file", "bad_url"),
        ("/password", "bad_url"),
        ("/loop", "too_many_redirects"),
        ("/lost", "bad_url"),
    ] {
        assert_eq!(code(&fetcher, &format!("http://{here}{path}")).await, expected, "{path}");
    }
}

#[tokio::test]
async fn what_does_not_end_is_ended() {
    let here = server(&[
        ("/endless", page("200 OK", &[], "")),
        ("/slow", page("200 OK", &[], "")),
        ("/promised", page("200 OK", &["Content-Length: 99999999"], "short")),
        ("/packed", page("200 OK", &["Content-Encoding: gzip"], gzip("안녕".as_bytes()))),
        ("/bomb", page("200 OK", &["Content-Encoding: gzip"], gzip(&vec![0; 50 << 20]))),
    ])
    .await;
    let fetcher = fetcher(here, nobody);
    for (path, expected) in [
        ("/endless", "too_large"),
        ("/slow", "too_slow"),
        ("/promised", "unreachable"),
        ("/bomb", "too_large"),
        ("/packed", "fetched"),
    ] {
        assert_eq!(code(&fetcher, &format!("http://{here}{path}")).await, expected, "{path}");
    }
}

#[test]
fn an_address_of_a_page_has_one_form() {
    let form = |text: &str| page_url(text).map(String::from);
    assert_eq!(
        form(" HTTPS://Example.COM:443/가 나?a=1#b ").unwrap(),
        "https://example.com/%EA%B0%80%20%EB%82%98?a=1"
    );
    for bad in
        ["", "example.com", "file:///etc/passwd", "ftp://example.com/", "http://", "http://ann@example.com/"]
    {
        assert_eq!(form(bad).unwrap_err().code(), "bad_url", "{bad}");
    }
}
