//! The owner of an installation: whoever can read its data directory. Reaching the server's address makes nobody its owner.
//!
//! ```text
//! DIR/owner.token --> programs: `Authorization: Bearer TOKEN`
//!        `----------> one-time codes --> browsers: a session
//! ```
//!
//! Does not contain HTTP: `web` reads headers and cookies.

mod access;
mod login_codes;
mod token;

pub use access::Owner;
pub use login_codes::LOGIN_CODE_LIFETIME;
pub use token::{OwnerToken, TokenError};
