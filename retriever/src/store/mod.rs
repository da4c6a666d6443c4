//! Vector stores: the in-process one and the Qdrant server, behind `domain`'s port.
//!
//! Both store a chunk as one point: its id is the chunk's, its vectors are `dense` (cosine; absent where the embedder does
//! not cover the chunk's language) and `sparse` (term weights; the engine multiplies with the inverse document
//! frequency), its payload is the chunk itself, which searches filter by. The same points give the same scores in both.

pub mod embedded;
mod idf;
mod layout;
mod payload;
pub mod qdrant;
mod results;
