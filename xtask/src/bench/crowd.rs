//! Describes a load of concurrent chats and the figures it gives.

/// Chats that run at the same time.
pub(super) struct Crowd {
    pub(super) chats: usize,
    /// Prompt length of each chat.
    pub(super) prompt_tokens: usize,
    /// Tokens generated in each chat.
    pub(super) generate: usize,
    /// Length of one more prompt, sent once the last chat has its first token.
    pub(super) arriving: usize,
}

/// Figures of one run of a [`Crowd`].
pub(super) struct CrowdFigures {
    /// Prompt and generated tokens per second, from the first request to the last token.
    pub(super) tokens_per_s: f64,
    /// The 99th percentile of the time between two tokens of a chat while the long prompt is processed.
    pub(super) gap_p99_ms: f64,
}
