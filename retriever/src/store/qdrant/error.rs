//! Maps errors of qdrant-client to those of the vector store port.

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
    let message = match error {
        QdrantError::ResponseError { status } => status.message().to_owned(),
        other => other.to_string(),
    };
    if is_temporary { VectorStoreError::Unavailable(message) } else { VectorStoreError::Failed(message) }
}
