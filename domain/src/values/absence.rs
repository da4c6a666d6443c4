//! Tells what a source no longer holds from what was not seen there.
//!
//! A sync removes a document with an [`Absence`] and in no other way, and only a [`Listing`] makes one: where the source
//! itself says that the document is gone, or where the listing is complete and does not hold it. A server that fails, a
//! damaged archive, a listing that was cut off are gaps, and a listing with a gap says nothing about what it does not hold.

use std::collections::HashSet;

use crate::values::source::is_below;

/// Number of documents that a sync may always remove.
const MAX_UNASKED_REMOVALS: usize = 3;

/// A sync that would remove more than one document in this many needs permission.
const DOCUMENTS_PER_REMOVAL: usize = 10;

/// The finding that a source no longer holds a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    source: String,
}

impl Absence {
    /// The source of the document.
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// What a folder or a site holds, as far as one look at it found out.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    held: HashSet<String>,
    gone: HashSet<String>,
    /// Folders and archives whose content is unknown.
    unlisted: Vec<String>,
    has_gap: bool,
    is_finished: bool,
}

impl Listing {
    /// Notes that the source holds this document.
    pub fn hold(&mut self, source: impl Into<String>) {
        self.held.insert(source.into());
    }

    /// Notes that the source itself says that this document is gone.
    pub fn mark_gone(&mut self, source: impl Into<String>) {
        self.gone.insert(source.into());
    }

    /// Notes that something could not be listed, whatever it is.
    pub fn leave_gap(&mut self) {
        self.has_gap = true;
    }

    /// Notes that the content of this folder or archive could not be listed.
    pub fn leave_gap_below(&mut self, part: impl Into<String>) {
        self.unlisted.push(part.into());
    }

    /// Notes that nothing is left to list. Without it the listing is cut off, and not complete.
    pub fn finish(&mut self) {
        self.is_finished = true;
    }

    /// Whether something could not be listed.
    pub fn has_gap(&self) -> bool {
        self.has_gap
    }

    /// Whether the source holds this document.
    pub fn holds(&self, source: &str) -> bool {
        self.held.contains(source)
    }

    /// The finding that this document is gone; `None` where the source holds it or nobody knows.
    pub fn absence(&self, source: &str) -> Option<Absence> {
        if self.holds(source) {
            return None;
        }
        let is_unlisted = || self.unlisted.iter().any(|part| is_below(source, part));
        let is_complete = self.is_finished && !self.has_gap;
        let is_absent = self.gone.contains(source) || (is_complete && !is_unlisted());
        is_absent.then(|| Absence { source: source.to_owned() })
    }
}

/// A sync would remove more of a source's documents than it may without being asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{removals} of {documents} documents are no longer in the source; none was removed; \
     allow it with `--allow-removals`, or `allow_removals` in the API and in the settings"
)]
pub struct TooManyRemovals {
    /// Documents that it would remove.
    pub removals: usize,
    /// Documents that the source had.
    pub documents: usize,
}

/// Checks that a sync may remove this many of a source's documents: up to three, or a tenth of them.
pub fn check_removals(removals: usize, documents: usize) -> Result<(), TooManyRemovals> {
    let is_few = removals <= MAX_UNASKED_REMOVALS || removals * DOCUMENTS_PER_REMOVAL <= documents;
    if is_few { Ok(()) } else { Err(TooManyRemovals { removals, documents }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing() -> Listing {
        let mut listing = Listing::default();
        listing.hold("/srv/a.md");
        listing.mark_gone("/srv/b.md");
        listing
    }

    fn is_absent(listing: &Listing, source: &str) -> bool {
        listing.absence(source).is_some_and(|absence| absence.source() == source)
    }

    #[test]
    fn a_complete_listing_tells_what_it_does_not_hold() {
        let mut listing = listing();
        listing.finish();
        assert!(!is_absent(&listing, "/srv/a.md"));
        assert!(is_absent(&listing, "/srv/b.md") && is_absent(&listing, "/srv/c.md"));
    }

    #[test]
    fn a_listing_that_was_cut_off_or_has_a_gap_tells_only_what_the_source_said() {
        let cut_off = listing();
        let mut with_gap = listing();
        with_gap.leave_gap();
        with_gap.finish();
        for listing in [cut_off, with_gap] {
            assert!(is_absent(&listing, "/srv/b.md"));
            assert!(!is_absent(&listing, "/srv/a.md") && !is_absent(&listing, "/srv/c.md"));
        }
    }

    #[test]
    fn what_could_not_be_opened_keeps_what_was_in_it() {
        let mut listing = listing();
        listing.leave_gap_below("/srv/rules.zip");
        listing.finish();
        assert!(!is_absent(&listing, "/srv/rules.zip/leave.md") && !is_absent(&listing, "/srv/rules.zip"));
        assert!(is_absent(&listing, "/srv/rules.zip.md"));
    }

    #[test]
    fn three_documents_or_a_tenth_may_go_unasked() {
        for (removals, documents) in [(0, 0), (3, 3), (4, 40), (100, 1_000)] {
            assert_eq!(check_removals(removals, documents), Ok(()), "{removals} of {documents}");
        }
        for (removals, documents) in [(4, 4), (4, 39), (101, 1_000)] {
            assert!(check_removals(removals, documents).is_err(), "{removals} of {documents}");
        }
    }
}
