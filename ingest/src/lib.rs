//! Ingests documents: prepares them, stores them as versions, and keeps the vector index in step with SQL.
//!
//! ```text
//! bytes --> parse --> chunk --> embed + analyze --> store --> publish --> remove the superseded version
//!           `-- `prepare` --'   `------ `write`, batch by batch -------'
//! ```
//!
//! Every job is a type of its own, made from one shared [`IngestContext`]:
//!
//! | job | type |
//! |---|---|
//! | ingest a document | [`Pipeline`] |
//! | keep in step with a folder or a site | [`sync_folder`], [`sync_site`] |
//! | update tags, restore an earlier version, rename or delete a document | [`TagUpdate`], [`VersionRestore`], [`DocumentRename`], [`DocumentRemoval`] |
//! | remove superseded chunks | [`Sweep`] |
//! | delete a collection; complete deletions, and prove them | [`CollectionRemoval`]; [`Erasures`], [`ErasureProof`] |
//! | rebuild the index, import points into it | [`Reindex`], [`ImportPoints`] |
//! | check and repair the index | [`IndexCheck`] |
//!
//! Every stage depends only on the output of the stage before, so the same bytes give the same chunks with the same ids,
//! and repeating a step changes nothing. SQL holds the extracted text; [`Reindex`] rebuilds the vector index from it.
//!
//! Does not contain a vector store or an embedder (they come through the ports of `domain`), does not know how questions
//! are answered, and has no schedule: callers decide when to ingest, sweep and reindex.

mod blocking;
#[cfg(test)]
mod books;
mod chunking;
mod claims;
mod context;
mod document_locks;
mod erasure;
mod error;
mod index;
mod originals;
mod size_limit;
mod sources;
mod versions;

pub use chunking::chunker::ChunkOptions;
pub use context::{IngestContext, IngestParts};
pub use erasure::erasures::Erasures;
pub use erasure::proof::ErasureProof;
pub use erasure::tombstone_file::TombstoneFile;
pub use error::IngestError;
pub use index::build::Build;
pub use index::build_pass::ReindexProgress;
pub use index::check::{IndexCheck, PointsChecked};
pub use index::finding::Finding;
pub use index::import_points::ImportPoints;
pub use index::reindex::{Reindex, ReindexReport};
pub use originals::{KeepError, KeptOriginal, Originals, OriginalsError, is_hash};
pub use sources::folder::{SyncRequest, sync_folder};
pub use sources::removal::RemovalLimit;
pub use sources::report::{FailedSource, IngestReport, SyncEvent};
pub use sources::site::{SiteRequest, sync_site};
pub use sources::walk::{FoundFile, FoundFiles, walk};
pub use versions::item::{IngestItem, Ingested, Outcome};
pub use versions::pipeline::Pipeline;
pub use versions::remove::{CollectionRemoval, DocumentRemoval};
pub use versions::rename::{DocumentRename, NewName};
pub use versions::restore::VersionRestore;
pub use versions::stage::OnStage;
pub use versions::sweep::Sweep;
pub use versions::update_tags::TagUpdate;
