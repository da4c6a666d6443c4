//! The running server: listen, announce, serve, and stop without losing an answer.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::signal;
use tokio_util::sync::CancellationToken;

use crate::app::{App, reindexing};
use crate::instance::Instance;
use crate::{installation, routes, sources, worker};

/// Longest wait at the end for answers that are being written.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves until the process is told to stop, then lets answers come to their end; jobs in hand are given back.
pub async fn run(app: App, instance: &Instance) -> Result<()> {
    app.recover().await?;
    let listener = TcpListener::bind(app.config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", app.config.listen))?;
    let url = format!("http://{}", listener.local_addr()?);
    instance.announce(&url).context("the data directory cannot be written")?;
    let stop = CancellationToken::new();
    let working = tokio::spawn(worker::run(app.clone(), stop.clone()));
    let syncing = tokio::spawn(sources::run(app.clone(), stop.clone()));
    let reindexing = tokio::spawn(reindexing::run(app.clone(), stop.clone()));
    let (data_dir, db) = (app.config.data_dir.clone(), app.knowledge.db.clone());
    let remembering = tokio::spawn(installation::remember(data_dir, db, stop.clone()));
    // Programs that start a server read this line; everything else goes to the log.
    writeln!(std::io::stdout(), "listening on {url}")?;

    let stopped = stop.clone();
    let serving = axum::serve(listener, routes::router(app.clone()))
        .with_graceful_shutdown(async move { stopped.cancelled().await })
        .into_future();
    let mut serving = tokio::spawn(serving);
    tokio::select! {
        () = asked_to_stop() => tracing::info!("stopping; answers being written may finish"),
        ended = &mut serving => ended?.context("the server failed")?,
    }
    stop.cancel();
    let finish = async {
        let _ = working.await;
        let _ = syncing.await;
        let _ = reindexing.await;
        let _ = remembering.await;
        app.close().await;
        let _ = serving.await;
    };
    if tokio::time::timeout(DRAIN_TIMEOUT, finish).await.is_err() {
        tracing::warn!("some answers did not finish in time; what there is of them is stored");
    }
    Ok(())
}

/// Ctrl-C, or SIGTERM where there are signals.
pub(crate) async fn asked_to_stop() {
    let interrupt = async {
        // Without a handler Ctrl-C ends the process as ever, so waiting forever is right.
        if signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        let Ok(mut terminate) = signal::unix::signal(signal::unix::SignalKind::terminate()) else {
            return interrupt.await;
        };
        tokio::select! {
            () = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    interrupt.await;
}
