//! Lowers the priority of threads that work in the background, so that questions get the processor first.

use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};
use tracing::debug;

/// Of 99; an ordinary thread has 50. On Linux it is a niceness of 10: a tenth of an ordinary thread's share of a busy
/// core, and all of an idle one.
const PRIORITY: u8 = 25;

/// Lowers the priority of the calling thread and of threads that it starts afterwards.
pub(crate) fn lower_thread_priority() {
    let priority = ThreadPriorityValue::try_from(PRIORITY).map(ThreadPriority::Crossplatform);
    match priority.map(set_current_thread_priority) {
        Ok(Ok(())) => {}
        // The thread then competes with questions, which are slower but still right.
        Ok(Err(error)) => debug!(?error, "cannot lower the priority of a background thread"),
        Err(error) => debug!(error, "cannot lower the priority of a background thread"),
    }
}
