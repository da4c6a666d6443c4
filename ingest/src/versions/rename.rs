//! Renames documents: the original is stored under the new source with its vectors reused, then the old document is deleted.

use std::ops::ControlFlow;
use std::sync::Arc;

use db::{Database, DbError};
use domain::{Document, DocumentId, WorkspaceId, normalize_source, normalize_tags};
use jiff::Timestamp;
use parse::DocumentParser;

use crate::context::IngestContext;
use crate::error::IngestError;
use crate::originals::Originals;
use crate::versions::live_document::live_document;
use crate::versions::prepare::Preparers;
use crate::versions::remove::DocumentRemoval;
use crate::versions::store::{StoreRequest, VersionStore};

/// The new name of a document, and what else changes with it.
#[derive(Debug, Clone)]
pub struct NewName {
    /// The new source.
    pub source: String,
    /// New tags; `None` keeps them.
    pub tags: Option<Vec<String>>,
    /// New date; `None` keeps it.
    pub dated_at: Option<Timestamp>,
}

/// Renames documents.
#[derive(Clone)]
pub struct DocumentRename {
    db: Database,
    originals: Originals,
    parser: Arc<dyn DocumentParser>,
    preparers: Preparers,
    store: VersionStore,
    removal: DocumentRemoval,
}

impl DocumentRename {
    /// A rename within the context's database and index.
    pub fn new(context: &IngestContext) -> Self {
        Self {
            db: context.db.clone(),
            originals: context.originals.clone(),
            parser: context.parser.clone(),
            preparers: Preparers::new(context),
            store: VersionStore::new(context),
            removal: DocumentRemoval::new(context),
        }
    }

    /// Gives a document another source, which makes it another document: ids follow from sources. Until the new one
    /// answers, the old one does. The original is parsed again, because what a file is depends on its name, too.
    ///
    /// # Errors
    /// `BadSource`, `BadTags`; `Database` with `NotFound` where there is no such document, and with `Conflict` where
    /// another document has that source; `Originals` where its original
    /// is missing; and the errors of parsing, embedding and storing.
    pub async fn rename(
        &self,
        workspace: WorkspaceId,
        document: DocumentId,
        name: NewName,
    ) -> Result<Document, IngestError> {
        let source = normalize_source(&name.source)?;
        let tags = name.tags.map(normalize_tags).transpose()?;
        let former = self.db.document(workspace, document).await?;
        let request = StoreRequest {
            workspace,
            collection: former.collection,
            source,
            tags: Some(tags.unwrap_or(former.tags)),
            dated_at: Some(name.dated_at.unwrap_or(former.dated_at)),
            force: false,
            moved_from: Some(document),
        };
        let renamed = request.document();
        if renamed != document && live_document(&self.db, workspace, renamed).await?.is_some() {
            let reason = format!("the collection already has a document `{}`", request.source);
            return Err(DbError::Conflict(reason).into());
        }
        let bytes = self.originals.read(&former.content_hash).await?;
        let (preparer, hash) = (self.preparers.for_live_index(), former.content_hash);
        let prepared = preparer.prepare(self.parser.as_ref(), bytes, &request.source, hash).await?;
        self.store.store(request, prepared, &mut |_| ControlFlow::Continue(())).await?;
        if renamed != document {
            self.removal.remove_moved(workspace, document, renamed).await?;
        }
        Ok(self.db.document(workspace, renamed).await?)
    }
}
