//! Counts the attributes of a tag while it is being read.

/// The number of attributes of the tag that the pieces so far are in. Each piece begins at a `<`, or continues the one
/// before.
#[derive(Default)]
pub(crate) struct AttributeCount {
    place: Place,
}

#[derive(Default)]
enum Place {
    #[default]
    Text,
    Tag(Tag),
    /// Up to the next `>`.
    Declaration,
    /// Up to a restart.
    Comment,
}

#[derive(Default)]
struct Tag {
    attributes: usize,
    quote: Option<u8>,
    is_in_word: bool,
}

impl AttributeCount {
    /// Begins anew: whatever the last piece was in has ended. Returns 0.
    pub(crate) fn restart(&mut self) -> usize {
        self.place = Place::Text;
        0
    }

    /// Adds a piece after which the tree is as before; returns the number of attributes up to its end.
    pub(crate) fn add(&mut self, piece: &str) -> usize {
        if matches!(self.place, Place::Text) {
            self.place = begun_by(piece);
        }
        match &mut self.place {
            Place::Text | Place::Comment => 0,
            Place::Declaration if piece.contains('>') => self.restart(),
            Place::Declaration => 0,
            Place::Tag(tag) => match piece.bytes().all(|byte| tag.continues_with(byte)) {
                true => tag.attributes,
                false => self.restart(),
            },
        }
    }
}

fn begun_by(piece: &str) -> Place {
    let Some(inner) = piece.strip_prefix('<') else { return Place::Text };
    match inner.strip_prefix('/').unwrap_or(inner).bytes().next() {
        Some(first) if first.is_ascii_alphabetic() => Place::Tag(Tag::default()),
        Some(_) if inner.starts_with("!--") => Place::Comment,
        Some(_) if inner.starts_with(['!', '?', '/']) => Place::Declaration,
        _ => Place::Text,
    }
}

impl Tag {
    /// Takes the next byte; `false` if it ends the tag.
    fn continues_with(&mut self, byte: u8) -> bool {
        match (self.quote, byte) {
            (Some(quote), _) if byte != quote => {}
            (Some(_), _) => self.quote = None,
            (None, b'>') => return false,
            (None, b'"' | b'\'') => (self.quote, self.is_in_word) = (Some(byte), false),
            (None, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' | b'/' | b'=') => self.is_in_word = false,
            (None, _) => {
                self.attributes += usize::from(!self.is_in_word);
                self.is_in_word = true;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(pieces: &[&str]) -> usize {
        let mut count = AttributeCount::default();
        pieces.iter().map(|piece| count.add(piece)).last().unwrap_or_default()
    }

    #[test]
    fn words_of_a_tag_are_counted_and_those_of_a_comment_or_a_value_are_not() {
        assert_eq!(count(&["<a b c/d", " e"]), 5, "with the name");
        assert_eq!(count(&["<a b='x y z", " u v' c"]), 3);
        assert_eq!(count(&["</a b", " c"]), 4, "and the slash");
        assert_eq!(count(&["<!-- a b", "<c d"]), 0);
    }

    #[test]
    fn what_has_ended_hides_no_tag() {
        assert_eq!(count(&["<!doctype html>", "<a b"]), 2);
        assert_eq!(count(&["<!doctype a", "<b>", "<a b"]), 2);
        assert_eq!(count(&["</x>", "<a b"]), 2);
        assert_eq!(count(&["\n  ", "<a b"]), 2);
    }
}
