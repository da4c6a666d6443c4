//! Saves the text of an answer while it is written, beside the writing: a database that is slow or gone for a while delays
//! no text. A save that fails is a warning, because the next one has all the text, and the last one alone matters.

use std::time::Duration;

use db::{Database, DbError};
use domain::{TurnId, WorkspaceId, with_causes};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::warn;

/// How often the text is saved: the maximum that a crash loses of an answer.
const SAVE_INTERVAL: Duration = Duration::from_millis(500);

/// Maximum time of one save; the next one tries a new connection.
const SAVE_TIMEOUT: Duration = Duration::from_secs(30);

/// The saves of one answer. Dropping it ends them after the one in progress, which changes nothing once the answer is
/// finished.
pub(crate) struct InterimSaves {
    text: watch::Sender<String>,
}

impl InterimSaves {
    /// Starts to save what is written to `turn`.
    pub(crate) fn start(db: Database, workspace: WorkspaceId, turn: TurnId) -> Self {
        let (text, changed) = watch::channel(String::new());
        tokio::spawn(save_changes(db, workspace, turn, changed));
        Self { text }
    }

    /// Adds what was written.
    pub(crate) fn push(&self, delta: &str) {
        self.text.send_modify(|text| text.push_str(delta));
    }
}

async fn save_changes(
    db: Database,
    workspace: WorkspaceId,
    turn: TurnId,
    mut changed: watch::Receiver<String>,
) {
    while changed.changed().await.is_ok() {
        let text = changed.borrow_and_update().clone();
        match timeout(SAVE_TIMEOUT, db.save_partial_answer(workspace, turn, &text)).await {
            Ok(Ok(())) => {}
            // It was deleted with its conversation.
            Ok(Err(DbError::NotFound(_) | DbError::Conflict(_))) => return,
            Ok(Err(error)) => {
                warn!(%turn, error = with_causes(&error), "cannot save a partial answer; the next save has its text");
            }
            Err(_) => warn!(%turn, "saving a partial answer takes too long; the next save has its text"),
        }
        tokio::time::sleep(SAVE_INTERVAL).await;
    }
}
