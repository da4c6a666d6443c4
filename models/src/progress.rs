//! Defines how the progress of downloads is reported. Does not draw it.

/// Something that happens to a download besides its progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Another process is downloading the model, and this one waits for it.
    WaitsForOther {
        /// The model's id.
        model: String,
    },
    /// A source failed, and the next one is tried.
    NextSource {
        /// Why it failed.
        error: String,
    },
}

/// Receives the progress of downloads. Calls come from one download at a time, in the order below.
pub trait Progress: Send + Sync {
    /// The download of a file begins. `total_bytes` is `None` where the source does not announce it.
    fn begin(&self, what: &str, total_bytes: Option<u64>);
    /// Number of bytes downloaded. It decreases when a download restarts.
    fn position(&self, bytes: u64);
    /// The download of the file ended, successfully or not.
    fn end(&self);
    /// Something else happens to the download.
    fn note(&self, notice: &Notice);
}

/// Reports nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _what: &str, _total_bytes: Option<u64>) {}
    fn position(&self, _bytes: u64) {}
    fn end(&self) {}
    fn note(&self, _notice: &Notice) {}
}
