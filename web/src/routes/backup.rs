//! `/api/v1/backup`: the whole installation as one file, streamed while the server answers.

use std::io::{self, Write};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use service::App;
use service::backup::BackupSource;
use tokio::sync::{OwnedMutexGuard, mpsc};

use crate::api::errors::ErrorEnvelope;
use crate::api_error::ApiError;

/// Blocks that wait for the reader; the writer waits with them.
const BLOCKS_AHEAD: usize = 8;

/// Back up the whole installation
///
/// A stream that breaks off is not a backup: its end is missing, and `daedap restore` refuses it.
#[utoipa::path(
    post, path = "/backup", tag = "maintenance", operation_id = "create_backup",
    responses(
        (status = 200, description = "The backup.", body = Vec<u8>, content_type = "application/zstd"),
        (status = 409, description = "There is nothing to back up, or a backup or a check is running.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn download(State(app): State<App>) -> Result<Response, ApiError> {
    let lock = app.begin_maintenance()?;
    let source = app.backup_source().await?;
    let body = Body::from_stream(archive(source, lock));
    Ok(([(header::CONTENT_TYPE, "application/zstd")], body).into_response())
}

/// Writes as fast as it is read: when the reader disconnects, writing ends.
fn archive(
    source: BackupSource,
    lock: OwnedMutexGuard<()>,
) -> impl stream::Stream<Item = io::Result<Bytes>> + Send {
    let (sender, mut blocks) = mpsc::channel(BLOCKS_AHEAD);
    let written = async move {
        let written = source.write(Blocks(sender)).await;
        drop(lock);
        let error = written.err()?;
        tracing::warn!(error = domain::with_causes(&error), "a backup was cut off");
        Some(Err(io::Error::other(error)))
    };
    let written = stream::once(written).filter_map(std::future::ready);
    stream::select(stream::poll_fn(move |context| blocks.poll_recv(context)), written)
}

/// The writing end of a body.
struct Blocks(mpsc::Sender<io::Result<Bytes>>);

impl Write for Blocks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
