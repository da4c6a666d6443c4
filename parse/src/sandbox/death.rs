//! Explains why a child gave no answer.

use std::io;
use std::process::ExitStatus;

use crate::error::ParseError;

/// What Rust's allocator prints before it aborts.
const OUT_OF_MEMORY: &str = "memory allocation of";

/// Maximum length of the text of an error.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// How a child ended.
pub(crate) struct Death {
    /// `None` where the system does not tell.
    pub(crate) status: Option<ExitStatus>,
    /// The beginning of what it wrote to standard error.
    pub(crate) stderr: String,
}

impl Death {
    /// Why there is no answer, given what came of reading it.
    pub(crate) fn explain(&self, failure: &io::Error) -> ParseError {
        let too_costly = |resource: &'static str| ParseError::TooCostly { resource: resource.into() };
        if failure.kind() == io::ErrorKind::FileTooLarge {
            return too_costly("space");
        }
        if self.stderr.contains(OUT_OF_MEMORY) {
            return too_costly("memory");
        }
        let has_ended = matches!(failure.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe);
        match self.signal().filter(|_| has_ended) {
            // A system that runs out of memory kills the children first: they ask it to.
            Some(signals::KILL) => too_costly("memory"),
            Some(signals::CPU) => too_costly("time"),
            _ => ParseError::Failed("its parser crashed".to_owned()),
        }
    }

    #[cfg(unix)]
    fn signal(&self) -> Option<i32> {
        std::os::unix::process::ExitStatusExt::signal(&self.status?)
    }

    #[cfg(not(unix))]
    fn signal(&self) -> Option<i32> {
        None
    }
}

/// The numbers of two signals, the same on every system.
mod signals {
    pub(super) const KILL: i32 = 9;
    pub(super) const CPU: i32 = 24;
}

/// The error with a text that is not longer than a person would read.
pub(crate) fn bounded(error: ParseError) -> ParseError {
    let cut = |text: String| {
        let mut end = text.len().min(MAX_ERROR_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text[..end].to_owned()
    };
    match error {
        ParseError::Failed(text) => ParseError::Failed(cut(text)),
        ParseError::UnsupportedType { looks_like } => {
            ParseError::UnsupportedType { looks_like: cut(looks_like.into_owned()).into() }
        }
        ParseError::BadEncoding { encoding, offset } => {
            ParseError::BadEncoding { encoding: cut(encoding.into_owned()).into(), offset }
        }
        ParseError::TooCostly { resource } => {
            ParseError::TooCostly { resource: cut(resource.into_owned()).into() }
        }
        other => other,
    }
}
