//! Runs a background task again after it panicked: a fault in one piece of work must not end all that comes after it.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

/// A task that panics at once must not fill the log.
const RESTART_WAIT: Duration = Duration::from_secs(1);

/// Runs `task` until it returns or `stop` is cancelled; starts it again whenever it panics.
pub(crate) async fn supervised<F: Future<Output = ()>>(
    name: &'static str,
    stop: &CancellationToken,
    mut task: impl FnMut() -> F,
) {
    while AssertUnwindSafe(task()).catch_unwind().await.is_err() {
        tracing::error!(task = name, "a background task panicked and is started again");
        if stop.run_until_cancelled(tokio::time::sleep(RESTART_WAIT)).await.is_none() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_started_again() {
        let runs = AtomicUsize::new(0);
        let task = || async {
            let earlier = runs.fetch_add(1, Ordering::Relaxed);
            assert!(earlier >= 1, "the first run fails");
        };
        supervised("test", &CancellationToken::new(), task).await;
        assert_eq!(runs.into_inner(), 2);
    }
}
