//! Runs work on the process's compute threads.
//!
//! The threads are candle's own pool, so that this crate's kernels and candle's models never compete for cores. Idle
//! threads spin for a while before they sleep, because decoding one token takes some hundred short steps.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

use candle_core::utils::{BarrierPool, barrier_pool};

/// Sets the number of threads that all models of this process compute with. Without it candle takes the number of
/// physical cores. It has no effect after the first model was loaded.
///
/// # Safety
///
/// No other thread may be running: call it at the top of `main`, before a runtime is built. It changes the
/// environment, which C libraries on other threads read without a lock.
pub unsafe fn set_compute_threads(threads: NonZeroUsize) {
    // candle reads the size of its pool from the environment when it first computes, and has no other setter.
    for variable in ["CANDLE_NUM_THREADS", "RAYON_NUM_THREADS"] {
        // SAFETY: the caller guarantees that no other thread reads the environment now.
        unsafe { std::env::set_var(variable, threads.to_string()) };
    }
}

/// The number of threads that models compute with. Starts the pool.
pub fn compute_threads() -> usize {
    barrier_pool().n_workers() + 1
}

/// The process's compute threads.
#[derive(Clone, Copy)]
pub(crate) struct ThreadPool(&'static BarrierPool);

impl ThreadPool {
    /// Starts the pool if it is not running yet.
    pub(crate) fn start() -> Self {
        Self(barrier_pool())
    }

    /// Runs `work` on ranges that together cover `0..items`, and returns when all are done. A panic in `work`
    /// propagates to the caller.
    pub(crate) fn for_each_range(self, items: usize, work: impl Fn(Range<usize>) + Sync) {
        // candle's pool is unusable after a panic inside it, so the panic is carried around it.
        let panic = Mutex::new(None);
        self.0.execute_chunked(items, |range| {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| work(range))) {
                *panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(payload);
            }
        });
        if let Some(payload) = panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
            resume_unwind(payload);
        }
    }
}
