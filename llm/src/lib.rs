//! The local engine: loads a GGUF file, and answers requests with it on the CPU.
//!
//! [`Engine::load`] checks the file, which is untrusted input, and builds the model, the tokenizer and the chat
//! template from it. One thread owns the model; requests reach it through a bounded queue and read their answers as
//! streams.
//!
//! ```text
//! messages --chat template--> prompt --tokenizer--> tokens --scheduler--> batch loop: model, sampling --> stream
//! ```
//!
//! | module | owns |
//! |---|---|
//! | `serve` | `engine`, `scheduler`, `batch_loop`, `sampling`: which requests are computed, and which token is next |
//! | `text` | `chat_template`, `tokenizer`, `vocabulary`, `detokenize`, `stop`: messages to tokens, tokens to text |
//! | `kv_cache` | `blocks`, `prefix_tree`: keys and values of computed tokens, and who shares them |
//! | `model` | `gguf`, `config`, `decoder`, `candle_models`: what is in a file, and the network that computes logits |
//! | `compute` | `simd`, `matrix`, `attention`, `rope`, `ops`, `thread_pool`: operations over rows of numbers |
//!
//! Does not contain downloads (`models`), prompts (`chat`), or any knowledge of documents. Text from people never
//! becomes special tokens; see `text`.

pub mod bench;
mod catch_panic;
mod compute;
mod error;
mod kv_cache;
mod model;
mod serve;
#[cfg(test)]
mod testing;
mod text;

pub use compute::thread_pool::{compute_threads, set_compute_threads};
pub use error::LoadError;
pub use model::architecture::Support;
pub use serve::engine::{Engine, EngineOptions, ModelProfile};
