//! Tests that unchanged chunks are not embedded again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use domain::{EmbedError, Embedder, EmbeddingSpace, Index, LanguageCoverage};
use ingest::{DocumentRename, IngestItem, NewName, RemovalLimit, SyncRequest, sync_folder};

use crate::kit::{Kit, WORKSPACE};

/// The kit's embedder, and the number of passages it embedded.
struct Counted {
    embedder: Arc<dyn Embedder>,
    passages: AtomicUsize,
}

impl Counted {
    /// Wraps the embedder of the kit.
    fn wrap(kit: &Kit) -> Arc<Self> {
        let before = kit.index.current();
        let counted = Arc::new(Self { embedder: before.embedder.clone(), passages: AtomicUsize::new(0) });
        kit.index.replace(Arc::new(Index { embedder: counted.clone(), vectors: before.vectors.clone() }));
        counted
    }

    /// Passages since the last call.
    fn take(&self) -> usize {
        self.passages.swap(0, Ordering::Relaxed)
    }
}

#[async_trait]
impl Embedder for Counted {
    fn space(&self) -> &EmbeddingSpace {
        self.embedder.space()
    }

    fn coverage(&self) -> &LanguageCoverage {
        self.embedder.coverage()
    }

    fn max_tokens(&self) -> usize {
        self.embedder.max_tokens()
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.embedder.count_tokens(text)
    }

    async fn embed_passages(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.passages.fetch_add(texts.len(), Ordering::Relaxed);
        self.embedder.embed_passages(texts).await
    }

    async fn embed_query(&self, text: &str) -> Result<Vec<f32>, EmbedError> {
        self.embedder.embed_query(text).await
    }
}

/// Sections that each make a chunk of their own.
fn rules(changed: Option<usize>) -> String {
    let section = |number: usize| {
        let sentence = if changed == Some(number) {
            format!("Rule {number} was changed by the council. ")
        } else {
            format!("Rule {number} says what to do and when. ")
        };
        format!("## Rule {number}\n\n{}\n\n", sentence.repeat(20))
    };
    format!("# Rules\n\n{}", (0..40).map(section).collect::<String>())
}

#[tokio::test]
async fn only_chunks_that_changed_are_embedded() {
    let Some(kit) = Kit::new().await else { return };
    let counted = Counted::wrap(&kit);
    let added = kit.ingest("rules.md", rules(None)).await.expect("it is ingested");
    assert_eq!(counted.take(), added.chunks as usize);
    let updated = kit.ingest("rules.md", rules(Some(17))).await.expect("it is updated");
    assert_eq!((updated.chunks, counted.take()), (added.chunks, 1));
    kit.assert_whole().await;
    let found = kit.find_meaning("What did the council change?").await;
    assert!(found[0].chunk.text.contains("Rule 17 was changed"), "{:?}", found[0].chunk.text);
    let found = kit.find_meaning("Rule 3 says what to do").await;
    assert!(found.iter().any(|hit| hit.chunk.heading_path.last().is_some_and(|last| last == "Rule 3")));
    kit.update_tags(kit.document_id("rules.md"), vec!["rules".to_owned()]).await.expect("tagged");
    assert_eq!(counted.take(), 0, "tags are not embedded");
    let forced = IngestItem { force: true, ..kit.item("rules.md", rules(Some(17))) };
    kit.pipeline.ingest(forced).await.expect("forced");
    assert_eq!(counted.take(), added.chunks as usize, "to force means to embed every chunk again");
    kit.assert_whole().await;
}

#[tokio::test]
async fn a_file_that_moved_is_not_embedded_again() {
    let Some(kit) = Kit::new().await else { return };
    let counted = Counted::wrap(&kit);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("rules.md"), rules(None)).expect("a file");
    let sync = async || {
        let request = SyncRequest {
            workspace: WORKSPACE,
            collection: kit.collection.id,
            root: folder.path().to_owned(),
            tags: None,
            force: false,
            prune: true,
            removals: RemovalLimit::Few,
        };
        sync_folder(&kit.context, request, |_| ()).await.expect("in step")
    };
    assert_eq!(sync().await.added, 1);
    assert!(counted.take() > 0);
    std::fs::rename(folder.path().join("rules.md"), folder.path().join("규정.md")).expect("renamed");
    assert_eq!(sync().await.moved, 1);
    assert_eq!(counted.take(), 0);
    kit.assert_whole().await;
}

#[tokio::test]
async fn a_renamed_document_keeps_its_tags_and_is_not_embedded_again() {
    let Some(kit) = Kit::new().await else { return };
    let counted = Counted::wrap(&kit);
    let document = kit.ingest("rules.md", rules(None)).await.expect("it is ingested").document;
    kit.update_tags(document, vec!["rules".to_owned()]).await.expect("tagged");
    assert!(counted.take() > 0);
    let rename = DocumentRename::new(&kit.context);
    let new_name = || NewName { source: "규정.md".to_owned(), tags: None, dated_at: None };
    let renamed = rename.rename(WORKSPACE, document, new_name()).await.expect("renamed");
    assert_eq!((renamed.source.as_str(), renamed.tags.as_slice()), ("규정.md", &["rules".to_owned()][..]));
    assert_eq!(counted.take(), 0);
    assert_eq!(kit.db.count_documents(WORKSPACE).await.expect("a count"), 1);

    let again = rename.rename(WORKSPACE, renamed.id, new_name()).await.expect("nothing to do");
    assert_eq!((again.id, again.version_number), (renamed.id, renamed.version_number));
    let gone = rename.rename(WORKSPACE, document, new_name()).await.expect_err("it has another name now");
    assert_eq!(gone.code(), "not_found");

    let other = kit.ingest("other.md", rules(Some(3))).await.expect("it is ingested").document;
    let taken = rename.rename(WORKSPACE, other, new_name()).await.expect_err("the name is taken");
    assert_eq!(taken.code(), "conflict");
    kit.assert_whole().await;
}
