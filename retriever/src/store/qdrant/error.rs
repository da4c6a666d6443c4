//! Maps errors of qdrant-client to those of the vector store port.

use std::error::Error;
use std::fmt;

use domain::VectorStoreError;
use qdrant_client::QdrantError;

/// The gRPC status codes that have a meaning of their own here.
struct Code;

impl Code {
    const UNKNOWN: i32 = 2;
    const DEADLINE_EXCEEDED: i32 = 4;
    const ALREADY_EXISTS: i32 = 6;
    const RESOURCE_EXHAUSTED: i32 = 8;
    const INTERNAL: i32 = 13;
    const UNAVAILABLE: i32 = 14;
}

fn code(error: &QdrantError) -> Option<i32> {
    match error {
        QdrantError::ResponseError { status } | QdrantError::ResourceExhaustedError { status, .. } => {
            Some(status.code() as i32)
        }
        _ => None,
    }
}

/// Whether a collection of this name exists already.
pub(super) fn is_already_there(error: &QdrantError) -> bool {
    code(error) == Some(Code::ALREADY_EXISTS)
}

/// `Unavailable` if retrying later may help, else `Failed`.
pub(super) fn map_error(error: QdrantError) -> VectorStoreError {
    let is_temporary = match code(&error) {
        Some(Code::DEADLINE_EXCEEDED | Code::RESOURCE_EXHAUSTED | Code::UNAVAILABLE) => true,
        // The client reports failed and broken connections with these codes.
        Some(Code::UNKNOWN | Code::INTERNAL) => error.to_string().contains("transport"),
        Some(_) => false,
        None => matches!(error, QdrantError::Io(_)),
    };
    let cause = ClientError(error).into();
    if is_temporary { VectorStoreError::Unavailable(cause) } else { VectorStoreError::Failed(cause) }
}

/// An error of the client. Of a response it displays the message alone; the client adds code and headers of gRPC.
#[derive(Debug)]
struct ClientError(QdrantError);

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            QdrantError::ResponseError { status } => f.write_str(status.message()),
            other => fmt::Display::fmt(other, f),
        }
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            QdrantError::ResponseError { status } | QdrantError::ResourceExhaustedError { status, .. } => {
                status.source()
            }
            other => other.source(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use domain::with_causes;

    use super::*;

    #[test]
    fn a_broken_connection_is_unavailable_and_keeps_its_error() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let error = map_error(QdrantError::Io(refused));
        assert!(matches!(error, VectorStoreError::Unavailable(_)), "{error:?}");
        assert_eq!(with_causes(&error), "the vector store is unavailable: IO error: connection refused");
        let source = error.source().and_then(Error::source);
        assert!(source.is_some_and(|source| source.is::<io::Error>()), "{source:?}");
    }
}
