//! Dense embedding and cross-encoding on ONNX Runtime through fastembed. The only place that uses either of them.
//!
//! Dedicated threads own the models (`embedding_threads`, `cross_encoder`); callers send them work (`work_queue`) and
//! wait without blocking a task. Nothing here downloads a model: the caller supplies files, and a missing or damaged file is
//! [`EmbedError::Unusable`](domain::EmbedError::Unusable) or [`RerankError::Unusable`].

mod cross_encoder;
mod dynamic_quantization;
mod embedder;
mod embedding_threads;
mod files;
mod onnx_model;
mod runtime;
mod unusable;
mod work_queue;

pub use cross_encoder::{CrossEncoder, CrossEncoderOptions, RerankError};
pub use embedder::{EmbedderProfile, FastEmbedder, Pooling};
pub use files::OnnxFiles;
