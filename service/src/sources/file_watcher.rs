//! When files change: told by the operating system, once nobody has written for a moment.

use std::path::PathBuf;
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// How long nobody must have written: copying a folder or saving a file is many changes.
const QUIET: Duration = Duration::from_secs(1);

/// How often changes are looked at although somebody writes all the time.
const LONGEST_UNREST: Duration = Duration::from_secs(30);

/// How often it is looked without being told: network drives tell nothing.
const LOOK_EVERY: Duration = Duration::from_secs(600);

/// Changes below some paths.
pub struct FileChanges {
    told: mpsc::Receiver<()>,
    /// Dropping it ends the watch; absent where the operating system does not tell.
    _watcher: Option<RecommendedWatcher>,
}

impl FileChanges {
    /// Watches from now on. Where the operating system cannot tell of changes, they are looked for every ten minutes.
    pub fn below(paths: &[PathBuf]) -> Self {
        let (tell, told) = mpsc::channel(1);
        let watcher = watcher(paths, tell);
        if let Err(error) = &watcher {
            tracing::warn!(%error, "changes of files are not told; they are looked for every ten minutes");
        }
        Self { told, _watcher: watcher.ok() }
    }

    /// Waits until there may have been a change since it was last asked.
    pub async fn next(&mut self) {
        // Time is up, or nobody will ever tell: both mean to look.
        if !matches!(timeout(LOOK_EVERY, self.told.recv()).await, Ok(Some(()))) {
            if self.told.is_closed() {
                sleep(LOOK_EVERY).await;
            }
            return;
        }
        let settled = async { while let Ok(Some(())) = timeout(QUIET, self.told.recv()).await {} };
        // Over-long unrest is looked at as it is.
        let _ = timeout(LONGEST_UNREST, settled).await;
    }
}

fn watcher(paths: &[PathBuf], tell: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading is no change: the reading that follows a change would be one without end.
        if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
            // A full channel says already what there is to say.
            let _ = tell.try_send(());
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
        let mut changes = FileChanges::below(&[folder.path().to_owned()]);
        std::fs::write(&file, "new").unwrap();
        std::fs::rename(&file, folder.path().join("규정/연차.md")).unwrap();
        timeout(SOON, changes.next()).await.expect("it is told");
        assert_eq!(std::fs::read_to_string(folder.path().join("규정/연차.md")).unwrap(), "new");
        assert!(timeout(2 * QUIET, changes.next()).await.is_err(), "nothing more has changed");
        std::fs::remove_dir_all(folder.path().join("규정")).unwrap();
        timeout(SOON, changes.next()).await.expect("it is told");
    }
}
