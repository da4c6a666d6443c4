//! Builds the outline of a Markdown text: leaves under their headings, along which the chunker cuts.
//!
//! The text is *tiled*: [`OutlineBuilder`] only collects the offsets where one leaf ends and the next begins, so every byte
//! is in exactly one leaf and nothing is lost, whatever the parser reports. `outline.rs` decides which offsets those are.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// The headings above a leaf, outermost first.
pub type HeadingPath = Arc<[String]>;

/// Maximum length of a heading in a path; a longer one is a paragraph with the wrong markup.
const MAX_HEADING_CHARACTERS: usize = 160;

/// Maximum depth of block quotes whose headings open sections.
const MAX_QUOTE_DEPTH: usize = 3;

/// How a leaf may be divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeafKind {
    /// At sentences.
    Prose,
    /// Kept whole if it fits, else at sentences.
    Item,
    /// Kept whole if it fits, else at lines, with its fences repeated.
    Code,
    /// Kept whole if it fits, else at rows, with its header repeated.
    Table,
    /// A heading with nothing under it, or too long for a path; other headings are in paths only.
    Heading,
}

/// A part of the text that has one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf<'a> {
    /// How it may be divided.
    pub kind: LeafKind,
    /// Leaves of one list share a number; any other leaf has its own.
    pub block: usize,
    /// Byte offset in the text at which it begins.
    pub offset: usize,
    /// Its Markdown without the marks of surrounding block quotes; not blank.
    pub text: Cow<'a, str>,
    /// Headings above it.
    pub path: HeadingPath,
}

/// The beginning of a leaf, which ends at the next cut.
struct Cut {
    offset: usize,
    kind: LeafKind,
    block: usize,
    quote_depth: usize,
    path: HeadingPath,
    /// For headings: the path of the leaves that follow.
    opens: Option<HeadingPath>,
}

struct OpenHeading {
    quote_depth: usize,
    level: usize,
    text: String,
}

/// Collects cuts in order of offset.
pub(crate) struct OutlineBuilder<'a> {
    text: &'a str,
    cuts: Vec<Cut>,
    headings: Vec<OpenHeading>,
    path: HeadingPath,
    quote_depth: usize,
    list_depth: usize,
    block: usize,
    /// The last offset whose line was looked up, and where that line begins. Offsets only grow, so finding lines costs
    /// one pass in total.
    seen: (usize, usize),
}

impl<'a> OutlineBuilder<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut outline = Self {
            text,
            cuts: Vec::new(),
            headings: Vec::new(),
            path: HeadingPath::from([]),
            quote_depth: 0,
            list_depth: 0,
            block: 0,
            seen: (0, 0),
        };
        outline.cut(0, LeafKind::Prose);
        outline
    }

    /// Whether a heading here opens a section. In lists it does not: it is a part of its item.
    pub(crate) fn takes_headings(&self) -> bool {
        self.list_depth == 0 && self.quote_depth <= MAX_QUOTE_DEPTH
    }

    /// Begins a leaf on the line of `offset`.
    pub(crate) fn begin(&mut self, offset: usize, kind: LeafKind) {
        let line = self.line_start(offset);
        self.cut(line, kind);
    }

    /// Ends the last leaf at `offset`. Text that the parser skips before the next leaf is prose.
    pub(crate) fn end(&mut self, offset: usize) {
        let rest = if self.list_depth > 0 { LeafKind::Item } else { LeafKind::Prose };
        self.cut(offset, rest);
    }

    /// Begins a list, whose items are leaves of one block.
    pub(crate) fn begin_list(&mut self, offset: usize) {
        if self.list_depth == 0 {
            self.begin(offset, LeafKind::Item);
        }
        self.list_depth += 1;
    }

    /// Ends a list.
    pub(crate) fn end_list(&mut self, offset: usize) {
        self.list_depth = self.list_depth.saturating_sub(1);
        if self.list_depth == 0 {
            self.end(offset);
        }
    }

    /// Begins a block quote. Headings in it are valid up to its end.
    pub(crate) fn begin_quote(&mut self, offset: usize) {
        if self.list_depth == 0 {
            self.quote_depth += 1;
            self.begin(offset, LeafKind::Prose);
        }
    }

    /// Ends a block quote.
    pub(crate) fn end_quote(&mut self, offset: usize) {
        if self.list_depth == 0 {
            self.quote_depth = self.quote_depth.saturating_sub(1);
            self.headings.retain(|heading| heading.quote_depth <= self.quote_depth);
            self.path = self.current_path();
            self.end(offset);
        }
    }

    /// Adds a heading of `level` (1 is the outermost) at `range` with the plain text `text`.
    pub(crate) fn heading(&mut self, range: &Range<usize>, level: usize, text: &str) {
        let title = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_title = !title.is_empty() && title.chars().count() <= MAX_HEADING_CHARACTERS;
        let depth = self.quote_depth;
        self.headings.retain(|open| open.quote_depth < depth || open.level < level);
        self.path = self.current_path();
        self.begin(range.start, LeafKind::Heading);
        if is_title {
            self.headings.push(OpenHeading { quote_depth: depth, level, text: title });
            self.path = self.current_path();
            if let Some(cut) = self.cuts.last_mut() {
                cut.opens = Some(self.path.clone());
            }
        }
        self.end(range.end);
    }

    /// The leaves in order, without blank ones and without headings that have leaves under them.
    pub(crate) fn finish(self) -> Vec<Leaf<'a>> {
        let mut leaves: Vec<(Leaf<'a>, Option<HeadingPath>)> = Vec::with_capacity(self.cuts.len());
        let ends = self.cuts.iter().skip(1).map(|cut| cut.offset).chain([self.text.len()]);
        for (cut, end) in self.cuts.iter().zip(ends) {
            if let Some((offset, text)) = leaf_text(self.text, &(cut.offset..end), cut.quote_depth) {
                let leaf = Leaf { kind: cut.kind, block: cut.block, offset, text, path: cut.path.clone() };
                leaves.push((leaf, cut.opens.clone()));
            }
        }
        let following = leaves.iter().skip(1).map(|(leaf, _)| Some(leaf.path.clone())).chain([None]);
        let is_covered = leaves.iter().zip(following).map(|((_, opens), next)| match (opens, next) {
            (Some(opens), Some(next)) => next.starts_with(opens),
            _ => false,
        });
        let is_covered: Vec<bool> = is_covered.collect();
        leaves
            .into_iter()
            .zip(is_covered)
            .filter(|(_, covered)| !covered)
            .map(|((leaf, _), _)| leaf)
            .collect()
    }

    fn cut(&mut self, offset: usize, kind: LeafKind) {
        if self.list_depth == 0 {
            self.block += 1;
        }
        let mut cut = Cut {
            offset: offset.min(self.text.len()),
            kind,
            block: self.block,
            quote_depth: self.quote_depth,
            path: self.path.clone(),
            opens: None,
        };
        match self.cuts.last_mut() {
            // The last leaf would be empty; the new one is the more precise one at the same offset.
            Some(last) if cut.offset <= last.offset && last.opens.is_none() => {
                cut.offset = last.offset;
                *last = cut;
            }
            _ => self.cuts.push(cut),
        }
    }

    fn line_start(&mut self, offset: usize) -> usize {
        let (seen, line) = self.seen;
        if let Some(newline) = self.text.get(seen..offset).and_then(|between| between.rfind('\n')) {
            self.seen = (offset, seen + newline + 1);
        } else if offset > seen {
            self.seen = (offset, line);
        }
        self.seen.1
    }

    fn current_path(&self) -> HeadingPath {
        self.headings.iter().map(|heading| heading.text.clone()).collect()
    }
}

/// The offset and the text of a leaf, without quote marks and blank lines around it; `None` if it is blank.
fn leaf_text<'t>(text: &'t str, range: &Range<usize>, quote_depth: usize) -> Option<(usize, Cow<'t, str>)> {
    let raw = text.get(range.clone())?;
    if quote_depth == 0 {
        let body = raw.trim_start().len();
        let before_body = &raw[..raw.len() - body];
        let skipped = before_body.rfind('\n').map_or(0, |newline| newline + 1);
        let kept = raw[skipped..].trim_end();
        return (body > 0).then_some((range.start + skipped, Cow::Borrowed(kept)));
    }
    let mut offset = None;
    let mut unquoted = String::with_capacity(raw.len());
    let mut line_offset = range.start;
    for line in raw.split_inclusive('\n') {
        let content = strip_quote_marks(line, quote_depth);
        if offset.is_none() && !content.trim().is_empty() {
            offset = Some(line_offset);
        }
        if offset.is_some() {
            unquoted.push_str(content);
        }
        line_offset += line.len();
    }
    unquoted.truncate(unquoted.trim_end().len());
    Some((offset?, Cow::Owned(unquoted)))
}

/// Removes up to `depth` marks of the form "up to three spaces, `>`, an optional space".
fn strip_quote_marks(line: &str, depth: usize) -> &str {
    let mut rest = line;
    for _ in 0..depth {
        let unindented = rest.trim_start_matches(' ');
        match unindented.strip_prefix('>') {
            Some(content) if rest.len() - unindented.len() <= 3 => {
                rest = content.strip_prefix(' ').unwrap_or(content);
            }
            _ => break,
        }
    }
    // A quoted empty line is ">" alone, and keeps its line end.
    rest
}
