//! One-time codes that sign a browser in: each works once, and for a few minutes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::{Sha256Digest, to_hex};

/// How long a code works.
pub const LOGIN_CODE_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// Codes that work at the same time; a further one ends the oldest.
const MAX_CODES: usize = 16;

const CODE_BYTES: usize = 16;

/// The codes that still work, oldest first, by their hashes.
#[derive(Debug, Default)]
pub(super) struct LoginCodes(Mutex<VecDeque<(Sha256Digest, Instant)>>);

impl LoginCodes {
    /// A new code.
    pub(super) fn issue(&self, now: Instant) -> String {
        let code = to_hex(&rand::random::<[u8; CODE_BYTES]>());
        let mut codes = self.lock();
        if codes.len() >= MAX_CODES {
            codes.pop_front();
        }
        codes.push_back((Sha256Digest::of(code.as_bytes()), now));
        code
    }

    /// Whether the code works; from now on it does not.
    pub(super) fn redeem(&self, code: &str, now: Instant) -> bool {
        let hash = Sha256Digest::of(code.as_bytes());
        let mut codes = self.lock();
        codes.retain(|(_, issued)| now.duration_since(*issued) < LOGIN_CODE_LIFETIME);
        let before = codes.len();
        codes.retain(|(known, _)| *known != hash);
        codes.len() < before
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Sha256Digest, Instant)>> {
        // Each change is one step, so the list is whole after a panic, too.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_works_once_and_not_for_ever() {
        let codes = LoginCodes::default();
        let now = Instant::now();
        let [first, second] = [codes.issue(now), codes.issue(now)];
        assert!(!codes.redeem("", now) && !codes.redeem(&first[1..], now));
        assert!(codes.redeem(&first, now));
        assert!(!codes.redeem(&first, now));
        assert!(!codes.redeem(&second, now + LOGIN_CODE_LIFETIME));
    }

    #[test]
    fn old_codes_give_way_to_new_ones() {
        let codes = LoginCodes::default();
        let now = Instant::now();
        let issued: Vec<String> = (0..=MAX_CODES).map(|_| codes.issue(now)).collect();
        assert!(!codes.redeem(&issued[0], now));
        assert!(issued[1..].iter().all(|code| codes.redeem(code, now)));
    }
}
