//! The local engine: a GGUF file in, answers out.
//!
//! [`Engine::load`] checks the file, which is untrusted input, and builds from it the model, the tokenizer and the
//! chat template. One thread owns the model; requests reach it through a bounded queue and read their answers as
//! streams. Dropping a stream ends its work within one step.
//!
//! ```text
//! messages --template--> markup and texts --tokenizer--> tokens --queue--> worker: model, sampling --> stream
//! ```
//!
//! | module | owns |
//! |---|---|
//! | `gguf`, `shape` | what may be in a file |
//! | `vocabulary`, `tokenizer`, `decode` | text and tokens |
//! | `template` | messages and text |
//! | `simd`, `processor` | what the machine computes with |
//! | `matrix`, `ops`, `rotation`, `attention` | one operation each, over rows of numbers |
//! | `decoder` | the network of most families: tokens in, logits out |
//! | `borrowed` | the networks of those that candle-transformers has |
//! | `model` | which of the two a file needs |
//! | `cache` | keys and values of what was read, and who shares them |
//! | `sampling`, `stop`, `answer` | which token is next, and which is the last |
//! | `queue`, `worker`, `engine` | who is answered when |
//!
//! What is absent: downloads (`models`), prompts (`chat`), any knowledge of documents. Text from people never becomes
//! special tokens; see `template` and `tokenizer`.

mod answer;
mod attention;
pub mod bench;
mod borrowed;
mod cache;
mod decode;
mod decoder;
mod engine;
mod error;
mod gguf;
#[cfg(test)]
mod llama_cpp;
mod matrix;
mod model;
mod ops;
mod processor;
mod queue;
mod rotation;
mod sampling;
mod shape;
mod simd;
mod stop;
mod template;
mod threads;
#[cfg(test)]
mod tiny;
mod tokenizer;
mod vocabulary;
mod worker;

pub use engine::{Engine, EngineOptions, ModelProfile};
pub use error::LoadError;
pub use model::Support;
pub use threads::{compute_threads, set_compute_threads};
