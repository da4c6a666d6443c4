//! Threads that work ahead (embedding passages, indexing them) step back where somebody waits for an answer.

use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};
use tracing::debug;

/// Of 99; an ordinary thread has 50. On Linux it is a niceness of 10: a tenth of what an ordinary thread gets where
/// both want the same core, and all of it where nobody else does.
const PRIORITY: u8 = 25;

/// Makes the calling thread, and those that it starts from now on, one that works in the background.
pub(crate) fn step_back() {
    let priority = ThreadPriorityValue::try_from(PRIORITY).map(ThreadPriority::Crossplatform);
    match priority.map(set_current_thread_priority) {
        Ok(Ok(())) => {}
        // Then questions share the cores with it.
        Ok(Err(error)) => debug!(?error, "a background thread keeps its priority"),
        Err(error) => debug!(error, "a background thread keeps its priority"),
    }
}
