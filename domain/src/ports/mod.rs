//! The seams between crates: object-safe traits, each with an error enum named by what the caller can do about it.
//!
//! A port exists where there are two implementations, or where a crate needs a service whose crate it must not see.

pub mod analyzer;
pub mod embedder;
pub mod generator;
pub mod index;
pub mod page_reader;
pub mod vector_store;
