//! Marks answers in progress that nobody writes any more, for example because the database was gone when they ended.

use std::time::Duration;

use domain::with_causes;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::app::App;

const CHECK_EVERY: Duration = Duration::from_secs(60);

/// Checks again and again until `stop`.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(CHECK_EVERY)).await.is_some() {
        let Some(chat) = app.opened_chat() else { continue };
        match chat.interrupt_abandoned_answers().await {
            Ok(0) => {}
            Ok(answers) => info!(answers, "marked answers as interrupted that nobody writes any more"),
            Err(error) => warn!(error = with_causes(&error), "cannot check for abandoned answers"),
        }
    }
}
