//! llama.cpp's server under a crowd, over HTTP on loopback.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::engine::{Crowd, Seen};

/// Tokens from here on stand for text in both models.
const FIRST_TOKEN: usize = 1000;
/// Ids that prompts are made of.
const TOKENS: usize = 40_000;

/// A running server. Ends when it is dropped.
pub(super) struct LlamaServer {
    process: Child,
    url: String,
}

impl Drop for LlamaServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// When the tokens of a request came.
struct Times {
    began: Instant,
    tokens: Vec<Instant>,
}

impl LlamaServer {
    /// Starts it with a place for each of the crowd, each large enough for the longest prompt.
    pub(super) fn start(folder: &Path, model: &Path, threads: usize, crowd: &Crowd) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let places = crowd.chats + 1;
        let context = places * (crowd.arriving + crowd.generate).next_multiple_of(256);
        let mut command = Command::new(folder.join("llama-server"));
        command.arg("-m").arg(model);
        for (option, value) in
            [("-t", threads), ("-np", places), ("-c", context), ("--port", usize::from(port))]
        {
            command.args([option, &value.to_string()]);
        }
        let process = command
            .args(["--host", "127.0.0.1"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("no llama-server")?;
        let server = Self { process, url: format!("http://127.0.0.1:{port}") };
        for _ in 0..600 {
            if ureq::get(format!("{}/health", server.url)).call().is_ok() {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        anyhow::bail!("llama-server did not start");
    }

    /// What the crowd sees.
    pub(super) fn meet(&self, crowd: &Crowd) -> Result<Seen> {
        let (chats, arriving) = std::thread::scope(|scope| {
            let (begins, begun) = mpsc::channel();
            let chats: Vec<_> = (0..crowd.chats)
                .map(|seed| {
                    let begins = begins.clone();
                    let begins = move || {
                        // The reader waits for all of them.
                        let _ = begins.send(());
                    };
                    scope.spawn(move || self.request(crowd.prompt_tokens, seed, crowd.generate, begins))
                })
                .collect();
            drop(begins);
            // Ends early where a chat failed, which is reported below.
            let all_write = begun.iter().take(crowd.chats).count() == crowd.chats;
            let arriving = all_write.then(|| self.request(crowd.arriving, crowd.chats, 1, || {}));
            let joined = |chat: std::thread::ScopedJoinHandle<'_, Result<Times>>| {
                chat.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a request panicked")))
            };
            (chats.into_iter().map(joined).collect::<Result<Vec<_>>>(), arriving)
        });
        let (chats, arriving) = (chats?, arriving.context("not all chats began")??);
        let all = || chats.iter().chain([&arriving]);
        let began = all().map(|times| times.began).min().context("nobody asked")?;
        let ended = all().filter_map(|times| times.tokens.last()).max().context("nobody was answered")?;
        let read = crowd.chats * crowd.prompt_tokens + crowd.arriving;
        let written: usize = all().map(|times| times.tokens.len()).sum();
        let first = arriving.tokens.first().context("the long prompt was not answered")?;
        let gaps = chats.iter().flat_map(|times| times.tokens.windows(2));
        let mut gaps: Vec<f64> = gaps
            .filter(|pair| pair[1] > arriving.began && pair[0] < *first)
            .map(|pair| (pair[1] - pair[0]).as_secs_f64() * 1e3)
            .collect();
        gaps.sort_by(f64::total_cmp);
        let rank = (gaps.len() as f64 * 0.99).ceil() as usize;
        let gap_p99_ms = gaps.get(rank.saturating_sub(1)).copied().unwrap_or(0.0);
        Ok(Seen { tokens_per_s: (read + written) as f64 / (*ended - began).as_secs_f64(), gap_p99_ms })
    }

    /// Asks for `generate` tokens after a prompt of its own, and calls `begins` with the first of them.
    fn request(
        &self,
        prompt_tokens: usize,
        seed: usize,
        generate: usize,
        begins: impl Fn(),
    ) -> Result<Times> {
        let prompt: Vec<usize> = (0..prompt_tokens)
            .map(|at| FIRST_TOKEN + (at * 7919 + (seed + 1) * 104_729 + at * at * 31) % TOKENS)
            .collect();
        let body = json!({
            "prompt": prompt, "n_predict": generate, "ignore_eos": true, "temperature": 0,
            "cache_prompt": false, "stream": true,
        });
        let mut times = Times { began: Instant::now(), tokens: Vec::new() };
        let response = ureq::post(format!("{}/completion", self.url)).send_json(body)?;
        for line in BufReader::new(response.into_body().into_reader()).lines() {
            // The last event has the statistics and no token.
            if line?.strip_prefix("data: ").is_some_and(|event| event.contains("\"stop\":false")) {
                if times.tokens.is_empty() {
                    begins();
                }
                times.tokens.push(Instant::now());
            }
        }
        ensure!(!times.tokens.is_empty(), "llama-server wrote nothing");
        Ok(times)
    }
}
