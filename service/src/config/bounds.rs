//! Checks that every setting lies within its bounds.

use std::ops::RangeInclusive;

use url::Host;

use super::error::ConfigError;
use super::settings::Config;

/// The settings, if each lies within its bounds and none contradicts another.
pub(super) fn checked(config: Config) -> Result<Config, ConfigError> {
    check_listen(&config)?;
    for (setting, value, range) in counts(&config) {
        if !range.contains(&value) {
            return Err(out_of_bounds(setting, format!("is {value}; it must lie in {range:?}")));
        }
    }
    for (setting, value, range) in shares(&config) {
        if !range.contains(&value) {
            return Err(out_of_bounds(setting, format!("is {value}; it must lie in {range:?}")));
        }
    }
    for name in &config.server.public_names {
        // A pattern is the name of no host, and no request would match it.
        if name.contains('*') || Host::parse(name).is_err() {
            let reason = format!("has `{name}`, which is not the name of a host");
            return Err(out_of_bounds("server.public_names", reason));
        }
    }
    for source in &config.sources {
        source.checked().map_err(|reason| out_of_bounds("sources", reason))?;
    }
    if config.ingest.overlap_tokens >= config.ingest.chunk_tokens {
        let reason = "must be smaller than ingest.chunk_tokens".to_owned();
        return Err(out_of_bounds("ingest.overlap_tokens", reason));
    }
    Ok(config)
}

fn check_listen(config: &Config) -> Result<(), ConfigError> {
    if config.listen.ip().is_loopback() {
        return Ok(());
    }
    let reason = "must be a loopback address: this version has no user accounts";
    Err(out_of_bounds("listen", reason.to_owned()))
}

/// The settings that count something, with their bounds.
fn counts(config: &Config) -> [(&'static str, u64, RangeInclusive<u64>); 24] {
    let Config { server, embedder, ingest, reranker, retrieval, chat, generator, .. } = config;
    [
        ("server.connections", server.connections as u64, 16..=65_536),
        ("server.connections_per_address", server.connections_per_address as u64, 4..=65_536),
        ("embedder.threads", embedder.threads as u64, 0..=1_024),
        ("ingest.chunk_tokens", ingest.chunk_tokens as u64, 32..=4_096),
        ("ingest.overlap_tokens", ingest.overlap_tokens as u64, 0..=4_095),
        // Larger ones would be stored, and then refused by the parser.
        ("ingest.document_bytes", ingest.document_bytes, 1..=parse::MAX_DOCUMENT_BYTES),
        ("ingest.workers", ingest.workers as u64, 1..=64),
        ("ingest.retries", ingest.retries.into(), 0..=100),
        ("ingest.retry_seconds", ingest.retry_seconds, 1..=600),
        ("ingest.keep_versions", ingest.keep_versions.into(), 1..=10_000),
        ("reranker.candidates", reranker.candidates as u64, 2..=200),
        ("reranker.deadline_ms", reranker.deadline_ms.into(), 1..=60_000),
        ("reranker.max_tokens", reranker.max_tokens as u64, 32..=8_192),
        ("retrieval.parallel", retrieval.parallel as u64, 1..=256),
        ("retrieval.queue_length", retrieval.queue_length as u64, 1..=10_000),
        ("chat.passages", chat.passages as u64, 1..=32),
        ("chat.answer_tokens", chat.answer_tokens as u64, 16..=8_192),
        // Escaped in JSON, a question of that length still fits into the body of a request.
        ("chat.question_characters", chat.question_characters as u64, 1..=20_000),
        ("chat.deadline_seconds", chat.deadline_seconds, 1..=86_400),
        ("generator.context_tokens", generator.context_tokens as u64, 0..=1 << 24),
        ("generator.threads", generator.threads as u64, 0..=1_024),
        ("generator.parallel", generator.parallel as u64, 1..=256),
        ("generator.queue_length", generator.queue_length as u64, 1..=10_000),
        ("generator.cache_mib", generator.cache_mib as u64, 64..=1 << 20),
    ]
}

/// The settings that are not whole numbers, with their bounds.
fn shares(config: &Config) -> [(&'static str, f32, RangeInclusive<f32>); 6] {
    let Config { retrieval, chat, .. } = config;
    [
        ("retrieval.dense_share", retrieval.dense_share, 0.0..=1.0),
        ("retrieval.evidence_threshold", retrieval.evidence_threshold, 0.0..=1.0),
        ("chat.temperature", chat.temperature, 0.0..=2.0),
        ("chat.top_p", chat.top_p, 0.01..=1.0),
        ("chat.min_p", chat.min_p, 0.0..=1.0),
        ("chat.repeat_penalty", chat.repeat_penalty, 1.0..=2.0),
    ]
}

fn out_of_bounds(setting: &'static str, reason: String) -> ConfigError {
    ConfigError::OutOfBounds { setting, reason }
}
