//! `daedap serve` as a child process: started, asked, killed, started again on the same data.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::daedap::Daedap;
use crate::eventually::within_time;

/// The line on standard output that says where the server is.
const ANNOUNCEMENT: &str = "listening on ";
/// Loading a model in a build without optimisation, on a busy machine.
const START_WITHIN: Duration = Duration::from_secs(120);
/// Requests in flight are drained before the process ends.
const STOP_WITHIN: Duration = Duration::from_secs(60);
/// What a failing test shows of the log.
const SHOWN_LOG_LINES: usize = 60;

/// A running server on a free port of the loopback address; killed when dropped.
pub struct Server {
    daedap: Daedap,
    child: Child,
    log: Log,
    base_url: String,
    client: Client,
    token: String,
}

impl Server {
    /// Starts `daedap serve` and waits until it says that it is ready.
    ///
    /// # Panics
    ///
    /// With the log, when it ends or is not ready within two minutes.
    pub async fn start(daedap: Daedap) -> Self {
        Self::run(daedap, "serve").await
    }

    /// Starts `daedap start`, which loads the sample documents the first time, and waits until it says that it is ready.
    ///
    /// # Panics
    ///
    /// As [`Server::start`].
    pub async fn start_with_sample(daedap: Daedap) -> Self {
        Self::run(daedap, "start").await
    }

    async fn run(daedap: Daedap, command: &str) -> Self {
        let mut child = daedap
            .command(&[command, "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let log = Log::default();
        log.follow(child.stdout.take().expect("standard output is piped"));
        log.follow(child.stderr.take().expect("standard error is piped"));
        // No proxy of the surroundings stands between a test and the loopback address.
        let client = Client::builder().no_proxy().build().expect("a client without special settings");
        let mut server = Self { daedap, child, log, base_url: String::new(), client, token: String::new() };
        server.wait_until_ready().await;
        server
    }

    async fn wait_until_ready(&mut self) {
        let ready = within_time(START_WITHIN, async || {
            if let Some(status) = self.child.try_wait().expect("a child can be asked how it is") {
                panic!("the server ended with {status} instead of getting ready");
            }
            self.base_url = self.log.announced_url()?;
            self.token = self.daedap.owner_token();
            let answer = self.get("/readyz").send().await.ok()?;
            answer.status().is_success().then_some(())
        });
        ready.await.unwrap_or_else(|| panic!("the server did not get ready within {START_WITHIN:?}"));
    }

    /// The absolute URL of `path`, which starts with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// A request of the owner to `path`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_of_nobody(method, path).bearer_auth(&self.token)
    }

    /// A request to `path` that does not say whom it comes from.
    pub fn request_of_nobody(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// What the requests of the owner carry.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A link that signs a browser in, once.
    ///
    /// # Panics
    ///
    /// When the server gives none.
    pub async fn login_link(&self) -> String {
        let reply = self.post("/api/v1/login/codes").send().await.expect("the server listens");
        let reply: serde_json::Value = reply.json().await.expect("the reply is JSON");
        self.url(reply["link"].as_str().expect("a code comes with a link"))
    }

    /// A GET request to `path`.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// A POST request to `path`.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    /// A PATCH request to `path`.
    pub fn patch(&self, path: &str) -> RequestBuilder {
        self.request(Method::PATCH, path)
    }

    /// A DELETE request to `path`.
    pub fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path)
    }

    /// All it has written so far, to both streams.
    pub fn log(&self) -> String {
        self.log.lines().join("\n")
    }

    /// The process id, to look at its memory.
    pub fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends it in the middle of whatever it does, as a power cut would (`SIGKILL`).
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("a child of ours can be killed");
    }

    /// Kills it if it still runs, and starts it again on the same data. The port is another one.
    pub async fn restart(mut self) -> Self {
        self.kill().await;
        Self::start(self.daedap.clone()).await
    }

    /// Asks it to end (`SIGTERM`) and waits until it has.
    ///
    /// # Panics
    ///
    /// When it has not ended within a minute.
    pub async fn stop(mut self) -> ExitStatus {
        let id = self.child.id().expect("the server runs").to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await.expect("kill is there");
        assert!(sent.success(), "no signal could be sent to process {id}");
        match tokio::time::timeout(STOP_WITHIN, self.child.wait()).await {
            Ok(status) => {
                let status = status.expect("a child can be waited for");
                assert_eq!(status.signal(), None, "the server died of the signal instead of draining");
                status
            }
            Err(_) => panic!("the server did not end within {STOP_WITHIN:?} of SIGTERM"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let lines = self.log.lines();
            let shown = &lines[lines.len().saturating_sub(SHOWN_LOG_LINES)..];
            eprintln!("--- the end of the server's log\n{}\n---", shown.join("\n"));
        }
    }
}

/// The lines of both streams, in the order in which they were read.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn follow(&self, stream: impl AsyncRead + Send + Unpin + 'static) {
        let log = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stream).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                log.lines().push(line);
            }
        });
    }

    fn announced_url(&self) -> Option<String> {
        self.lines().iter().find_map(|line| line.strip_prefix(ANNOUNCEMENT)).map(|url| url.trim().to_owned())
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        // A panic elsewhere does not make the lines worth less.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
