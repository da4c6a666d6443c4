//! Runs heavy work on a blocking thread, so that it does not hold up other tasks.

use parse::ParseError;

use crate::error::IngestError;

/// Runs `work` on a blocking thread. A panic in it (in a parser, on hostile input) becomes an error of this document.
///
/// # Errors
/// Those of `work`, and `Parse` with `Failed` where it panics.
pub(crate) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, IngestError> + Send + 'static,
) -> Result<T, IngestError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(ParseError::Failed(error.to_string()).into()),
    }
}
