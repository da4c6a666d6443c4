//! Question to passages: embedding, lexical analysis, vector stores, fusion, and whether there is enough evidence.
//!
//! ```text
//! text --> analyze --> terms  --> sparse search --+
//!    \                                            +--> fuse --> drop what is not live --> (rerank) --> select --> passages
//!     +--> embed ----> vector --> dense search  --+                                 \--> evidence
//! ```
//!
//! What is absent: any SQL beyond asking `db` which versions are live and what evidence is enough, and any knowledge of
//! how documents came in. Vendors stay behind walls: qdrant-client in [`store::qdrant`], qdrant-edge in
//! [`store::embedded`], fastembed and ONNX Runtime in [`embed`].

pub mod analyze;
mod background;
pub mod embed;
pub mod eval;
pub mod evidence;
#[cfg(test)]
mod fixture;
mod fuse;
mod rerank;
mod retrieve;
mod select;
pub mod store;

pub use evidence::Evidence;
pub use fuse::Fusion;
pub use rerank::Reranker;
pub use retrieve::{Query, RetrievalOptions, RetrieveError, Retrieved, Retriever, RetrieverParts, System};
