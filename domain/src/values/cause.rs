//! Holds the error behind another error, whatever its type: values and ports name no crate that fails.

use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::values::error_text::with_causes;

/// The error behind another error, shared by its clones. Every error converts into it, and so does a text.
///
/// Like `anyhow::Error` it is no error itself, but dereferences to one, which is what `#[source]` of thiserror needs. It
/// displays the error with the causes of that, on one line; two that display the same are equal.
#[derive(Clone)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

/// A cause, and what it prevented.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
struct InContext {
    context: String,
    #[source]
    cause: Cause,
}

impl Cause {
    /// An error that displays `context`, with `cause` as its source.
    pub fn with_context(context: impl Into<String>, cause: impl Into<Self>) -> Self {
        Self(Arc::new(InContext { context: context.into(), cause: cause.into() }))
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Cause {
    fn from(error: E) -> Self {
        Self(Arc::from(error.into()))
    }
}

impl Deref for Cause {
    type Target = dyn Error + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_causes(&**self))
    }
}

impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Cause {}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// An error of a port.
    #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
    enum PortError {
        #[error("the store failed")]
        Failed(#[source] Cause),
    }

    fn denied() -> io::Error {
        io::ErrorKind::PermissionDenied.into()
    }

    #[test]
    fn an_error_stays_the_source_of_the_error_that_holds_it() {
        let error = PortError::Failed(denied().into());
        assert_eq!(error.to_string(), "the store failed");
        assert_eq!(with_causes(&error), "the store failed: permission denied");
        let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
        assert_eq!(source.map(io::Error::kind), Some(io::ErrorKind::PermissionDenied));
    }

    #[test]
    fn a_text_is_a_cause() {
        let error = PortError::Failed("no answer".into());
        assert_eq!(with_causes(&error), "the store failed: no answer");
        assert_eq!(error, PortError::Failed("no answer".to_owned().into()));
        assert_ne!(error, PortError::Failed("another answer".into()));
    }

    #[test]
    fn a_context_stands_before_the_cause_and_hides_none() {
        let cause = Cause::with_context("cannot open `daedap.db`", denied());
        assert_eq!(cause.to_string(), "cannot open `daedap.db`: permission denied");
        let error = PortError::Failed(cause);
        assert_eq!(with_causes(&error), "the store failed: cannot open `daedap.db`: permission denied");
        let source = error.source().and_then(Error::source);
        assert!(source.is_some_and(|source| source.is::<io::Error>()));
    }

    #[test]
    fn a_cause_that_the_context_quotes_is_displayed_once() {
        let cause = Cause::with_context("cannot read the index (permission denied); rebuild it", denied());
        assert_eq!(cause.to_string(), "cannot read the index (permission denied); rebuild it");
        assert!(cause.source().is_some_and(|source| source.is::<io::Error>()));
    }
}
