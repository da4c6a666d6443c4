//! ONNX Runtime's shared library: loaded from a path we are given, once in a process.
//!
//! `ort` panics when it must find the library by itself and cannot. So the library is always loaded here, by its
//! path, before anything else of `ort` is touched; the process's environment variables are left alone.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;

use super::files::Unusable;

/// The environment of the process. ONNX Runtime has one; a failed attempt leaves none, so another path may follow.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// The environment, made with the library at `path` unless the process has one already.
pub(super) fn environment(path: &Path) -> Result<Environment, Unusable> {
    let mut environment = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = environment.as_ref() {
        return Ok(environment.clone());
    }
    let unusable = |error: &dyn std::fmt::Display| Unusable(format!("ONNX Runtime: {error}"));
    // A bare file name would make the loader search the system's folders; a path must be one that exists.
    let path = path.canonicalize().map_err(|error| unusable(&format_args!("{}: {error}", path.display())))?;
    let made = ort::init_from(&path).map_err(|error| unusable(&error))?.with_name("daedap").build();
    let made = made.map_err(|error| unusable(&error))?;
    Ok(environment.insert(made).clone())
}
