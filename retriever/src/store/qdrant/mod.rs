//! The vector store on a Qdrant server or cluster, over gRPC. The only place that uses qdrant-client.
//!
//! One Qdrant collection holds everything: tenants are separated by a payload index for tenants, as Qdrant recommends, not
//! by one collection each. The collection's metadata, which Qdrant supports since version 1.16, stores the embedding space
//! and the format of the points; an older server is refused, because a wrong model would go unnoticed.

mod client;
mod collection;
mod convert;
mod error;
mod store;

pub use client::QdrantOptions;
pub use store::QdrantStore;
