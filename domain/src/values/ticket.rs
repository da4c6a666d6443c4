//! The right to one unit of bounded work.

use std::any::Any;
use std::fmt;

/// The right to one unit of bounded work, such as an answer of a generator, from before it begins until it ends. Dropping
/// it gives the right back.
pub struct Ticket {
    _held: Box<dyn Any + Send + Sync>,
}

impl Ticket {
    /// A ticket that holds `permit`, whose drop gives the right back.
    pub fn new(permit: impl Send + Sync + 'static) -> Self {
        Self { _held: Box::new(permit) }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}
