//! Runs the server: listens, announces its address, serves, and stops without losing an answer.

mod accept;
mod answer_body;
mod connections;
mod request_body;

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use service::instance_lock::InstanceLock;
use service::{App, Background, Tasks, raise_open_files_limit, stop_requested};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::accept::Door;
use self::connections::ConnectionLimits;
use crate::routes;

/// Maximum time that answers and background work have to end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Files that the process opens besides its connections: databases, indexes, originals, pipes of parsers.
const OTHER_OPEN_FILES: usize = 256;

/// Serves until the process is asked to stop, then lets answers end; jobs in hand are released. `announce` is called
/// with a link that signs a browser in, once the server listens.
///
/// # Errors
/// When the address cannot be listened on, the data directory cannot be written, or serving fails.
pub async fn run(app: App, lock: &InstanceLock, announce: impl FnOnce(&str)) -> Result<()> {
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
    announce(&routes::login_link(&url, &app.owner.new_login_code()));

    let stop = CancellationToken::new();
    let door = Door {
        router: routes::router(app.clone()),
        refusal: routes::refusal(),
        limits: connection_limits(&app),
        stop: stop.clone(),
    };
    let mut serving = tokio::spawn(door.serve(listener));
    tokio::select! {
        () = stop_requested() => tracing::info!("stopping; answers that are being written may finish"),
        ended = &mut serving => ended.context("the server failed")?,
        holder = app.database_taken_over() => {
            bail!("the database was taken over by {holder} while it could not be reached; this server stops")
        }
    }
    stop.cancel();
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

/// The settings, lowered to what the operating system allows.
fn connection_limits(app: &App) -> ConnectionLimits {
    let settings = &app.config.server;
    let open_files = raise_open_files_limit().unwrap_or(usize::MAX);
    let possible = open_files.saturating_sub(OTHER_OPEN_FILES).max(open_files / 2);
    if possible < settings.connections {
        tracing::warn!(
            connections = possible,
            open_files,
            "fewer connections than the setting `server.connections`: the process may not open more files"
        );
    }
    ConnectionLimits {
        total: settings.connections.min(possible),
        per_address: settings.connections_per_address,
    }
}
