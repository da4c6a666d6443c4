//! Completes the deletion of documents: points, versions, originals, and what was deleted but still lies in files.

pub(crate) mod erasures;
pub(crate) mod originals_removal;
pub(crate) mod proof;
pub(crate) mod state;
pub(crate) mod tombstone_file;
