//! Loads models from GGUF files, and computes logits with them.
//!
//! [`architecture`] chooses between the [`decoder`], which runs most families, and [`candle_models`] for families that
//! only candle-transformers has. [`loaded_model`] is either of them in memory.

pub(crate) mod architecture;
pub(crate) mod batch;
pub(crate) mod candle_models;
pub(crate) mod config;
pub(crate) mod decoder;
pub(crate) mod family;
pub(crate) mod gguf;
pub(crate) mod loaded_model;
pub(crate) mod tensor_checks;
