//! Divides the leaves of an outline into pieces: the smallest parts of a chunk, each measured once.
//!
//! Code, a table or a list item that fits into a chunk stays whole; prose is always divided into sentences. What does not
//! fit is divided where it does least harm: code between lines, repeating its fences; tables between rows, repeating the
//! header; sentences at white space; a "word" of megabytes at the limit. All of it is one pass over the text.

use std::ops::Range;

use parse::{Leaf, LeafKind};

use crate::chunking::sentences::sentences;

/// Maximum bytes that count as one token: some tokenizers make one token of a word of any length.
const MAX_BYTES_PER_TOKEN: usize = 16;

/// Maximum characters of a part in which an endless word or line is measured.
const PART_CHARACTERS: usize = 64;

/// A part of a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Its Markdown.
    pub(crate) text: String,
    /// Its size in tokens.
    pub(crate) tokens: usize,
    /// Byte offset in the document's text.
    pub(crate) offset: usize,
    /// The separator between it and the piece before.
    pub(crate) glue: &'static str,
    /// Whether it may be repeated at the beginning of the next chunk.
    pub(crate) repeatable: bool,
}

/// Divides leaves.
pub(crate) struct Divider<'m> {
    /// Maximum tokens of a piece, at least 1.
    pub(crate) budget: usize,
    pub(crate) measure: &'m dyn Fn(&str) -> usize,
}

impl Divider<'_> {
    /// The pieces of `leaf`; `glue` separates the first one from the piece before.
    pub(crate) fn pieces(&self, leaf: &Leaf<'_>, glue: &'static str) -> Vec<Piece> {
        let text = leaf.text.as_ref();
        let mut pieces = match leaf.kind {
            LeafKind::Code => self.code(text),
            LeafKind::Table => self.table(text),
            LeafKind::Item => self.whole(text, true).map_or_else(|| self.prose(text), |piece| vec![piece]),
            LeafKind::Prose | LeafKind::Heading => self.prose(text),
        };
        for piece in &mut pieces {
            piece.offset += leaf.offset;
        }
        if let Some(first) = pieces.first_mut() {
            first.glue = glue;
        }
        pieces
    }

    /// The text as one piece, if it fits.
    fn whole(&self, text: &str, repeatable: bool) -> Option<Piece> {
        let tokens = self.tokens_within(text, self.budget)?;
        Some(Piece { text: text.to_owned(), tokens, offset: 0, glue: "\n", repeatable })
    }

    /// Tokens of `text` if they are not more than `limit`. A text that is too long by its bytes alone is not measured.
    fn tokens_within(&self, text: &str, limit: usize) -> Option<usize> {
        let least = text.len().div_ceil(MAX_BYTES_PER_TOKEN);
        let tokens = if least > limit { least } else { (self.measure)(text).max(least) };
        (tokens <= limit).then_some(tokens)
    }

    fn prose(&self, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut end_of_last = 0;
        for range in sentences(text) {
            let glue = glue_of(&text[end_of_last..range.start]);
            end_of_last = range.end;
            match self.whole(&text[range.clone()], true) {
                Some(piece) => pieces.push(Piece { offset: range.start, glue, ..piece }),
                None => self.cut_anywhere(text, &range, glue, &mut pieces),
            }
        }
        pieces
    }

    /// Divides a text without inner structure, preferably at white space.
    fn cut_anywhere(&self, text: &str, range: &Range<usize>, glue: &'static str, pieces: &mut Vec<Piece>) {
        let parts = parts(&text[range.clone()], PART_CHARACTERS.min(self.budget));
        let mut begin = range.start;
        let mut end = begin;
        let mut tokens = 0;
        let mut glue = glue;
        let mut push = |range: Range<usize>, tokens: usize| {
            let slice = &text[range.clone()];
            let trimmed = slice.trim();
            if !trimmed.is_empty() {
                let lead = slice.len() - slice.trim_start().len();
                let offset = range.start + lead;
                pieces.push(Piece { text: trimmed.to_owned(), tokens, offset, glue, repeatable: false });
            }
            glue = if slice.ends_with(char::is_whitespace) { " " } else { "" };
        };
        for part in parts {
            let part_tokens = (self.measure)(part).max(part.len().div_ceil(MAX_BYTES_PER_TOKEN));
            if tokens + part_tokens > self.budget && end > begin {
                push(begin..end, tokens);
                begin = end;
                tokens = 0;
            }
            end += part.len();
            tokens += part_tokens;
        }
        push(begin..end, tokens);
    }

    fn code(&self, text: &str) -> Vec<Piece> {
        if let Some(piece) = self.whole(text, false) {
            return vec![piece];
        }
        let (opening, lines, closing) = split_fences(text);
        let fence_tokens = (self.measure)(opening) + (self.measure)(closing);
        if fence_tokens * 2 > self.budget {
            return self.lines(text, lines, ("", ""), 0);
        }
        self.lines(text, lines, (opening, closing), fence_tokens)
    }

    fn table(&self, text: &str) -> Vec<Piece> {
        if let Some(piece) = self.whole(text, false) {
            return vec![piece];
        }
        // The header row and the delimiter row below it.
        let header_end = text.match_indices('\n').nth(1).map_or(0, |(newline, _)| newline + 1);
        let header = text[..header_end].trim_end();
        let header_tokens = (self.measure)(header);
        if header_end == 0 || header_tokens * 2 > self.budget {
            return self.lines(text, 0..text.len(), ("", ""), 0);
        }
        self.lines(text, header_end..text.len(), (header, ""), header_tokens)
    }

    /// Groups of lines, each between the two parts of `frame`, which have `frame_tokens`.
    fn lines(&self, text: &str, range: Range<usize>, frame: (&str, &str), frame_tokens: usize) -> Vec<Piece> {
        let budget = self.budget - frame_tokens;
        let mut pieces = Vec::new();
        let mut group = Group { range: range.start..range.start, tokens: 0 };
        let mut line_start = range.start;
        for line in text[range].split_inclusive('\n') {
            let line_end = line_start + line.len();
            let tokens = self.tokens_within(line, budget);
            if tokens.is_none_or(|tokens| group.tokens + tokens > budget) {
                group.flush(text, frame, frame_tokens, &mut pieces);
                group.range = line_start..line_start;
            }
            if let Some(tokens) = tokens {
                group.range.end = line_end;
                group.tokens += tokens;
            } else {
                self.cut_anywhere(text, &(line_start..line_end), "\n", &mut pieces);
                group.range = line_end..line_end;
            }
            line_start = line_end;
        }
        group.flush(text, frame, frame_tokens, &mut pieces);
        pieces
    }
}

/// Lines gathered for one piece.
struct Group {
    range: Range<usize>,
    tokens: usize,
}

impl Group {
    fn flush(&mut self, text: &str, frame: (&str, &str), frame_tokens: usize, pieces: &mut Vec<Piece>) {
        let lines = text[self.range.clone()].trim_end();
        if !lines.trim().is_empty() {
            let (opening, closing) = frame;
            let parts = [opening, lines, closing].into_iter().filter(|part| !part.is_empty());
            pieces.push(Piece {
                text: parts.collect::<Vec<_>>().join("\n"),
                tokens: self.tokens + frame_tokens,
                offset: self.range.start,
                glue: "\n\n",
                repeatable: false,
            });
        }
        self.tokens = 0;
    }
}

fn glue_of(gap: &str) -> &'static str {
    match gap {
        "" => "",
        _ if gap.contains('\n') => "\n",
        _ => " ",
    }
}

/// The opening fence, the range of the lines between, and the closing fence; empty fences for indented code.
fn split_fences(code: &str) -> (&str, Range<usize>, &str) {
    let first_end = code.find('\n').unwrap_or(code.len());
    let opening = &code[..first_end];
    // In a list the marker may stand before the fence.
    let mark = opening.trim_start_matches(|c: char| c.is_ascii_digit() || " \t-*+.)".contains(c));
    if !mark.starts_with("```") && !mark.starts_with("~~~") {
        return ("", 0..code.len(), "");
    }
    let body_start = (first_end + 1).min(code.len());
    let last_start = code.rfind('\n').map_or(body_start, |newline| newline + 1);
    let last = &code[last_start..];
    let is_fence = |line: &str| {
        let line = line.trim();
        line.len() >= 3 && (line.bytes().all(|b| b == b'`') || line.bytes().all(|b| b == b'~'))
    };
    if last_start >= body_start && is_fence(last) {
        (opening, body_start..last_start, last)
    } else {
        // A fence that is not closed extends to the end.
        let run = mark.len() - mark.trim_start_matches(['`', '~']).len();
        (opening, body_start..code.len(), &mark[..run])
    }
}

/// Divides `text` into consecutive parts of at most `max_characters`. Each ends after white space, else after a character
/// that is no letter or digit, if it has any.
fn parts(text: &str, max_characters: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let limit = rest.char_indices().nth(max_characters.max(1)).map_or(rest.len(), |(offset, _)| offset);
        let head = &rest[..limit];
        let end = if limit == rest.len() {
            limit
        } else {
            let breaks = [char::is_whitespace as fn(char) -> bool, |c| !c.is_alphanumeric()];
            let last_break =
                breaks.iter().find_map(|is_break| head.char_indices().rfind(|(_, c)| is_break(*c)));
            last_break.map_or(limit, |(offset, character)| offset + character.len_utf8())
        };
        let (part, after) = rest.split_at(end);
        rest = after;
        Some(part)
    })
}
