//! Reports the progress of downloads.

use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Receives the progress of downloads. Calls come from one download at a time, in the order below.
pub trait Progress: Send + Sync {
    /// The download of a file begins. `total_bytes` is `None` where the source does not announce it.
    fn begin(&self, what: &str, total_bytes: Option<u64>);
    /// Number of bytes downloaded. It decreases when a download restarts.
    fn position(&self, bytes: u64);
    /// The download of the file ended, successfully or not.
    fn end(&self);
    /// A message for the user: a source failed, another process holds the lock.
    fn note(&self, message: &str);
}

/// Reports nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _what: &str, _total_bytes: Option<u64>) {}
    fn position(&self, _bytes: u64) {}
    fn end(&self) {}
    fn note(&self, _message: &str) {}
}

/// Draws a bar on standard error; prints one line per file where that is not a terminal.
#[derive(Debug, Default)]
pub struct ProgressBars {
    bar: Mutex<Option<ProgressBar>>,
}

impl ProgressBars {
    /// Progress without a bar yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A poisoned lock is harmless: the bar can still be drawn.
    fn bar(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for ProgressBars {
    fn begin(&self, what: &str, total_bytes: Option<u64>) {
        if !std::io::stderr().is_terminal() {
            match total_bytes {
                Some(total) => eprintln!("downloading {what} ({})", HumanBytes(total)),
                None => eprintln!("downloading {what}"),
            }
            return;
        }
        let template = match total_bytes {
            Some(_) => "{msg} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}",
            None => "{msg} {spinner} {binary_bytes} {binary_bytes_per_sec}",
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(total_bytes, ProgressDrawTarget::stderr())
            .with_style(style)
            .with_message(what.to_owned());
        *self.bar() = Some(bar);
    }

    fn position(&self, bytes: u64) {
        if let Some(bar) = &*self.bar() {
            bar.set_position(bytes);
        }
    }

    fn end(&self) {
        if let Some(bar) = self.bar().take() {
            // Stays on screen as a record of the download.
            bar.abandon();
        }
    }

    fn note(&self, message: &str) {
        match &*self.bar() {
            Some(bar) => bar.suspend(|| eprintln!("{message}")),
            None => eprintln!("{message}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_templates_are_well_formed() {
        let bars = ProgressBars::new();
        for total in [Some(10), None] {
            bars.begin("file", total);
            bars.position(5);
            bars.end();
        }
        for template in [
            "{msg} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}",
            "{msg} {spinner} {binary_bytes} {binary_bytes_per_sec}",
        ] {
            ProgressStyle::with_template(template).unwrap();
        }
    }
}
