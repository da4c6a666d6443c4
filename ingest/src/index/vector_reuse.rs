//! Reuses the vectors of chunks that the former version has too, so that only changed chunks are embedded.

use std::collections::{HashMap, HashSet};

use domain::{Index, Selection, Sha256Digest, Sha256Hasher, VersionId, WorkspaceId};

use crate::chunking::chunker::Draft;
use crate::error::IngestError;

/// Points read at a time.
const BATCH_POINTS: usize = 256;

/// Vectors by the digest of what decides them within one embedding space: a chunk's text and the headings above it.
#[derive(Default)]
pub(crate) struct ReusableVectors(HashMap<Sha256Digest, Vec<f32>>);

impl ReusableVectors {
    /// Loads the vectors that `index` holds for chunks of `version` which are among `drafts` too. Memory is bounded by the
    /// drafts, whatever the size of the version.
    ///
    /// # Errors
    /// `Vectors`.
    pub(crate) async fn load(
        index: &Index,
        (workspace, version): (WorkspaceId, VersionId),
        drafts: &[Draft],
    ) -> Result<Self, IngestError> {
        let wanted: HashSet<Sha256Digest> =
            drafts.iter().map(|draft| digest(&draft.heading_path, &draft.text)).collect();
        let mut reusable = Self::default();
        let mut last = None;
        loop {
            let selection = Selection::Version(workspace, version);
            let page = index.vectors.points(selection, last, BATCH_POINTS).await?;
            let Some(end) = page.last() else { return Ok(reusable) };
            last = Some(end.chunk.id);
            for point in page {
                let digest = digest(&point.chunk.heading_path, &point.chunk.text);
                if let Some(dense) = point.dense.filter(|_| wanted.contains(&digest)) {
                    reusable.0.insert(digest, dense);
                }
            }
        }
    }

    /// The vector of a draft, if the former version has the same chunk.
    pub(crate) fn get(&self, draft: &Draft) -> Option<&Vec<f32>> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&digest(&draft.heading_path, &draft.text))
    }
}

fn digest(heading_path: &[String], text: &str) -> Sha256Digest {
    let mut hasher = Sha256Hasher::new();
    for heading in heading_path {
        hasher.update(heading.as_bytes());
        // No text has a NUL, so two different paths never give the same bytes.
        hasher.update(&[0]);
    }
    hasher.update(&[0]);
    hasher.update(text.as_bytes());
    hasher.finish()
}
