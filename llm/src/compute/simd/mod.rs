//! Computes on vectors of sixteen numbers with whatever instructions the CPU has for them.
//!
//! A kernel is written once over the trait [`vector::Simd`]; [`instruction_set::InstructionSet`] runs it with AVX-512
//! (VNNI), AVX2 (FMA) or plain Rust. The choice is made at run time, so that one binary serves all machines. This is
//! the only place in the crate that knows instruction names.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod instruction_set;
pub(crate) mod math;
mod portable;
#[cfg(test)]
mod tests;
pub(crate) mod vector;
