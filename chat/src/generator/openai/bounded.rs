//! Bounds the events of a response: a server that sends no end of a line must not fill the memory.

use futures::{Stream, StreamExt};

/// Maximum size of one event, with the names of its fields.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// Why a response cannot be read any further.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError<E> {
    /// The connection broke.
    #[error("{0}")]
    Connection(E),
    /// An event has no end.
    #[error("the server sent an event of more than {MAX_EVENT_BYTES} bytes")]
    TooLong,
}

/// The same bytes, up to an event that is too long.
pub(super) fn bounded<B: AsRef<[u8]>, E>(
    bytes: impl Stream<Item = Result<B, E>>,
) -> impl Stream<Item = Result<B, ReadError<E>>> {
    let mut event = EventLength::default();
    bytes.map(move |chunk| {
        let chunk = chunk.map_err(ReadError::Connection)?;
        if event.add(chunk.as_ref()) > MAX_EVENT_BYTES { Err(ReadError::TooLong) } else { Ok(chunk) }
    })
}

/// Counts the bytes since the last blank line, which ends an event.
#[derive(Default)]
struct EventLength {
    bytes: usize,
    /// Whether the line so far has any bytes.
    line_has_bytes: bool,
}

impl EventLength {
    /// Counts `chunk`, and returns the greatest length that an event reached in it.
    fn add(&mut self, chunk: &[u8]) -> usize {
        let mut greatest = self.bytes;
        for byte in chunk {
            self.bytes += 1;
            match byte {
                b'\n' if !self.line_has_bytes => self.bytes = 0,
                b'\n' => self.line_has_bytes = false,
                b'\r' => {}
                _ => self.line_has_bytes = true,
            }
            greatest = greatest.max(self.bytes);
        }
        greatest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_line_ends_an_event() {
        let mut event = EventLength::default();
        assert_eq!(event.add(b"data: 1\r\n"), 9);
        assert_eq!(event.add(b"\r\ndata: "), 10);
        assert_eq!(event.bytes, 6, "the blank line ended the first event");
        assert_eq!(event.add(b"2\n\n: a comment\n\n"), 12);
        assert_eq!(event.bytes, 0);
    }

    #[tokio::test]
    async fn a_line_without_end_ends_the_stream_early() {
        let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 1 << 16]));
        let mut passed = 0;
        let mut stream = std::pin::pin!(bounded(endless));
        while let Some(Ok(chunk)) = stream.next().await {
            passed += chunk.len();
        }
        assert_eq!(passed, MAX_EVENT_BYTES);
    }
}
