//! The CPU backend: compute threads, and the instruction set that kernels run with.

use std::ops::Range;

use crate::compute::simd::instruction_set::InstructionSet;
use crate::compute::simd::vector::Kernel;
use crate::compute::thread_pool::ThreadPool;

/// Work on fewer numbers than this is done before another thread wakes up.
const MIN_PARALLEL_NUMBERS: usize = 1 << 14;

/// What models compute on.
#[derive(Clone, Copy)]
pub(crate) struct CpuBackend {
    threads: ThreadPool,
    instructions: InstructionSet,
}

impl CpuBackend {
    /// All compute threads of the process, which this starts, and the widest instruction set of this CPU.
    pub(crate) fn start() -> Self {
        Self { threads: ThreadPool::start(), instructions: InstructionSet::widest() }
    }

    /// The same threads with another instruction set, which this CPU must have.
    #[cfg(test)]
    pub(crate) fn with(self, instructions: InstructionSet) -> Self {
        assert!(InstructionSet::available().contains(&instructions), "this machine has them");
        Self { instructions, ..self }
    }

    /// The instruction set that kernels run with.
    pub(crate) fn instructions(self) -> InstructionSet {
        self.instructions
    }

    /// Runs a kernel on this thread.
    ///
    /// # Safety
    ///
    /// The kernel's pointers meet the kernel's own requirements.
    pub(crate) unsafe fn launch<K: Kernel>(self, kernel: K) -> K::Output {
        // SAFETY: the caller vouches for the pointers, the constructors for the instruction set.
        unsafe { self.instructions.launch(kernel) }
    }

    /// Runs `work` once for each of `0..items`, on all threads.
    pub(crate) fn for_each(self, items: usize, work: impl Fn(usize) + Sync) {
        self.threads.for_each_range(items, |range| range.for_each(&work));
    }

    /// Runs `work` on ranges that together cover `0..rows`: on all threads if rows of `width` numbers are worth it,
    /// else on this one.
    pub(crate) fn for_each_row_range(self, rows: usize, width: usize, work: impl Fn(Range<usize>) + Sync) {
        if rows <= 1 || rows * width < MIN_PARALLEL_NUMBERS {
            work(0..rows);
        } else {
            self.threads.for_each_range(rows, work);
        }
    }
}
