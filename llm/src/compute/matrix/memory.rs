//! Memory for weights: one piece for all of them, in large pages where the system has them.
//!
//! Writing a token reads all weights once. In pages of 4 KiB that is a quarter of a million look-ups of where a page
//! lies, which the processor waits for; in pages of 2 MiB it is five hundred. One matrix alone is often smaller than
//! such a page.

use std::io;
use std::ops::{Deref, DerefMut, Range};
use std::sync::Arc;

use memmap2::{MmapMut, MmapRaw};

/// Parts begin where a vector of the widest kind may be loaded at once.
const ALIGNMENT: usize = 64;

/// Memory that is given out part by part.
#[derive(Debug)]
pub(crate) struct Arena {
    memory: Arc<MmapRaw>,
    given: usize,
}

/// A part of an arena, which nobody else has. Zero at first.
#[derive(Debug)]
pub(super) struct Memory {
    arena: Arc<MmapRaw>,
    range: Range<usize>,
}

impl Arena {
    /// Memory for parts of `parts` bytes each. It is taken from the machine as it is written.
    pub(crate) fn new(parts: impl Iterator<Item = usize>) -> io::Result<Self> {
        let bytes = parts.map(|bytes| bytes.next_multiple_of(ALIGNMENT)).sum::<usize>();
        let memory = MmapMut::map_anon(bytes.max(1))?;
        // Only advice: a system without large pages serves small ones.
        #[cfg(target_os = "linux")]
        let _ = memory.advise(memmap2::Advice::HugePage);
        Ok(Self { memory: Arc::new(MmapRaw::from(memory)), given: 0 })
    }

    /// The next part.
    pub(super) fn part(&mut self, bytes: usize) -> io::Result<Memory> {
        let range = self.given..self.given + bytes;
        if range.end > self.memory.len() {
            return Err(io::Error::other("the weights are larger than their file announced"));
        }
        self.given = range.end.next_multiple_of(ALIGNMENT);
        Ok(Memory { arena: Arc::clone(&self.memory), range })
    }
}

impl Deref for Memory {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the range is within the arena, which lives as long as `self`, and no other part overlaps it.
        unsafe { std::slice::from_raw_parts(self.arena.as_ptr().add(self.range.start), self.range.len()) }
    }
}

impl DerefMut for Memory {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for `deref`; and `self` is borrowed mutably.
        unsafe {
            std::slice::from_raw_parts_mut(self.arena.as_mut_ptr().add(self.range.start), self.range.len())
        }
    }
}
