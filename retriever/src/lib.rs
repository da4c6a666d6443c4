//! Retrieves passages for a question: embedding, lexical analysis, vector stores, fusion, and the weight of the evidence.
//!
//! ```text
//! text --> analyze --> terms  --> sparse search --+
//!    \                                            +--> fuse --> keep live chunks --> (rerank) --> select --> passages
//!     +--> embed ----> vector --> dense search  --+                            \--> evidence
//! ```
//!
//! Of SQL it only asks `db` which versions are live and which evidence thresholds apply; it does not know how documents
//! are ingested. Vendor crates stay behind walls: qdrant-client in [`store::qdrant`], qdrant-edge in
//! [`store::embedded`], fastembed and ONNX Runtime in [`embed`].

mod admission;
pub mod analyze;
mod background_priority;
pub mod embed;
pub mod eval;
pub mod evidence;
#[cfg(test)]
mod fixture;
mod fuse;
mod query;
mod rerank;
mod retrieve;
mod select;
pub mod store;

pub use evidence::Evidence;
pub use fuse::Fusion;
pub use query::Query;
pub use rerank::Reranker;
pub use retrieve::{RetrievalOptions, RetrieveError, Retrieved, Retriever, RetrieverParts};
