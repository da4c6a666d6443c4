//! Memory for weights: in large pages where the system has them.
//!
//! Writing a token reads all weights once. In pages of 4 KiB that is a quarter of a million look-ups of where a page
//! lies, which the processor waits for; in pages of 2 MiB it is five hundred.

use std::io;
use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

/// Bytes, zero at first.
#[derive(Debug)]
pub(super) struct Memory(MmapMut);

impl Memory {
    pub(super) fn zeroed(bytes: usize) -> io::Result<Self> {
        let memory = MmapMut::map_anon(bytes)?;
        // Only advice: a system without large pages serves small ones.
        #[cfg(target_os = "linux")]
        let _ = memory.advise(memmap2::Advice::HugePage);
        Ok(Self(memory))
    }
}

impl Deref for Memory {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Memory {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
