//! The clock of leases and waits: it begins with the wall clock's time and goes on by the monotonic one, so that a wall clock
//! that is set forward ends no lease, and one that is set back keeps no job waiting.
//!
//! One process works on the jobs of a database, so leases are compared with the clock that they were made by. What an earlier
//! process left is compared with a bound: see [`LeaseClock::latest_wait`].

use std::time::{Duration, Instant};

use crate::encode;

/// No job waits for longer.
const MAX_WAIT: Duration = Duration::from_secs(3_600);

/// The clock of one handle to a database and its clones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LeaseClock {
    wall_ms: i64,
    started: Instant,
}

impl LeaseClock {
    /// A clock that begins now.
    pub(crate) fn start() -> Self {
        Self { wall_ms: encode::now_ms(), started: Instant::now() }
    }

    /// Milliseconds since the epoch, by the wall clock as it was at the start.
    pub(crate) fn now_ms(self) -> i64 {
        later(self.wall_ms, self.started.elapsed())
    }

    /// A time after which nothing waits: a later one was written while the wall clock was wrong.
    pub(crate) fn latest_wait(self) -> i64 {
        later(self.now_ms(), MAX_WAIT)
    }
}

/// `ms` plus `span`, in milliseconds.
pub(crate) fn later(ms: i64, span: Duration) -> i64 {
    ms.saturating_add(encode::integer(span.as_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_whatever_the_wall_clock_says() {
        // As if the wall clock had been set forward by a day after the start.
        let started = Instant::now();
        let clock = LeaseClock { wall_ms: encode::now_ms() - 86_400_000, started };
        let first = clock.now_ms();
        assert!(first < encode::now_ms() - 86_000_000);
        assert!(clock.now_ms() >= first && clock.latest_wait() - first >= 3_600_000);
    }
}
