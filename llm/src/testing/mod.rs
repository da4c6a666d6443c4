//! Tiny models for tests, and the comparison with llama.cpp.

mod llama_cpp;
pub(crate) mod tiny_candle_model;
pub(crate) mod tiny_model;
