//! Removes documents that a source no longer holds: each with the finding that it is gone, and not too many at once.

use domain::{Absence, CollectionId, DocumentId, WorkspaceId, check_removals};

use crate::context::IngestContext;
use crate::error::IngestError;
use crate::versions::remove::DocumentRemoval;

/// How many of a source's documents a sync may remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RemovalLimit {
    /// A few, or a tenth of them. A folder that is half copied or a site that is half up looks like many deletions.
    #[default]
    Few,
    /// All that are gone: somebody has confirmed it.
    Unlimited,
}

impl RemovalLimit {
    /// `Unlimited` where somebody has allowed removals.
    pub fn allowing(removals: bool) -> Self {
        if removals { Self::Unlimited } else { Self::Few }
    }

    /// Checks that so large a part of a source's documents may be removed.
    ///
    /// # Errors
    /// `TooManyRemovals`.
    pub fn check(self, removals: usize, documents: usize) -> Result<(), IngestError> {
        match self {
            Self::Few => Ok(check_removals(removals, documents)?),
            Self::Unlimited => Ok(()),
        }
    }
}

/// Removes documents of one collection for a sync, which has no other way to.
pub(crate) struct AbsentRemoval {
    removal: DocumentRemoval,
    workspace: WorkspaceId,
    collection: CollectionId,
}

impl AbsentRemoval {
    pub(crate) fn new(context: &IngestContext, workspace: WorkspaceId, collection: CollectionId) -> Self {
        Self { removal: DocumentRemoval::new(context), workspace, collection }
    }

    /// Deletes the document that the source no longer holds.
    ///
    /// # Errors
    /// Those of [`DocumentRemoval::remove`].
    pub(crate) async fn remove(&self, absence: &Absence) -> Result<(), IngestError> {
        self.removal.remove(self.workspace, self.document(absence)).await
    }

    /// Deletes the document that the source holds under another name now, where it is `moved_to`.
    ///
    /// # Errors
    /// Those of [`DocumentRemoval::remove_moved`].
    pub(crate) async fn remove_moved(
        &self,
        absence: &Absence,
        moved_to: DocumentId,
    ) -> Result<(), IngestError> {
        self.removal.remove_moved(self.workspace, self.document(absence), moved_to).await
    }

    fn document(&self, absence: &Absence) -> DocumentId {
        DocumentId::derive(self.collection, absence.source())
    }
}
