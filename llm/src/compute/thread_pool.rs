//! How many threads the model computes with.
//!
//! candle has one pool for the whole process. It reads its size from the environment when it first computes, and
//! there is no other way to set it.

use std::num::NonZeroUsize;

/// Sets the number of threads that the models of this process compute with. Without it candle takes the number of
/// physical cores. It has no effect after the first model was loaded.
///
/// # Safety
///
/// No other thread may be running: call it at the top of `main`, before a runtime is built. It changes the
/// environment, which C libraries on other threads read without a lock.
pub unsafe fn set_compute_threads(threads: NonZeroUsize) {
    for variable in ["CANDLE_NUM_THREADS", "RAYON_NUM_THREADS"] {
        // SAFETY: the caller sees to it that nobody else reads the environment now.
        unsafe { std::env::set_var(variable, threads.to_string()) };
    }
}

/// The number of threads that models compute with. Starts candle's pool.
pub fn compute_threads() -> usize {
    candle_core::utils::barrier_pool().n_workers() + 1
}
