//! The whole room on real parts: SQLite, the embedded vector store, the small English embedder. One binary, because
//! linking those takes longer than the tests.

mod archives;
mod crash;
mod folder;
mod formats;
mod hostile;
mod kit;
mod known;
mod mutations;
mod pipeline;
mod reindex;
mod tags;
mod watched;
