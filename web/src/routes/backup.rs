//! `/api/v1/backup`: everything as one archive, streamed while the server answers.

use std::io::{self, Write};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use tokio::sync::{OwnedMutexGuard, mpsc};

use crate::app::App;
use crate::app::backup::BackupSource;
use crate::error::ApiError;

/// Pieces that wait for who reads them. What is written waits, too.
const WAITING_PIECES: usize = 8;

/// The archive. A stream that breaks off is none: its end is missing.
pub async fn download(State(app): State<App>) -> Result<Response, ApiError> {
    let turn = app.take_care()?;
    let index = app.knowledge.index.current();
    let vectors = Some((index.embedder.space().clone(), index.vectors.clone()));
    let source = BackupSource { db: app.knowledge.db, originals: app.knowledge.originals, vectors };
    let body = Body::from_stream(archive(source, turn));
    Ok(([(header::CONTENT_TYPE, "application/zstd")], body).into_response())
}

/// Written as it is read: when the reader is gone, so is the writing.
fn archive(
    source: BackupSource,
    turn: OwnedMutexGuard<()>,
) -> impl stream::Stream<Item = io::Result<Bytes>> + Send {
    let (sender, mut pieces) = mpsc::channel(WAITING_PIECES);
    let written = async move {
        let written = source.write(Pieces(sender)).await;
        drop(turn);
        let error = written.err()?;
        tracing::warn!(%error, "a backup was broken off");
        Some(Err(io::Error::other(error)))
    };
    let written = stream::once(written).filter_map(std::future::ready);
    stream::select(stream::poll_fn(move |context| pieces.poll_recv(context)), written)
}

/// The writing end of a body.
struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
