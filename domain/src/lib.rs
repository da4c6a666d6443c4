//! The values of daedap and the ports between its crates.
//!
//! Everything here is a value or a trait: no IO, no clock, no vendor crate, no knowledge of the backend behind a port.
//! Every other crate may depend on this one; this one depends on none of them.
//!
//! | word | meaning |
//! |---|---|
//! | [`WorkspaceId`] | one tenant; every row and every vector carries it |
//! | [`Collection`] | documents that are searched together |
//! | [`Document`], [`Version`] | one source with a stable id, and its numbered contents |
//! | [`Chunk`] | a stored part of one document version |
//! | [`Scope`], [`Filter`] | what a search may see, and the conditions within it |
//! | [`Passage`] | a chunk that a query retrieved, with its scores |
//! | [`Conversation`], [`Turn`] | a chat, and one question or answer in it |
//! | [`Citation`] | a checked link from an answer to a passage |
//! | [`EvalQuestion`] | a question with its known answer, to measure with |
//! | [`EmbeddingSpace`] | what makes vectors comparable |
//! | [`Index`] | vectors of one space with the embedder that makes them; [`LiveIndex`] is the one that serves queries |
//! | [`Analyzer`] | turns text into weighted terms |
//! | [`Embedder`] | turns text into vectors |
//! | [`VectorStore`] | stores and searches chunks by vectors and terms |
//! | [`Generator`] | generates an answer |
//! | [`Listing`], [`Absence`] | what a source holds, and the finding that it no longer holds a document |
//! | [`PageReader`] | reads what a crawl fetched |
//! | [`Sha256Digest`] | what identifies bytes |
//! | [`Cause`] | the error behind the error of a port |

pub mod ports;
pub mod values;

pub use values::script;

pub use ports::analyzer::Analyzer;
pub use ports::embedder::{EmbedError, Embedder};
pub use ports::generator::{GenerateError, GenerationStream, Generator};
pub use ports::index::{Index, LiveIndex};
pub use ports::page_reader::{PageReader, PageReaderError};
pub use ports::vector_store::{VectorStore, VectorStoreError};

pub use values::absence::{Absence, Listing, TooManyRemovals, check_removals};
pub use values::analysis::{FieldedText, SparseVector};
pub use values::cause::Cause;
pub use values::conversation::{Citation, Conversation, FinishReason, Role, Turn, TurnState, Usage};
pub use values::digest::{ParseDigestError, Sha256Digest, Sha256Hasher, to_hex};
pub use values::document::{
    Chunk, Collection, Document, IngestStage, PageStart, Version, VersionState, Visibility,
};
pub use values::embedding_space::EmbeddingSpace;
pub use values::error_text::with_causes;
pub use values::evaluation::EvalQuestion;
pub use values::generation::{GenerationEvent, GenerationRequest, Message, Sampling};
pub use values::id::{
    ChunkId, CollectionId, ConversationId, DocumentId, EvalQuestionId, EvalRunId, IndexId, InstallationId,
    JobId, TurnId, VersionId, WorkspaceId,
};
pub use values::language::{Language, LanguageCoverage};
pub use values::passage::Passage;
pub use values::search::{ChunkPoint, Filter, Scope, ScoredChunk, Selection};
pub use values::source::{
    MAX_SOURCE_BYTES, SourceNameError, check_source, is_below, is_source, normalize_source,
};
pub use values::tags::{MAX_TAG_CHARACTERS, MAX_TAGS, TagsError, normalize_tags};
pub use values::ticket::Ticket;
pub use values::web::{PageLinks, RobotsRule, RobotsRules, SitemapEntries, robots_path};
