//! Counts the job workers that run, and those that should.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The workers of this process; clones share the counts.
#[derive(Clone, Default)]
pub(crate) struct WorkerCount {
    expected: Arc<AtomicUsize>,
    running: Arc<AtomicUsize>,
}

/// A worker that runs, until it is dropped.
pub(crate) struct RunningWorker(Arc<AtomicUsize>);

impl WorkerCount {
    /// From now on, `workers` should run.
    pub(crate) fn expect(&self, workers: usize) {
        self.expected.store(workers, Ordering::Relaxed);
    }

    /// A worker begins.
    pub(crate) fn begin(&self) -> RunningWorker {
        self.running.fetch_add(1, Ordering::Relaxed);
        RunningWorker(self.running.clone())
    }

    /// How many should run and do not.
    pub(crate) fn missing(&self) -> usize {
        self.expected.load(Ordering::Relaxed).saturating_sub(self.running.load(Ordering::Relaxed))
    }
}

impl Drop for RunningWorker {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_ends_is_missing() {
        let count = WorkerCount::default();
        assert_eq!(count.missing(), 0, "a process without workers misses none");
        count.expect(2);
        let workers = [count.begin(), count.begin()];
        assert_eq!(count.missing(), 0);
        drop(workers);
        assert_eq!(count.missing(), 2);
    }
}
