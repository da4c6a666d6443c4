//! The machine's threads and instructions, as one thing to compute with.
//!
//! The threads are candle's own pool, so that what runs here and what runs in candle never compete. They wait in a
//! loop for a while before they sleep, because writing one token takes some hundred short steps.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

use candle_core::utils::{BarrierPool, barrier_pool};

use crate::simd::{InstructionSet, Kernel, launch_with};

/// Work on fewer numbers than this is done before anyone is awake.
const WORTH_SHARING: usize = 1 << 14;

/// What models compute with.
#[derive(Clone, Copy)]
pub(crate) struct Processor {
    threads: &'static BarrierPool,
    instructions: InstructionSet,
}

impl Processor {
    /// All threads of the process's pool, which this starts, and the widest instructions there are.
    pub(crate) fn start() -> Self {
        Self { threads: barrier_pool(), instructions: InstructionSet::widest() }
    }

    /// The same threads with other instructions, which must be available.
    #[cfg(test)]
    pub(crate) fn with(self, instructions: InstructionSet) -> Self {
        assert!(InstructionSet::available().contains(&instructions), "this machine has them");
        Self { instructions, ..self }
    }

    /// The instructions in use.
    pub(crate) fn instructions(self) -> InstructionSet {
        self.instructions
    }

    /// Runs a kernel on this thread.
    ///
    /// # Safety
    ///
    /// The kernel's pointers are what it demands.
    pub(crate) unsafe fn launch<K: Kernel>(self, kernel: K) -> K::Output {
        // SAFETY: the caller vouches for the pointers, the constructors for the instructions.
        unsafe { launch_with(self.instructions, kernel) }
    }

    /// Runs `work` once for each of `items`, on all threads.
    pub(crate) fn each(self, items: usize, work: impl Fn(usize) + Sync) {
        self.each_range(items, |range| range.for_each(&work));
    }

    /// Runs `work` on ranges that make up `rows`, on all threads if so many rows of `width` numbers are worth it.
    pub(crate) fn each_row(self, rows: usize, width: usize, work: impl Fn(Range<usize>) + Sync) {
        if rows <= 1 || rows * width < WORTH_SHARING {
            work(0..rows);
        } else {
            self.each_range(rows, work);
        }
    }

    fn each_range(self, items: usize, work: impl Fn(Range<usize>) + Sync) {
        // candle's pool cannot be used again after a panic in it: a panic is carried around it.
        let panic = Mutex::new(None);
        self.threads.execute_chunked(items, |range| {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| work(range))) {
                *panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(payload);
            }
        });
        if let Some(payload) = panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
            resume_unwind(payload);
        }
    }
}

/// Numbers that several threads write, each its own part.
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    length: usize,
    numbers: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: whoever takes a slice vouches that nobody else has the same part.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(numbers: &'a mut [T]) -> Self {
        Self { start: numbers.as_mut_ptr(), length: numbers.len(), numbers: std::marker::PhantomData }
    }

    /// `length` numbers from `start` on. Panics where they are not all there.
    ///
    /// # Safety
    ///
    /// As long as the slice lives, nobody else has a slice of the same numbers.
    #[expect(clippy::mut_from_ref, reason = "the parts are disjoint, as the caller vouches")]
    pub(crate) unsafe fn slice(&self, start: usize, length: usize) -> &mut [T] {
        assert!(start.checked_add(length).is_some_and(|end| end <= self.length), "a part beyond the whole");
        // SAFETY: within the whole, and the caller vouches that it is nobody else's.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), length) }
    }

    /// The numbers in `range`. Panics where they are not all there.
    ///
    /// # Safety
    ///
    /// As for [`Self::slice`].
    #[expect(clippy::mut_from_ref, reason = "as for `slice`")]
    pub(crate) unsafe fn range(&self, range: Range<usize>) -> &mut [T] {
        // SAFETY: as the caller says.
        unsafe { self.slice(range.start, range.len()) }
    }
}
