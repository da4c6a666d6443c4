//! The words of daedap and the ports between its rooms.
//!
//! Everything here is a value or a trait. What is absent matters: no IO, no clock, no vendor crate, no
//! knowledge of which backend stands behind a port. Every other crate may depend on this one; this one
//! depends on none of them.
//!
//! | word | meaning |
//! |---|---|
//! | [`WorkspaceId`] | one tenant; every row and every vector carries it |
//! | [`Collection`] | documents that are searched together |
//! | [`Document`], [`Version`] | one source with a stable id, and its numbered contents |
//! | [`Chunk`] | a stored piece of one document version |
//! | [`Scope`], [`Filter`] | what a search may see, and what it is narrowed to |
//! | [`Passage`] | a chunk that a query found, with its scores |
//! | [`Conversation`], [`Turn`] | a chat, and one question or answer in it |
//! | [`Citation`] | a checked link from an answer to a passage |
//! | [`EvalQuestion`] | a question with what is known of its answer, to measure with |
//! | [`EmbeddingSpace`] | where vectors may be compared |
//! | [`Index`] | vectors of one space with the embedder that makes them; [`LiveIndex`] is the one that answers |
//! | [`Generator`] | what writes an answer |

pub mod analysis;
pub mod conversation;
pub mod document;
pub mod embedding;
pub mod evaluation;
pub mod generation;
pub mod id;
pub mod index;
pub mod language;
pub mod passage;
pub mod vectors;

pub use analysis::{Analyzer, FieldedText, SparseVector};
pub use conversation::{Citation, Conversation, FinishReason, Role, Turn, TurnState, Usage};
pub use document::{Chunk, Collection, Document, IngestStage, PageStart, Version, VersionState, Visibility};
pub use embedding::{EmbedError, Embedder, EmbeddingSpace};
pub use evaluation::{EvalQuestion, is_source};
pub use generation::{
    GenerateError, GenerationEvent, GenerationRequest, GenerationStream, Generator, Message, Sampling,
};
pub use id::{
    ChunkId, CollectionId, ConversationId, DocumentId, EvalQuestionId, EvalRunId, IndexId, InstallationId,
    JobId, TurnId, VersionId, WorkspaceId,
};
pub use index::{Index, LiveIndex};
pub use language::{Language, LanguageCoverage};
pub use passage::Passage;
pub use vectors::{ChunkPoint, Filter, Scope, ScoredChunk, Selection, VectorStore, VectorStoreError};
