//! Proves that no store holds anything of a deleted document, or names what is left.

use std::sync::Arc;

use db::Database;
use domain::{DocumentId, LiveIndex, Selection, WorkspaceId};

use crate::context::IngestContext;
use crate::error::IngestError;
use crate::index::finding::Finding;

/// Looks for what is left of deleted documents.
#[derive(Clone)]
pub struct ErasureProof {
    db: Database,
    index: Arc<LiveIndex>,
}

impl ErasureProof {
    /// A proof over the context's stores.
    pub fn new(context: &IngestContext) -> Self {
        Self { db: context.db.clone(), index: context.index.clone() }
    }

    /// What is left of a document in the database, the vector index and the originals; nothing if it was deleted
    /// completely, or never existed.
    ///
    /// # Errors
    /// `Database` and `Vectors`.
    pub async fn left_of(
        &self,
        workspace: WorkspaceId,
        document: DocumentId,
    ) -> Result<Vec<Finding>, IngestError> {
        let mut left = Vec::new();
        for trace in self.db.traces(workspace, document).await? {
            let message = format!("{} rows hold {}", trace.rows, trace.holds);
            left.push(Finding::new("left_in_database", trace.table, message));
        }
        let points = self.index.current().vectors.count(Selection::Document(workspace, document)).await?;
        if points > 0 {
            let message = format!("the vector index holds {points} points of the document");
            left.push(Finding::new("left_in_index", "vectors", message));
        }
        if self.db.unfinished_erasure(document).await?.is_some() {
            let message =
                "its deletion is not complete: originals, or bytes in freed parts of files, may be left";
            left.push(Finding::new("erasure_unfinished", document.to_string(), message));
        }
        Ok(left)
    }
}
