//! Collects replacements in a text, in any order, and applies them at once.

use std::ops::Range;

/// Replacements in one text.
pub(crate) struct Edits<'a> {
    text: &'a str,
    replacements: Vec<(Range<usize>, String)>,
}

impl<'a> Edits<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, replacements: Vec::new() }
    }

    /// Replaces `range` with `with`.
    pub(crate) fn replace(&mut self, range: Range<usize>, with: impl Into<String>) {
        self.replacements.push((range, with.into()));
    }

    /// Removes `range`.
    pub(crate) fn remove(&mut self, range: Range<usize>) {
        self.replace(range, "");
    }

    /// Applies the replacements. Of overlapping ones the first wins, of those that begin at the same place the longest.
    pub(crate) fn apply(mut self) -> String {
        self.replacements.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let mut edited = String::with_capacity(self.text.len());
        let mut copied = 0;
        for (range, with) in &self.replacements {
            let Some(before) = self.text.get(copied..range.start) else { continue };
            edited.push_str(before);
            edited.push_str(with);
            copied = range.end;
        }
        edited.push_str(self.text.get(copied..).unwrap_or_default());
        edited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outer_replacement_holds() {
        let mut edits = Edits::new("one two three");
        edits.remove(4..5);
        edits.replace(4..7, "2");
        edits.replace(0..3, "1");
        assert_eq!(edits.apply(), "1 2 three");
    }
}
