//! Runs the server: listens, announces its address, serves, and stops without losing an answer.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use service::instance_lock::InstanceLock;
use service::{App, Background, Tasks, stop_requested};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::routes;

/// Maximum time that answers and background work have to end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves until the process is asked to stop, then lets answers end; jobs in hand are released.
///
/// # Errors
/// When the address cannot be listened on, the data directory cannot be written, or serving fails.
pub async fn run(app: App, lock: &InstanceLock) -> Result<()> {
    app.open_all().await?;
    app.recover().await?;
    let listener = TcpListener::bind(app.config.listen)
        .await
        .with_context(|| format!("cannot listen on `{}`", app.config.listen))?;
    let url = format!("http://{}", listener.local_addr()?);
    lock.announce(&url).context("cannot write to the data directory")?;
    app.announce(&url).await?;
    let background = Background::start(&app, Tasks::All);
    // Programs that start a server read this line; everything else goes to the log.
    writeln!(std::io::stdout(), "listening on {url}")?;

    let (stop, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(listener, routes::router(app.clone())).with_graceful_shutdown(async move {
        // An error means that the sender is gone: a stop as well.
        let _ = stopped.await;
    });
    let mut serving = tokio::spawn(serving.into_future());
    tokio::select! {
        () = stop_requested() => tracing::info!("stopping; answers that are being written may finish"),
        ended = &mut serving => ended?.context("the server failed")?,
        holder = app.database_taken_over() => {
            bail!("the database was taken over by {holder} while it could not be reached; this server stops")
        }
    }
    drop(stop);
    let finish = async {
        background.stopped().await;
        app.close().await;
        let _ = serving.await;
    };
    if tokio::time::timeout(DRAIN_TIMEOUT, finish).await.is_err() {
        tracing::warn!("some answers did not finish in time; partial answers were saved");
    }
    Ok(())
}
