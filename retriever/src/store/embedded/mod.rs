//! The vector store in this process: one `qdrant-edge` shard in a folder. The only place that uses that crate.
//!
//! ```text
//! DIR/lock        locked exclusively while the store is open
//! DIR/space.json  the embedding space of the shard; written before the shard
//! DIR/shard/      qdrant-edge's own files
//! ```
//!
//! What the engine does not do by itself, and this module does:
//! * The engine does not replay its log when it loads. So a write is acknowledged only after a flush.
//! * It panics when a flush meets another writer, and on damaged files. So writers take turns, and panics while opening
//!   or working become errors.
//! * It indexes only on request. So a thread indexes once writes pause or many points have changed, and after the store is
//!   opened, because the last process may have exited before it did; until then a search scans the newest points,
//!   exactly.
//! * It writes to memory-mapped files, where a full disk ends the process instead of returning an error. So nothing is
//!   opened or written unless a reserve of disk space is free.
//! * It never truncates its log. So log files that are no longer needed are removed when the store is opened.
//! * It keeps the payloads of removed points until it rewrites their segment, and the log for ever. So a purge rewrites the
//!   segments and replaces the log (`purge.rs`).

mod convert;
mod folder;
mod label;
mod open;
mod purge;
mod shard;
mod store;
#[cfg(test)]
mod tests;

pub use store::EmbeddedStore;
