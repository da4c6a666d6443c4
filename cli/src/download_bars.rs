//! Draws the progress of model downloads on standard error: a bar, or one line per file where that is not a terminal.

use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use models::{Notice, Progress};

use crate::messages::message;
use crate::progress::say;

const OF_KNOWN_SIZE: &str =
    "{msg} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";
const OF_UNKNOWN_SIZE: &str = "{msg} {spinner} {binary_bytes} {binary_bytes_per_sec}";

/// The bar of the download that is under way.
#[derive(Debug, Default)]
pub(crate) struct DownloadBars {
    bar: Mutex<Option<ProgressBar>>,
}

impl DownloadBars {
    /// A poisoned lock is harmless: the bar can still be drawn.
    fn bar(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for DownloadBars {
    fn begin(&self, what: &str, total_bytes: Option<u64>) {
        if !std::io::stderr().is_terminal() {
            say(&match total_bytes {
                Some(total) => {
                    let size = HumanBytes(total).to_string();
                    message!("cli-models-downloading-size", file = what, size = size)
                }
                None => message!("cli-models-downloading", file = what),
            });
            return;
        }
        let template = if total_bytes.is_some() { OF_KNOWN_SIZE } else { OF_UNKNOWN_SIZE };
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

    fn note(&self, notice: &Notice) {
        let line = match notice {
            Notice::WaitsForOther { model } => message!("cli-models-waits-for-other", model = model),
            Notice::NextSource { error } => message!("cli-models-next-source", error = error),
        };
        match &*self.bar() {
            Some(bar) => bar.suspend(|| say(&line)),
            None => say(&line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_templates_are_well_formed() {
        let bars = DownloadBars::default();
        for total in [Some(10), None] {
            bars.begin("file", total);
            bars.position(5);
            bars.end();
        }
        for template in [OF_KNOWN_SIZE, OF_UNKNOWN_SIZE] {
            ProgressStyle::with_template(template).unwrap();
        }
    }
}
