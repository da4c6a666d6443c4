//! Removes originals that no version and no job needs any more.

use db::{Database, UnreferencedOriginal};

use crate::context::IngestContext;
use crate::error::IngestError;
use crate::originals::Originals;

/// Rows read at a time.
const BATCH_ROWS: u32 = 256;

/// Removes released originals.
#[derive(Clone)]
pub(crate) struct OriginalsRemoval {
    db: Database,
    originals: Originals,
}

impl OriginalsRemoval {
    pub(crate) fn new(context: &IngestContext) -> Self {
        Self { db: context.db.clone(), originals: context.originals.clone() }
    }

    /// Removes the released originals that nothing refers to. Returns whether none is left: one that somebody stores again
    /// at this moment is left to the next call.
    ///
    /// # Errors
    /// `Database` and `Originals`; the next call removes what is left.
    pub(crate) async fn run(&self) -> Result<bool, IngestError> {
        let (mut none_left, mut last) = (true, String::new());
        loop {
            let released = self.db.released_originals(&last, BATCH_ROWS).await?;
            let Some(end) = released.last() else { return Ok(none_left) };
            last.clone_from(end);
            for hash in released {
                none_left &= self.remove(&hash).await?;
            }
        }
    }

    /// Removes an original if nothing refers to it. Returns `false` if somebody stores it at this moment.
    async fn remove(&self, hash: &str) -> Result<bool, IngestError> {
        let unused = async { Ok::<_, IngestError>(self.db.lock_unreferenced_original(hash).await?) };
        let removed: Option<Option<UnreferencedOriginal>> = self.originals.remove_if(hash, unused).await?;
        match removed {
            None => Ok(false),
            Some(None) => Ok(true),
            Some(Some(unused)) => {
                unused.removed().await?;
                Ok(true)
            }
        }
    }
}
