//! Plain values, as the glossary names them: no IO, no clock, no backend.

pub mod absence;
pub mod analysis;
pub mod cause;
pub mod conversation;
pub mod digest;
pub mod document;
pub mod embedding_space;
pub mod error_text;
pub mod evaluation;
pub mod generation;
pub mod id;
pub mod language;
pub mod passage;
pub mod script;
pub mod search;
pub mod source;
pub mod tags;
pub mod ticket;
pub mod web;
