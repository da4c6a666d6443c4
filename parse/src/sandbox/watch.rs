//! Ends a child whose answer nobody waits for.

use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A child process that several threads may kill and one waits for.
pub(crate) type SharedChild = Arc<Mutex<Child>>;

/// The child, whoever panicked while holding it.
pub(crate) fn lock(child: &SharedChild) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills the child. One that has ended already is left as it is.
pub(crate) fn kill(child: &SharedChild) {
    // An error means that it has ended.
    let _ = lock(child).kill();
}

/// Ties a request to the child that works on it: if the one who waits leaves, the child is killed, and nobody else's.
#[derive(Clone, Default)]
pub(crate) struct Watch {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
enum State {
    #[default]
    Waiting,
    Working(SharedChild),
    Over,
}

impl Watch {
    /// Notes which child works on the request; `false` if nobody waits for it any more.
    pub(crate) fn begin(&self, child: &SharedChild) -> bool {
        let mut state = self.lock();
        let is_wanted = !matches!(*state, State::Over);
        if is_wanted {
            *state = State::Working(child.clone());
        }
        is_wanted
    }

    /// Notes that the child has answered; `false` if it was killed.
    pub(crate) fn end(&self) -> bool {
        matches!(std::mem::replace(&mut *self.lock(), State::Over), State::Working(_))
    }

    /// Kills the child that works on the request, if there is one.
    pub(crate) fn abandon(&self) {
        if let State::Working(child) = std::mem::replace(&mut *self.lock(), State::Over) {
            kill(&child);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Abandons a request when it is dropped. Of a request that is over nothing is left to abandon.
pub(crate) struct AbandonOnDrop(pub(crate) Watch);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
