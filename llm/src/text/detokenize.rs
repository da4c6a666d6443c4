//! Converts the bytes of tokens to text as they arrive: a token may end within a character, and people never see half
//! of one.

/// Collects bytes, and returns whole characters.
#[derive(Default)]
pub(crate) struct Utf8Stream {
    /// The beginning of a character, at most three bytes.
    incomplete: Vec<u8>,
}

impl Utf8Stream {
    /// Takes more bytes, and returns the characters that are complete by now. Bytes that cannot be a character become
    /// U+FFFD. A character that is still incomplete at the end of an answer is never shown.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> String {
        let mut pending = std::mem::take(&mut self.incomplete);
        pending.extend_from_slice(bytes);
        let mut text = String::with_capacity(pending.len());
        let mut rest = pending.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    return text;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    let Some(broken) = error.error_len() else {
                        self.incomplete = after.to_vec();
                        return text;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = &after[broken..];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_character_cut_in_two_comes_out_whole() {
        let bytes = "대답".as_bytes();
        let mut stream = Utf8Stream::default();
        assert_eq!(stream.push(&bytes[..2]), "");
        assert_eq!(stream.push(&bytes[2..5]), "대");
        assert_eq!(stream.push(&bytes[5..]), "답");
    }

    #[test]
    fn invalid_bytes_are_replaced_at_once() {
        let mut stream = Utf8Stream::default();
        assert_eq!(stream.push(b"a\xffb\xe0\x80"), "a\u{fffd}b\u{fffd}\u{fffd}");
    }

    proptest! {
        #[test]
        fn any_text_cut_anywhere_comes_out_the_same(text in "\\PC{0,40}", cut in 1usize..5) {
            let mut stream = Utf8Stream::default();
            let shown: String = text.as_bytes().chunks(cut).map(|bytes| stream.push(bytes)).collect();
            prop_assert_eq!(shown, text);
        }

        #[test]
        fn any_bytes_come_out_as_the_standard_library_reads_them(bytes: Vec<u8>, cut in 1usize..5) {
            let mut stream = Utf8Stream::default();
            let mut shown: String = bytes.chunks(cut).map(|bytes| stream.push(bytes)).collect();
            if !stream.incomplete.is_empty() {
                shown.push(char::REPLACEMENT_CHARACTER);
            }
            prop_assert_eq!(shown, String::from_utf8_lossy(&bytes));
        }
    }
}
