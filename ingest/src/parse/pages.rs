//! Pages into one text: what stands at the edge of page after page is no part of it.

use std::collections::{HashMap, HashSet};

use domain::PageStart;

use super::{Parsed, markdown};

/// Lines at the top and at the bottom of a page that may belong to the paper and not to the text.
const EDGE_LINES: usize = 3;

/// Pages on which an edge line must stand to be left out, and their share of all pages.
const FEWEST_REPEATS: usize = 3;
const REPEATED_SHARE: f64 = 0.5;

/// A document's pages, in order.
#[derive(Default)]
pub(super) struct Pages {
    pages: Vec<(u32, String)>,
}

impl Pages {
    /// Adds a page as Markdown; `number` is what a viewer shows, from 1.
    pub(super) fn push(&mut self, number: u32, page: &str) {
        self.pages.push((number, page.to_owned()));
    }

    /// One cleaned Markdown text and where the pages begin in it. Blank pages have no place in it.
    pub(super) fn join(self) -> Parsed {
        let mut edges = Edges { running: running_lines(&self.pages), met: HashSet::new() };
        let mut joined = String::new();
        let mut page_starts = Vec::new();
        for (page, text) in &self.pages {
            let text = edges.cut(text);
            let text = markdown::parse(&text).markdown;
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
        Parsed { title: markdown::first_heading(&joined), markdown: joined, page_starts }
    }
}

/// A line as it is on every page: page numbers count up, and spaces are set by the justification.
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

/// The patterns that stand at an edge of many pages.
fn running_lines(pages: &[(u32, String)]) -> HashMap<String, usize> {
    let mut seen = HashMap::<String, usize>::new();
    for (_, page) in pages {
        let lines: Vec<&str> = page.lines().filter(|line| !line.trim().is_empty()).collect();
        let top = lines.iter().take(EDGE_LINES);
        let bottom = lines.iter().skip(EDGE_LINES.max(lines.len().saturating_sub(EDGE_LINES)));
        let mut patterns: Vec<String> = top.chain(bottom).map(|line| pattern(line)).collect();
        patterns.sort();
        patterns.dedup();
        for pattern in patterns {
            *seen.entry(pattern).or_default() += 1;
        }
    }
    let needed = FEWEST_REPEATS.max((pages.len() as f64 * REPEATED_SHARE).ceil() as usize);
    seen.retain(|_, pages| *pages >= needed);
    seen
}

/// Cuts the edges off pages, one after the other: the first page with a line keeps it, for it may be the title.
struct Edges {
    running: HashMap<String, usize>,
    met: HashSet<String>,
}

impl Edges {
    fn cut(&mut self, page: &str) -> String {
        let lines: Vec<&str> = page.lines().collect();
        let mut first_met = Vec::new();
        let mut is_edge = |line: &&&str| {
            let pattern = pattern(line);
            let is_known = self.met.contains(&pattern);
            if self.running.contains_key(&pattern) && !is_known {
                first_met.push(pattern);
            }
            line.trim().is_empty() || is_known
        };
        let top = lines.iter().take_while(&mut is_edge).count();
        let bottom = lines[top..].iter().rev().take_while(&mut is_edge).count();
        self.met.extend(first_met);
        lines[top..lines.len() - bottom].join("\n")
    }
}
