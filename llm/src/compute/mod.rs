//! Computes on the CPU: SIMD kernels, quantized matrix products, attention, RoPE, and the threads they run on.
//!
//! Does not know models: [`matrix`], [`ops`], [`rope`] and [`attention`] are one operation each, over rows of numbers.
//! Each row is summed in the same order, alone or in a batch, so that results do not depend on the batch.

pub(crate) mod attention;
pub(crate) mod backend;
pub(crate) mod disjoint_slices;
pub(crate) mod matrix;
pub(crate) mod ops;
pub(crate) mod rope;
pub(crate) mod simd;
pub(crate) mod thread_pool;
