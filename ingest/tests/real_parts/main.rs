//! Tests `ingest` end to end with SQLite, the embedded vector store and the small English embedder. One binary, because
//! linking those takes longer than the tests.

mod archives;
mod crash;
mod folder;
mod kit;
mod pipeline;
mod reindex;
mod repair;
mod site;
mod tags;
mod vector_reuse;
mod watched;
