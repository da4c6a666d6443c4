//! Makes versions of documents: new content, other tags, an earlier version again, and the removal of what is superseded.

pub(crate) mod item;
pub(crate) mod live_document;
pub(crate) mod pipeline;
pub(crate) mod prepare;
pub(crate) mod rechunk;
pub(crate) mod remove;
pub(crate) mod rename;
pub(crate) mod restore;
pub(crate) mod stage;
pub(crate) mod store;
pub(crate) mod sweep;
pub(crate) mod update_tags;
pub(crate) mod write;
