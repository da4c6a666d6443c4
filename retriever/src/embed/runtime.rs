//! Loads ONNX Runtime's shared library from a given path, once per process.
//!
//! `ort` panics if it searches for the library and does not find it. So the library is always loaded here by its path
//! before anything else of `ort` is used, without changing environment variables.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use domain::Cause;
use ort::environment::Environment;

use super::unusable::Unusable;

/// The environment of the process: ONNX Runtime has one. A failed attempt leaves none, so that another path can be tried.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// The environment; created with the library at `path` if the process has none.
pub(super) fn environment(path: &Path) -> Result<Environment, Unusable> {
    let mut environment = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = environment.as_ref() {
        return Ok(environment.clone());
    }
    let unusable = |cause: Cause| Unusable(Cause::with_context("ONNX Runtime", cause));
    // The loader would search the system's folders for a bare file name, and the path must exist.
    let path = path
        .canonicalize()
        .map_err(|error| unusable(Cause::with_context(format!("`{}`", path.display()), error)))?;
    let created = ort::init_from(&path).map_err(|error| unusable(error.into()))?.with_name("daedap").build();
    let created = created.map_err(|error| unusable(error.into()))?;
    Ok(environment.insert(created).clone())
}
