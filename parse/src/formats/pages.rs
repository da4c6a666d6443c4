//! Joins pages to one text, without the headers and footers that are repeated on every page.

use std::collections::{BTreeSet, HashMap, HashSet};

use domain::PageStart;

use crate::formats::markdown::{clean, headings};
use crate::parsed::Parsed;

/// Number of lines at the top and at the bottom of a page that may be a header or footer.
const EDGE_LINES: usize = 3;

/// An edge line is removed if it is on at least this many pages, and on this share of all pages.
const MIN_REPEATS: usize = 3;
const MIN_REPEATED_SHARE: f64 = 0.5;

/// A document's pages, in order.
#[derive(Default)]
pub(crate) struct Pages {
    pages: Vec<(u32, String)>,
}

impl Pages {
    /// Adds a page as Markdown; `number` is the one that a viewer shows, from 1.
    pub(crate) fn push(&mut self, number: u32, page: String) {
        self.pages.push((number, page));
    }

    /// Removes lines that are repeated at the edges of many pages. The first page with such a line keeps it: it may be the
    /// title.
    pub(crate) fn without_running_lines(mut self) -> Self {
        let running = running_lines(&self.pages);
        let mut seen = HashSet::new();
        for (_, page) in &mut self.pages {
            *page = trim_lines(page, &seen);
            seen.extend(edge_patterns(page).into_iter().filter(|pattern| running.contains(pattern)));
        }
        self
    }

    /// Joins the pages to one cleaned Markdown text with page starts. Blank pages have none.
    pub(crate) fn join(self) -> Parsed {
        let mut joined = String::new();
        let mut page_starts = Vec::new();
        for (page, text) in &self.pages {
            let text = clean::parse(text).markdown;
            let text = text.trim();
            if text.is_empty() {
                continue;
            }
            if !joined.is_empty() {
                joined.push_str("\n\n");
            }
            page_starts.push(PageStart { offset: joined.len(), page: *page });
            joined.push_str(text);
        }
        joined.push('\n');
        Parsed { title: headings::first_heading(&joined), markdown: joined, page_starts }
    }
}

/// The part of a line that is the same on every page: without page numbers, and without spaces, which justified lines
/// spread.
fn pattern(line: &str) -> String {
    let mut pattern = String::with_capacity(line.len());
    for character in line.chars().filter(|character| !character.is_whitespace()) {
        match character.is_numeric() {
            true if pattern.ends_with('#') => {}
            true => pattern.push('#'),
            false => pattern.push(character),
        }
    }
    pattern
}

/// The patterns of the lines at the top and at the bottom of a page, without rows of tables: a table that continues on
/// the next page repeats its header there.
fn edge_patterns(page: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = page.lines().filter(|line| !line.trim().is_empty()).collect();
    let top = lines.iter().take(EDGE_LINES);
    let bottom = lines.iter().rev().take(EDGE_LINES);
    let lines = top.chain(bottom).filter(|line| !line.starts_with('|'));
    lines.map(|line| pattern(line)).collect()
}

/// The patterns at the edges of many pages.
fn running_lines(pages: &[(u32, String)]) -> HashSet<String> {
    let mut seen = HashMap::<String, usize>::new();
    for pattern in pages.iter().flat_map(|(_, page)| edge_patterns(page)) {
        *seen.entry(pattern).or_default() += 1;
    }
    let needed = MIN_REPEATS.max((pages.len() as f64 * MIN_REPEATED_SHARE).ceil() as usize);
    seen.into_iter().filter(|(_, pages)| *pages >= needed).map(|(pattern, _)| pattern).collect()
}

/// Removes blank lines and lines with these patterns from both ends of the page.
fn trim_lines(page: &str, patterns: &HashSet<String>) -> String {
    let lines: Vec<&str> = page.lines().collect();
    let is_removed = |line: &&&str| line.trim().is_empty() || patterns.contains(&pattern(line));
    let top = lines.iter().take_while(is_removed).count();
    let bottom = lines[top..].iter().rev().take_while(is_removed).count();
    lines[top..lines.len() - bottom].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(pages: &[&str]) -> Parsed {
        let pages = Pages { pages: (1..).zip(pages.iter().map(|page| (*page).to_owned())).collect() };
        pages.without_running_lines().join()
    }

    #[test]
    fn what_every_page_says_is_said_once_and_pages_keep_their_numbers() {
        let parsed = joined(&[
            "움틀 설명서\n\n물을 채웁니다.\n\n- 1 -",
            "움틀  설명서\n\n전원을 켭니다.\n\n- 2 -",
            "움틀 설명서\n\n씨앗을 넣습니다.\n\n- 13 -",
        ]);
        assert_eq!(
            parsed.markdown,
            "움틀 설명서\n\n물을 채웁니다.\n\n- 1 -\n\n전원을 켭니다.\n\n씨앗을 넣습니다.\n"
        );
        let pages: Vec<(u32, &str)> =
            parsed.page_starts.iter().map(|start| (start.page, &parsed.markdown[start.offset..])).collect();
        assert!(pages[1].1.starts_with("전원") && pages[2].1.starts_with("씨앗"), "{pages:?}");
        assert_eq!(pages.iter().map(|(page, _)| *page).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn rows_of_tables_and_lines_of_few_pages_stay() {
        let table = "| 품목 | 가격 |\n|---|---|\n| U2 | 189,000 |";
        assert_eq!(joined(&[table, table, table]).markdown.matches("품목").count(), 3);
        assert_eq!(
            joined(&["같은 줄", "같은 줄", "다른 줄", "또 다른 줄"]).markdown.matches("같은").count(),
            2
        );
    }

    #[test]
    fn a_blank_page_has_no_place_and_takes_no_number_from_others() {
        let parsed = joined(&["첫째", " \n", "셋째"]);
        let pages: Vec<u32> = parsed.page_starts.iter().map(|start| start.page).collect();
        assert_eq!((parsed.markdown.as_str(), pages), ("첫째\n\n셋째\n", vec![1, 3]));
    }
}
