//! Allocates all weights in one piece of memory, in huge pages where the system has them.
//!
//! Decoding a token reads all weights once. In pages of 4 KiB that is a quarter of a million address translations that
//! the CPU waits for; in pages of 2 MiB it is five hundred. A single matrix is often smaller than a huge page.

use std::io;
use std::ops::{Deref, DerefMut, Range};
use std::sync::Arc;

use memmap2::{MmapMut, MmapRaw};

/// Parts begin where the widest vector can be loaded without crossing a cache line.
const ALIGNMENT: usize = 64;

/// Memory that is handed out part by part.
#[derive(Debug)]
pub(crate) struct Arena {
    memory: Arc<MmapRaw>,
    allocated: usize,
}

/// A part of an arena, owned exclusively. Zeroed at first.
#[derive(Debug)]
pub(super) struct ArenaPart {
    arena: Arc<MmapRaw>,
    range: Range<usize>,
}

impl Arena {
    /// Reserves memory for parts of these sizes. The system provides it as it is written.
    pub(crate) fn new(part_bytes: impl Iterator<Item = usize>) -> io::Result<Self> {
        let bytes = part_bytes.map(|bytes| bytes.next_multiple_of(ALIGNMENT)).sum::<usize>();
        let memory = MmapMut::map_anon(bytes.max(1))?;
        // Only advice: a system without huge pages uses small ones.
        #[cfg(target_os = "linux")]
        let _ = memory.advise(memmap2::Advice::HugePage);
        Ok(Self { memory: Arc::new(MmapRaw::from(memory)), allocated: 0 })
    }

    /// Hands out the next part.
    pub(super) fn allocate(&mut self, bytes: usize) -> io::Result<ArenaPart> {
        let range = self.allocated..self.allocated + bytes;
        if range.end > self.memory.len() {
            return Err(io::Error::other("the weights are larger than the file's header says"));
        }
        self.allocated = range.end.next_multiple_of(ALIGNMENT);
        Ok(ArenaPart { arena: Arc::clone(&self.memory), range })
    }
}

impl Deref for ArenaPart {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the range is within the arena, which lives as long as `self`, and no other part overlaps it.
        unsafe { std::slice::from_raw_parts(self.arena.as_ptr().add(self.range.start), self.range.len()) }
    }
}

impl DerefMut for ArenaPart {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for `deref`; and `self` is borrowed mutably.
        unsafe {
            std::slice::from_raw_parts_mut(self.arena.as_mut_ptr().add(self.range.start), self.range.len())
        }
    }
}
