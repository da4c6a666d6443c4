//! Defines why a model cannot be used, and turns panics of the vendor crates into such reasons.

use std::panic::{AssertUnwindSafe, catch_unwind};

use domain::{Cause, EmbedError};

/// Why a model, or the library that runs it, cannot be used.
#[derive(Debug)]
pub(super) struct Unusable(pub(super) Cause);

impl From<Unusable> for EmbedError {
    fn from(Unusable(reason): Unusable) -> Self {
        Self::Unusable(reason)
    }
}

/// Runs `work`; a panic becomes an error. fastembed and its dependencies panic on unexpected models, for example on an
/// output of another shape or a tokenizer without a maximum length.
pub(super) fn catch_panic<T>(work: impl FnOnce() -> Result<T, fastembed::Error>) -> Result<T, Cause> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => Ok(result?),
        Err(_) => Err("its output or its tokenizer is of an unsupported kind".into()),
    }
}
