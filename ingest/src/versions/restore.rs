//! An earlier content of a document once more: its stored text becomes a new version, and the history goes on.

use db::DbError;
use domain::{DocumentId, VersionState, WorkspaceId};

use crate::pipeline::{Ingested, unchanged};
use crate::{IngestError, Pipeline};

impl Pipeline {
    /// Makes a document say again what its version `number` said, with the tags and the date that it had. A source that is
    /// kept in step with brings its own content back when it changes next, or is looked at next if it differs.
    ///
    /// # Errors
    /// `Database` with `NotFound` where there is no such document or version, and with `Conflict` where that version was
    /// never whole; and what can go wrong when chunks are made and stored.
    pub async fn roll_back(
        &self,
        workspace: WorkspaceId,
        document: DocumentId,
        number: u32,
    ) -> Result<Ingested, IngestError> {
        // Held from reading to storing, so that a content which comes in meanwhile is not taken for the one before.
        let _turn = self.locks.acquire(document).await;
        let document = self.db.document(workspace, document).await?;
        let version = self.db.numbered_version(workspace, document.id, number).await?;
        if version.state == VersionState::Pending {
            return Err(DbError::Conflict("that version is still being made".to_owned()).into());
        }
        if document.live_version == Some(version.id) {
            return Ok(unchanged(&document));
        }
        // The same bytes may have been read in another way.
        let force = document.content_hash == version.content_hash;
        self.store_text(document, version, force).await
    }
}
