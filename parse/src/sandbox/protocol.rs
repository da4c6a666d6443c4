//! What a child is asked, what it answers, and how both are written to a pipe.
//!
//! ```text
//! child:  frame(Greeting)
//! parent: frame(Request) frame(bytes)
//! child:  frame(Result<Answer, ParseError>)          a frame is its length, 8 bytes little-endian, and that many bytes
//! ```

use std::io::{self, Read, Write};

use domain::{PageLinks, RobotsRules, SitemapEntries};
use serde::{Deserialize, Serialize};

use crate::error::ParseError;
use crate::parsed::Parsed;

/// Maximum length of an answer, unless eight times the request is longer.
const MAX_ANSWER_BYTES: u64 = 4 * 1024 * 1024;

/// Maximum length of an answer as a multiple of the request.
const MAX_GROWTH: u64 = 8;

/// What a child says first.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Greeting {
    /// What could not be taken from it, because the system has no means to.
    pub(crate) missing: Vec<String>,
}

/// What a child is asked to do with the bytes that follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Parse a document of this name.
    Document { name: String },
    /// Read the links of the page at this address.
    Links { address: String },
    /// Read the links of a Markdown text.
    ListedLinks,
    /// Read a sitemap.
    Sitemap,
    /// Read what a `robots.txt` says to this robot.
    Robots { robot: String },
}

/// What a child answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Answer {
    Document(Parsed),
    Links(PageLinks),
    ListedLinks(Option<Vec<String>>),
    Sitemap(SitemapEntries),
    Robots(RobotsRules),
}

/// The result of a request.
pub(crate) type Answered = Result<Answer, ParseError>;

/// The maximum length of the answer to a request of `bytes` bytes.
pub(crate) fn max_answer_bytes(bytes: usize) -> u64 {
    MAX_ANSWER_BYTES.max((bytes as u64).saturating_mul(MAX_GROWTH))
}

/// Writes a frame.
///
/// # Errors
/// Those of the pipe.
pub(crate) fn write_frame(pipe: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    pipe.write_all(&(bytes.len() as u64).to_le_bytes())?;
    pipe.write_all(bytes)
}

/// Writes a value as a frame.
///
/// # Errors
/// Those of the pipe.
pub(crate) fn write_value(pipe: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    write_frame(pipe, &serde_json::to_vec(value)?)
}

/// Reads a frame of at most `max_bytes`; `None` where the pipe has ended before it.
///
/// # Errors
/// `FileTooLarge` for a longer one, `UnexpectedEof` for one that is cut off, and those of the pipe.
pub(crate) fn read_frame(pipe: &mut impl Read, max_bytes: u64) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 8];
    match pipe.read(&mut length)? {
        0 => return Ok(None),
        read => pipe.read_exact(&mut length[read..])?,
    }
    let length = u64::from_le_bytes(length);
    if length > max_bytes {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::new();
    pipe.take(length).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_whole_or_an_error() {
        let mut written = Vec::new();
        write_frame(&mut written, b"abc").expect("memory");
        assert_eq!(read_frame(&mut written.as_slice(), 3).expect("a frame"), Some(b"abc".to_vec()));
        let kind = |bytes: &[u8], max| read_frame(&mut &*bytes, max).map_err(|error| error.kind());
        assert_eq!(kind(&written, 2), Err(io::ErrorKind::FileTooLarge));
        assert_eq!(kind(&written[..5], 3), Err(io::ErrorKind::UnexpectedEof));
        assert_eq!(kind(&written[..10], 3), Err(io::ErrorKind::UnexpectedEof));
        assert_eq!(kind(b"", 3), Ok(None));
    }

    #[test]
    fn an_answer_may_be_longer_than_its_request_but_not_without_end() {
        assert_eq!(max_answer_bytes(10), 4 << 20);
        assert_eq!(max_answer_bytes(10 << 20), 80 << 20);
    }
}
