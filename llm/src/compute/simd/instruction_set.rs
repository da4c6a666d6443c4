//! Detects the instruction sets of the CPU at run time, and runs kernels with one of them.

use std::sync::OnceLock;

use crate::compute::simd::portable::Portable;
use crate::compute::simd::vector::Kernel;
#[cfg(target_arch = "x86_64")]
use crate::compute::simd::{avx2, avx512};

/// An instruction set that kernels run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InstructionSet {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl InstructionSet {
    /// The instruction sets of this CPU, the widest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut available = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if avx512::is_available() {
                available.push(Self::Avx512);
            }
            if avx2::is_available() {
                available.push(Self::Avx2);
            }
        }
        available.push(Self::Portable);
        available
    }

    /// The widest instruction set of this CPU.
    pub(crate) fn widest() -> Self {
        static WIDEST: OnceLock<InstructionSet> = OnceLock::new();
        *WIDEST.get_or_init(|| Self::available()[0])
    }

    /// Runs `kernel` with these instructions.
    ///
    /// # Safety
    ///
    /// The set is one of [`InstructionSet::available`], and the kernel's pointers meet the kernel's own requirements.
    pub(crate) unsafe fn launch<K: Kernel>(self, kernel: K) -> K::Output {
        // SAFETY: the caller vouches for the instructions and the pointers.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Self::Avx512 => avx512::run(kernel),
                #[cfg(target_arch = "x86_64")]
                Self::Avx2 => avx2::run(kernel),
                Self::Portable => kernel.run(Portable),
            }
        }
    }
}
