//! Lets several threads write disjoint parts of one slice.

use std::marker::PhantomData;
use std::ops::Range;

/// A slice that threads write at the same time, each a part of its own.
pub(crate) struct DisjointSlices<'a, T> {
    start: *mut T,
    length: usize,
    lifetime: PhantomData<&'a mut [T]>,
}

// SAFETY: whoever takes a part vouches that no other live part overlaps it.
unsafe impl<T: Send> Sync for DisjointSlices<'_, T> {}

impl<'a, T> DisjointSlices<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), length: slice.len(), lifetime: PhantomData }
    }

    /// The part of `length` elements from `start` on. Panics if it reaches beyond the end.
    ///
    /// # Safety
    ///
    /// While the part lives, no other live part overlaps it.
    #[expect(clippy::mut_from_ref, reason = "the parts are disjoint, as the caller vouches")]
    pub(crate) unsafe fn slice(&self, start: usize, length: usize) -> &mut [T] {
        assert!(start.checked_add(length).is_some_and(|end| end <= self.length), "a part beyond the end");
        // SAFETY: the part lies within the slice, and the caller vouches that no other part overlaps it.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), length) }
    }

    /// The part in `range`. Panics if it reaches beyond the end.
    ///
    /// # Safety
    ///
    /// As for [`Self::slice`].
    #[expect(clippy::mut_from_ref, reason = "as for `slice`")]
    pub(crate) unsafe fn range(&self, range: Range<usize>) -> &mut [T] {
        // SAFETY: the caller vouches that no other part overlaps it.
        unsafe { self.slice(range.start, range.len()) }
    }
}
