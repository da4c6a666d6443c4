//! Telling people how a download stands.

use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Hears how a download stands. Calls come from one download at a time, in the order below.
pub trait Progress: Send + Sync {
    /// A file begins. `total_bytes` is `None` while no source has said it.
    fn begin(&self, what: &str, total_bytes: Option<u64>);
    /// So many of its bytes are here. It may go back, when a source has to begin again.
    fn position(&self, bytes: u64);
    /// The file is here, or was given up.
    fn end(&self);
    /// Something that people should know: a source failed, another process is waited for.
    fn note(&self, message: &str);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _what: &str, _total_bytes: Option<u64>) {}
    fn position(&self, _bytes: u64) {}
    fn end(&self) {}
    fn note(&self, _message: &str) {}
}

/// A bar on standard error; one line per file where that is no terminal.
#[derive(Debug, Default)]
pub struct Bars {
    bar: Mutex<Option<ProgressBar>>,
}

impl Bars {
    /// No bar yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A panic elsewhere while it was locked leaves a bar that can still be drawn.
    fn bar(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Bars {
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
            // Left on screen as the record of what was got.
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
        let bars = Bars::new();
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
