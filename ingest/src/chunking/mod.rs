//! Splits a document's text into chunks along its structure, sized in the embedder's tokens.

pub(crate) mod chunker;
pub(crate) mod measure;
mod pieces;
mod sentences;
