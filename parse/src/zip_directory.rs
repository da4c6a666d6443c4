//! Looks at the size of a ZIP archive's directory before anybody reads it: one of a million entries takes more memory than
//! the archive.

use std::io::{self, Read, Seek};

use memchr::memmem;

use crate::error::ParseError;

/// Maximum number of entries that a directory may claim to have: twice what an archive of documents may hold.
const MAX_ENTRIES: u64 = 20_000;

/// Begins the record behind a directory; the number of entries is two bytes at [`ENTRIES_AT`].
const END: &[u8] = b"PK\x05\x06";
const ENTRIES_AT: usize = 10;

/// Begins the record behind a large directory; the number of entries is eight bytes at [`LARGE_ENTRIES_AT`].
const LARGE_END: &[u8] = b"PK\x06\x06";
const LARGE_ENTRIES_AT: usize = 32;

/// Length of the longer record up to the end of that number.
const RECORD_BYTES: usize = LARGE_ENTRIES_AT + 8;

const BLOCK_BYTES: usize = 64 * 1024;

/// Refuses an archive in which any record, wherever it is, claims a directory of too many entries: of several, readers
/// differ in which one counts. Returns to the beginning.
///
/// # Errors
/// `TooCostly`, and `Failed` for an archive that cannot be read.
pub(crate) fn check_size(archive: &mut (impl Read + Seek)) -> Result<(), ParseError> {
    let is_small = claims_few(archive).and_then(|is_small| archive.rewind().map(|()| is_small));
    match is_small.map_err(|error| ParseError::failed(&error))? {
        true => Ok(()),
        false => Err(ParseError::TooCostly { resource: "files".into() }),
    }
}

fn claims_few(archive: &mut (impl Read + Seek)) -> io::Result<bool> {
    archive.rewind()?;
    let mut bytes = Vec::with_capacity(BLOCK_BYTES + RECORD_BYTES);
    loop {
        let read = archive.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut bytes)?;
        if claimed(&bytes).any(|entries| entries > MAX_ENTRIES) {
            return Ok(false);
        }
        if read == 0 {
            return Ok(true);
        }
        // A record may begin in one block and end in the next.
        bytes.drain(..bytes.len().saturating_sub(RECORD_BYTES - 1));
    }
}

/// The numbers of entries that the whole records among `bytes` claim.
fn claimed(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let small = memmem::find_iter(bytes, END).filter_map(|at| number::<2>(bytes, at + ENTRIES_AT));
    let large =
        memmem::find_iter(bytes, LARGE_END).filter_map(|at| number::<8>(bytes, at + LARGE_ENTRIES_AT));
    // All ones stand for "see the other record".
    small.filter(|entries| *entries != u64::from(u16::MAX)).chain(large)
}

fn number<const BYTES: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let digits = bytes.get(at..at + BYTES)?;
    Some(digits.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn code(bytes: &[u8]) -> Option<&'static str> {
        check_size(&mut Cursor::new(bytes)).err().map(|error| error.code())
    }

    fn end(entries: u16) -> Vec<u8> {
        [END, &[0; 6], &entries.to_le_bytes(), &[0; 10]].concat()
    }

    fn large_end(entries: u64) -> Vec<u8> {
        [LARGE_END, &[0; 28], &entries.to_le_bytes(), &[0; 16], &end(u16::MAX)].concat()
    }

    #[test]
    fn what_claims_too_much_is_refused_wherever_it_is() {
        assert_eq!(code(&end(10_000)), None);
        assert_eq!(code(&large_end(10_000)), None);
        for before in [0, BLOCK_BYTES - 30, BLOCK_BYTES - 5, BLOCK_BYTES] {
            for large in [end(30_000), large_end(1_250_000)] {
                let hidden = [vec![0; before], large, vec![0; BLOCK_BYTES], end(1)].concat();
                assert_eq!(code(&hidden), Some("too_costly"), "{before}");
            }
        }
    }
}
