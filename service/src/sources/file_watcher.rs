//! Watches files: the operating system reports changes, which are passed on once nothing has been written for a moment.

use std::path::PathBuf;
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// How long nothing must have been written: copying a folder or saving a file is many changes.
const QUIET_TIME: Duration = Duration::from_secs(1);

/// Longest wait for a quiet moment.
const MAX_WAIT_FOR_QUIET: Duration = Duration::from_secs(30);

/// How often a change is assumed without a report: network drives report none.
const POLL_EVERY: Duration = Duration::from_secs(600);

/// Reports changes below some paths.
pub struct FileWatcher {
    reports: mpsc::Receiver<()>,
    /// Dropping it ends the watch; absent where the operating system reports nothing.
    _watcher: Option<RecommendedWatcher>,
}

impl FileWatcher {
    /// Watches from now on. Where the operating system cannot report changes, one is assumed every ten minutes.
    pub fn new(paths: &[PathBuf]) -> Self {
        let (sender, reports) = mpsc::channel(1);
        let watcher = watcher(paths, sender);
        if let Err(error) = &watcher {
            tracing::warn!(%error, "cannot watch files; checking them every ten minutes");
        }
        Self { reports, _watcher: watcher.ok() }
    }

    /// Waits until there may have been a change since the last call.
    pub async fn next(&mut self) {
        // A timeout, or a watch that ended: both mean to check.
        if !matches!(timeout(POLL_EVERY, self.reports.recv()).await, Ok(Some(()))) {
            if self.reports.is_closed() {
                sleep(POLL_EVERY).await;
            }
            return;
        }
        let quiet = async { while let Ok(Some(())) = timeout(QUIET_TIME, self.reports.recv()).await {} };
        // Files that are written all the time are read as they are.
        let _ = timeout(MAX_WAIT_FOR_QUIET, quiet).await;
    }
}

fn watcher(paths: &[PathBuf], sender: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reads are no changes: each sync reads, and would start the next one.
        if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
            // A full channel already holds a report.
            let _ = sender.try_send(());
        }
    })?;
    for path in paths {
        watcher.watch(path, RecursiveMode::Recursive)?;
    }
    Ok(watcher)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than any file system takes.
    const SOON: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_change_is_told_once_and_reading_is_none() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("규정")).unwrap();
        let file = folder.path().join("규정/휴가.md");
        std::fs::write(&file, "old").unwrap();
        let mut changes = FileWatcher::new(&[folder.path().to_owned()]);
        std::fs::write(&file, "new").unwrap();
        std::fs::rename(&file, folder.path().join("규정/연차.md")).unwrap();
        timeout(SOON, changes.next()).await.expect("it is told");
        assert_eq!(std::fs::read_to_string(folder.path().join("규정/연차.md")).unwrap(), "new");
        assert!(timeout(2 * QUIET_TIME, changes.next()).await.is_err(), "nothing more has changed");
        std::fs::remove_dir_all(folder.path().join("규정")).unwrap();
        timeout(SOON, changes.next()).await.expect("it is told");
    }
}
