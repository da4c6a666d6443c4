//! Judges redirects of pages that have documents: a page that moved is told from a page that is hidden for now.
//!
//! A site that is closed for maintenance, or that asks to log in, redirects its pages as well, and most of them to one and
//! the same page. Those pages are still there, as are those that redirect for now (302) or out of the site.

use std::collections::HashMap;

use domain::Listing;

/// Permanent redirects within the site, of pages that are known from an earlier crawl.
#[derive(Default)]
pub(crate) struct Moves(Vec<(String, String)>);

impl Moves {
    /// Notes that the page at `from` redirects to `to`, or names it as its own address.
    pub(crate) fn note(&mut self, from: &str, to: &str) {
        self.0.push((from.to_owned(), to.to_owned()));
    }

    /// Marks the pages as gone that moved to a page of the listing. Returns the redirects of the others, `known` being the
    /// number of pages of the earlier crawl.
    pub(crate) fn resolve(&mut self, listing: &mut Listing, known: usize) -> Vec<(String, String)> {
        let mut sharing: HashMap<String, usize> = HashMap::new();
        for (_, to) in &self.0 {
            *sharing.entry(to.clone()).or_default() += 1;
        }
        let mut unresolved = Vec::new();
        for (from, to) in self.0.drain(..) {
            let shared_by = sharing[&to];
            let is_collective = shared_by > 1 && shared_by * 2 > known;
            if listing.holds(&to) && !is_collective {
                listing.mark_gone(from);
            } else {
                listing.hold(&*from);
                unresolved.push((from, to));
            }
        }
        unresolved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(redirects: &[(&str, &str)], held: &[&str], known: usize) -> Vec<String> {
        let (mut moves, mut listing) = (Moves::default(), Listing::default());
        held.iter().for_each(|page| listing.hold(*page));
        for (from, to) in redirects {
            moves.note(from, to);
        }
        let kept = moves.resolve(&mut listing, known);
        assert_eq!(kept.len(), redirects.iter().filter(|(from, _)| listing.holds(from)).count());
        let gone = redirects.iter().filter(|(from, _)| listing.absence(from).is_some());
        gone.map(|(from, _)| (*from).to_owned()).collect()
    }

    #[test]
    fn a_page_moved_where_the_listing_holds_the_other_one() {
        assert_eq!(resolve(&[("/a", "/b")], &["/b"], 5), ["/a"]);
        assert_eq!(resolve(&[("/a", "/login")], &["/b"], 5), [""; 0]);
        assert_eq!(resolve(&[("/a", "/guide"), ("/b", "/guide")], &["/guide"], 5), ["/a", "/b"]);
    }

    #[test]
    fn most_pages_do_not_move_to_one_page() {
        let to_one = [("/a", "/soon"), ("/b", "/soon"), ("/c", "/soon")];
        assert_eq!(resolve(&to_one, &["/soon"], 5), [""; 0]);
        assert_eq!(resolve(&to_one, &["/soon"], 6), ["/a", "/b", "/c"]);
        assert_eq!(resolve(&[("/a", "/b")], &["/b"], 1), ["/a"], "one page is not most pages");
    }
}
