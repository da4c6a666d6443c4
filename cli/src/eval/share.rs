//! Parses shares on the command line.

use crate::messages::message;

/// A number from 0 to 1.
pub(super) fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(message!("cli-invalid-share")),
    }
}
