//! Vectors that need not be made again: of chunks that the version before has too.

use std::collections::{HashMap, HashSet};

use domain::{Index, Selection, VersionId, WorkspaceId};
use sha2::{Digest, Sha256};

use crate::IngestError;
use crate::chunk::Draft;

/// Points read at a time.
const POINTS_AT_A_TIME: usize = 256;

/// What decides a chunk's vector within one embedding space: its text and the headings above it, hashed.
type ChunkHash = [u8; 32];

/// Vectors by chunk.
#[derive(Default)]
pub(crate) struct KnownVectors(HashMap<ChunkHash, Vec<f32>>);

impl KnownVectors {
    /// The vectors that `index` has of chunks of `version` which are among `drafts` too. Holds those and no others, whatever
    /// the size of the version.
    ///
    /// # Errors
    /// `Vectors`.
    pub(crate) async fn of(
        index: &Index,
        (workspace, version): (WorkspaceId, VersionId),
        drafts: &[Draft],
    ) -> Result<Self, IngestError> {
        let wanted: HashSet<ChunkHash> =
            drafts.iter().map(|draft| hash(&draft.heading_path, &draft.text)).collect();
        let mut known = Self::default();
        let mut last = None;
        loop {
            let selection = Selection::Version(workspace, version);
            let page = index.vectors.points(selection, last, POINTS_AT_A_TIME).await?;
            let Some(end) = page.last() else { return Ok(known) };
            last = Some(end.chunk.id);
            for point in page {
                let hash = hash(&point.chunk.heading_path, &point.chunk.text);
                if let Some(dense) = point.dense.filter(|_| wanted.contains(&hash)) {
                    known.0.insert(hash, dense);
                }
            }
        }
    }

    /// The vector of a draft, where it is known.
    pub(crate) fn get(&self, draft: &Draft) -> Option<&Vec<f32>> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&hash(&draft.heading_path, &draft.text))
    }
}

fn hash(heading_path: &[String], text: &str) -> ChunkHash {
    let mut hasher = Sha256::new();
    for heading in heading_path {
        hasher.update(heading);
        // No text has a NUL, so no two paths look alike.
        hasher.update([0]);
    }
    hasher.update([0]);
    hasher.update(text);
    hasher.finalize().into()
}
