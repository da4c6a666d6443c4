//! Bytes to stored chunks: how documents come in.
//!
//! ```text
//! bytes --> sniff --> parse --> normalize --> chunk --> embed + analyse --> store --> flip --> remove the old
//!           `------------- `Prepared` -------------'    `------ `Pipeline`, batch by batch ------'
//! ```
//!
//! Every stage is a function of what comes before it, so the same bytes give the same chunks with the same ids, and
//! doing a step again changes nothing. SQL holds the extracted text; the vector store is an index that
//! [`Pipeline::reindex`] rebuilds from it.
//!
//! What is absent: any vector store or embedder (they come in through the ports of `domain`), any knowledge of
//! how questions are answered, and any schedule: callers decide when to ingest, sweep and reindex.

mod apart;
mod archive;
#[cfg(test)]
mod books;
mod charset;
mod chunk;
mod crawl;
mod doctor;
mod document_locks;
mod error;
mod fetch;
mod folder;
mod gate;
mod known;
mod measure;
mod normalize;
mod originals;
mod outline;
mod parse;
mod pieces;
mod pipeline;
mod prepare;
mod put_back;
mod reindex;
mod retag;
mod rewrite;
mod roll_back;
mod sentences;
mod sniff;
mod sync;
mod tags;
mod write;

pub use apart::{Apart, DocumentParser, InProcess, PARSE_COMMAND, read_apart};
pub use archive::{Archive, FoundMember, Member};
pub use chunk::ChunkOptions;
pub use crawl::{Follow, Site, SiteRequest, sync_site};
pub use doctor::{Finding, PointsChecked};
pub use error::IngestError;
pub use fetch::{AllowedHost, FetchError, Fetcher, Page, page_url};
pub use folder::{FoundFile, FoundFiles, walk};
pub use originals::{KeepError, Originals, OriginalsError, is_hash};
pub use parse::{ParseError, Parsed};
pub use pipeline::{IngestItem, Ingested, MAX_DOCUMENT_BYTES, OnStage, Outcome, Pipeline, PipelineParts};
pub use prepare::content_hash;
pub use put_back::PutBack;
pub use reindex::{Build, ReindexProgress, ReindexReport};
pub use sync::{FailedSource, IngestReport, SyncEvent, SyncRequest, sync_folder};
pub use tags::checked_tags;
