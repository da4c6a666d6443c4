//! Checks that every setting lies within its bounds.

use std::ops::RangeInclusive;

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
    for (setting, share) in [
        ("retrieval.dense_share", config.retrieval.dense_share),
        ("retrieval.evidence_threshold", config.retrieval.evidence_threshold),
    ] {
        if !(0.0..=1.0).contains(&share) {
            return Err(out_of_bounds(setting, format!("is {share}; it must lie in 0..=1")));
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
    let reason =
        "must be a loopback address: this version has no keys, so whoever reaches it can do everything";
    Err(out_of_bounds("listen", reason.to_owned()))
}

/// The settings that count something, with their bounds.
fn counts(config: &Config) -> [(&'static str, usize, RangeInclusive<usize>); 16] {
    let Config { ingest, reranker, retrieval, chat, generator, .. } = config;
    let retry_seconds = usize::try_from(ingest.retry_seconds).unwrap_or(usize::MAX);
    [
        ("ingest.chunk_tokens", ingest.chunk_tokens, 32..=4_096),
        ("ingest.workers", ingest.workers, 1..=64),
        ("ingest.retries", ingest.retries as usize, 0..=100),
        ("ingest.retry_seconds", retry_seconds, 1..=600),
        ("ingest.keep_versions", ingest.keep_versions as usize, 1..=10_000),
        ("reranker.candidates", reranker.candidates, 2..=200),
        ("reranker.deadline_ms", reranker.deadline_ms as usize, 1..=60_000),
        ("reranker.max_tokens", reranker.max_tokens, 32..=8_192),
        ("retrieval.parallel", retrieval.parallel, 1..=256),
        ("retrieval.queue_length", retrieval.queue_length, 1..=10_000),
        ("chat.passages", chat.passages, 1..=32),
        ("chat.answer_tokens", chat.answer_tokens, 16..=8_192),
        ("chat.question_characters", chat.question_characters, 1..=100_000),
        ("generator.parallel", generator.parallel, 1..=256),
        ("generator.queue_length", generator.queue_length, 1..=10_000),
        ("generator.cache_mib", generator.cache_mib, 64..=1 << 20),
    ]
}

fn out_of_bounds(setting: &'static str, reason: String) -> ConfigError {
    ConfigError::OutOfBounds { setting, reason }
}
