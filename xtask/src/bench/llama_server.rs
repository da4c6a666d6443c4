//! Runs llama.cpp's server under a crowd of chats, over HTTP on loopback.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::crowd::{Crowd, CrowdFigures};

/// Ids from here on are ordinary text in both models.
const FIRST_TOKEN: usize = 1000;
/// Number of token ids that prompts are made of.
const TOKENS: usize = 40_000;

/// A running server, stopped when dropped.
pub(super) struct LlamaServer {
    process: Child,
    url: String,
}

impl Drop for LlamaServer {
    fn drop(&mut self) {
        // It may have exited by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// When a request was sent and when its tokens arrived.
struct Times {
    began: Instant,
    tokens: Vec<Instant>,
}

impl LlamaServer {
    /// Starts the server with one slot for each request of the crowd, each large enough for the longest prompt.
    pub(super) fn start(folder: &Path, model: &Path, threads: usize, crowd: &Crowd) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let slots = crowd.chats + 1;
        let context = slots * (crowd.arriving + crowd.generate).next_multiple_of(256);
        let mut command = Command::new(folder.join("llama-server"));
        command.arg("-m").arg(model);
        for (option, value) in
            [("-t", threads), ("-np", slots), ("-c", context), ("--port", usize::from(port))]
        {
            command.args([option, &value.to_string()]);
        }
        let process = command
            .args(["--host", "127.0.0.1"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot run llama-server")?;
        let server = Self { process, url: format!("http://127.0.0.1:{port}") };
        for _ in 0..600 {
            if ureq::get(format!("{}/health", server.url)).call().is_ok() {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        anyhow::bail!("llama-server did not start");
    }

    /// Serves the crowd and measures it.
    pub(super) fn serve(&self, crowd: &Crowd) -> Result<CrowdFigures> {
        let (chats, arriving) = self.request_all(crowd)?;
        figures(crowd, &chats, &arriving)
    }

    /// Sends all chats at once, and the long prompt when each chat has its first token.
    fn request_all(&self, crowd: &Crowd) -> Result<(Vec<Times>, Times)> {
        let (chats, arriving) = std::thread::scope(|scope| {
            let (first_token, first_tokens) = mpsc::channel();
            let chats: Vec<_> = (0..crowd.chats)
                .map(|seed| {
                    let first_token = first_token.clone();
                    let on_first_token = move || {
                        // The receiver outlives all senders.
                        let _ = first_token.send(());
                    };
                    scope.spawn(move || {
                        self.request(crowd.prompt_tokens, seed, crowd.generate, on_first_token)
                    })
                })
                .collect();
            drop(first_token);
            // Fewer arrive where a chat failed, which `joined` reports.
            let have_all_begun = first_tokens.iter().take(crowd.chats).count() == crowd.chats;
            let arriving = have_all_begun.then(|| self.request(crowd.arriving, crowd.chats, 1, || {}));
            (chats.into_iter().map(joined).collect::<Result<Vec<_>>>(), arriving)
        });
        Ok((chats?, arriving.context("not all chats began")??))
    }

    /// Requests `generate` tokens after a prompt that `seed` makes unique; calls `on_first_token` with the first one.
    fn request(
        &self,
        prompt_tokens: usize,
        seed: usize,
        generate: usize,
        on_first_token: impl Fn(),
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
                    on_first_token();
                }
                times.tokens.push(Instant::now());
            }
        }
        ensure!(!times.tokens.is_empty(), "llama-server generated no tokens");
        Ok(times)
    }
}

fn joined(chat: ScopedJoinHandle<'_, Result<Times>>) -> Result<Times> {
    chat.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a request panicked")))
}

fn figures(crowd: &Crowd, chats: &[Times], arriving: &Times) -> Result<CrowdFigures> {
    let all = || chats.iter().chain([arriving]);
    let began = all().map(|times| times.began).min().context("no request was sent")?;
    let ended = all().filter_map(|times| times.tokens.last()).max().context("no request was answered")?;
    let prompt_tokens = crowd.chats * crowd.prompt_tokens + crowd.arriving;
    let generated: usize = all().map(|times| times.tokens.len()).sum();
    let first = arriving.tokens.first().context("the long prompt was not answered")?;
    let gaps = chats.iter().flat_map(|times| times.tokens.windows(2));
    let mut gaps_ms: Vec<f64> = gaps
        .filter(|pair| pair[1] > arriving.began && pair[0] < *first)
        .map(|pair| (pair[1] - pair[0]).as_secs_f64() * 1e3)
        .collect();
    gaps_ms.sort_by(f64::total_cmp);
    let rank = (gaps_ms.len() as f64 * 0.99).ceil() as usize;
    Ok(CrowdFigures {
        tokens_per_s: (prompt_tokens + generated) as f64 / (*ended - began).as_secs_f64(),
        gap_p99_ms: gaps_ms.get(rank.saturating_sub(1)).copied().unwrap_or(0.0),
    })
}
