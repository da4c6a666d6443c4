//! Writes errors with their causes, for logs and for people.

use std::error::Error;

/// The error with its causes, outermost first, on one line. A cause that the text already quotes is left out.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let quoted = cause.to_string();
        if !text.contains(&quoted) {
            text = format!("{text}: {quoted}");
        }
        next = cause.source();
    }
    text
}
