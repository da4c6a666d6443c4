//! Stores a finished answer, and tries again for minutes where the database is gone: until then the text is in memory
//! alone, and its turn says that it is being written.

use std::time::Duration;

use db::{Database, DbError, FinishedAnswer};
use domain::{Turn, TurnId, WorkspaceId, with_causes};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Maximum time of one attempt: a connection whose other end has vanished would wait for ever.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

const FIRST_WAIT: Duration = Duration::from_millis(500);
const MAX_WAIT: Duration = Duration::from_secs(15);

/// After this the answer is lost except for its partial text; somebody has to repair the database.
const GIVE_UP_AFTER: Duration = Duration::from_secs(600);

/// The last save of an answer.
pub(crate) struct LastSave {
    pub(crate) db: Database,
    pub(crate) workspace: WorkspaceId,
    pub(crate) turn: TurnId,
    pub(crate) answer: FinishedAnswer,
    /// Cancelled when the process shuts down: then there is one more attempt.
    pub(crate) stopping: CancellationToken,
}

impl LastSave {
    /// Tries once.
    pub(crate) async fn attempt(&self) -> Result<Turn, DbError> {
        let finish = self.db.finish_answer(self.workspace, self.turn, self.answer.clone());
        match timeout(ATTEMPT_TIMEOUT, finish).await {
            Ok(Err(DbError::Conflict(why))) => self.stored_before(why).await,
            Ok(ended) => ended,
            Err(_) => Err(DbError::Unavailable("it did not answer in time".into())),
        }
    }

    /// Tries again after `error`, with growing waits.
    pub(crate) async fn retry(&self, mut error: DbError) -> Result<Turn, DbError> {
        let end = Instant::now() + GIVE_UP_AFTER;
        let mut wait = FIRST_WAIT;
        while may_pass(&error) && Instant::now() < end {
            warn!(turn = %self.turn, error = with_causes(&error), "cannot store an answer yet; trying again");
            let is_stopping = self.stopping.run_until_cancelled(tokio::time::sleep(wait)).await.is_none();
            match self.attempt().await {
                Err(again) => error = again,
                stored => return stored,
            }
            if is_stopping {
                break;
            }
            wait = (wait * 2).min(MAX_WAIT);
        }
        Err(error)
    }

    /// The turn as an attempt before this one stored it, whose acknowledgement was lost with the connection.
    async fn stored_before(&self, why: String) -> Result<Turn, DbError> {
        let turn = self.db.turn(self.workspace, self.turn).await?;
        let is_ours =
            turn.state == self.answer.state && turn.finish_reason == Some(self.answer.finish_reason);
        if is_ours { Ok(turn) } else { Err(DbError::Conflict(why)) }
    }
}

/// Whether another attempt may succeed.
fn may_pass(error: &DbError) -> bool {
    matches!(error, DbError::Unavailable(_) | DbError::Failed(_))
}
