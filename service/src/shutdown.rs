//! Waits for the request to stop: Ctrl-C, or SIGTERM where there are signals.

use tokio::signal;

/// Resolves when this process is asked to stop.
pub async fn stop_requested() {
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
