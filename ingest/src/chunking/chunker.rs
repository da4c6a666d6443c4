//! Splits a text into chunks along its structure, sized in tokens.
//!
//! A chunk never crosses a heading. Within a section, blocks are packed until the next one does not fit; a block is
//! divided only when the chunk would stay less than half full or the block is too long for any chunk. The next chunk
//! begins with the last whole sentences of the one before (the overlap), so that a sentence is retrieved together with
//! the one that it refers to.
//!
//! The headings above a chunk are not part of its text, but they are embedded in front of it, so they count towards its
//! size. The time is linear in the text: each piece is measured once.

use std::sync::Arc;

use domain::PageStart;
use parse::{HeadingPath, Leaf, outline};

use crate::chunking::pieces::{Divider, Piece};

/// Size and overlap of chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkOptions {
    /// Maximum tokens of a chunk, including the headings above it; at least 1. An embedder with a smaller maximum lowers
    /// it.
    pub target_tokens: usize,
    /// Maximum tokens that are repeated from the chunk before; 0 repeats nothing.
    pub overlap_tokens: usize,
}

impl Default for ChunkOptions {
    fn default() -> Self {
        Self { target_tokens: 256, overlap_tokens: 32 }
    }
}

/// A chunk before it has an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    /// Headings above it, outermost first.
    pub(crate) heading_path: HeadingPath,
    /// The headings that are embedded in front of the text; empty where there are none.
    pub(crate) context: Arc<str>,
    /// The text, never blank.
    pub(crate) text: String,
    /// Page on which it begins, if the source has pages.
    pub(crate) page: Option<u32>,
}

/// Splits a normalized Markdown text into chunks. `measure` counts the tokens of a text.
pub(crate) fn chunk(
    text: &str,
    page_starts: &[PageStart],
    options: ChunkOptions,
    measure: &dyn Fn(&str) -> usize,
) -> Vec<Draft> {
    let leaves = outline(text);
    let target = options.target_tokens.max(1);
    let mut drafts = Vec::new();
    for section in leaves.chunk_by(|a, b| a.path == b.path) {
        let Some(first) = section.first() else { continue };
        let context = context(&first.path, target, measure);
        let budget = target.saturating_sub(context.tokens).max(1);
        let mut packer = Packer {
            budget,
            overlap: options.overlap_tokens.min(budget / 2),
            heading_path: first.path.clone(),
            context: context.text,
            page_starts,
            pieces: Vec::new(),
            tokens: 0,
            repeated: 0,
            drafts: &mut drafts,
        };
        let divider = Divider { budget, measure };
        for block in section.chunk_by(|a, b| a.block == b.block) {
            packer.add_block(block_pieces(&divider, block));
        }
        packer.finish();
    }
    drafts
}

/// The pieces of the leaves of one block. A blank line separates blocks, a line break the items of a list.
fn block_pieces(divider: &Divider<'_>, leaves: &[Leaf<'_>]) -> Vec<Piece> {
    let glues = std::iter::once("\n\n").chain(std::iter::repeat("\n"));
    leaves.iter().zip(glues).flat_map(|(leaf, glue)| divider.pieces(leaf, glue)).collect()
}

struct Context {
    text: Arc<str>,
    tokens: usize,
}

/// The innermost headings that together fill at most half a chunk: long ones must not crowd out the text.
fn context(path: &[String], target: usize, measure: &dyn Fn(&str) -> usize) -> Context {
    (0..path.len())
        .map(|outermost| path[outermost..].join(" > "))
        .map(|text| Context { tokens: measure(&text), text: text.into() })
        .find(|context| context.tokens * 2 <= target)
        .unwrap_or_else(|| Context { text: "".into(), tokens: 0 })
}

/// Fills chunks of one section.
struct Packer<'a> {
    budget: usize,
    overlap: usize,
    heading_path: HeadingPath,
    context: Arc<str>,
    page_starts: &'a [PageStart],
    /// The chunk being filled.
    pieces: Vec<Piece>,
    tokens: usize,
    /// How many of its first pieces are repeated from the chunk before.
    repeated: usize,
    drafts: &'a mut Vec<Draft>,
}

impl Packer<'_> {
    fn add_block(&mut self, pieces: Vec<Piece>) {
        let block: usize = pieces.iter().map(|piece| piece.tokens).sum();
        let would_be_divided = self.tokens + block > self.budget && block <= self.budget;
        if would_be_divided && self.tokens * 2 >= self.budget {
            self.flush();
        }
        for piece in pieces {
            self.add(piece);
        }
    }

    fn add(&mut self, piece: Piece) {
        if self.tokens + piece.tokens > self.budget {
            self.flush();
        }
        // New text displaces repeated text, the oldest first.
        let excess = (self.tokens + piece.tokens).saturating_sub(self.budget);
        self.drop_repeated(excess);
        self.tokens += piece.tokens;
        self.pieces.push(piece);
    }

    fn drop_repeated(&mut self, excess_tokens: usize) {
        let mut freed = 0;
        let mut dropped = 0;
        while freed < excess_tokens && dropped < self.repeated {
            freed += self.pieces[dropped].tokens;
            dropped += 1;
        }
        self.pieces.drain(..dropped);
        self.repeated -= dropped;
        self.tokens -= freed;
    }

    /// Ends the chunk if it has any new text, and begins the next one with its last sentences.
    fn flush(&mut self) {
        if self.pieces.len() == self.repeated {
            return;
        }
        self.push_draft();
        let mut kept = 0;
        let mut tokens = 0;
        for piece in self.pieces.iter().rev() {
            if !piece.repeatable || tokens + piece.tokens > self.overlap {
                break;
            }
            tokens += piece.tokens;
            kept += 1;
        }
        self.pieces.drain(..self.pieces.len() - kept);
        self.repeated = kept;
        self.tokens = tokens;
    }

    fn finish(mut self) {
        if self.pieces.len() > self.repeated {
            self.push_draft();
        }
    }

    fn push_draft(&mut self) {
        let mut text = String::new();
        for piece in &self.pieces {
            if !text.is_empty() {
                text.push_str(piece.glue);
            }
            text.push_str(&piece.text);
        }
        let offset = self.pieces.first().map_or(0, |piece| piece.offset);
        let pages_begun = self.page_starts.partition_point(|start| start.offset <= offset);
        let page =
            pages_begun.checked_sub(1).and_then(|last| self.page_starts.get(last)).map(|start| start.page);
        self.drafts.push(Draft {
            heading_path: self.heading_path.clone(),
            context: self.context.clone(),
            text,
            page,
        });
    }
}

#[cfg(test)]
mod tests;
