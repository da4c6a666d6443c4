//! Decides whether what a request presents is the owner's.

use std::path::Path;
use std::time::Instant;

use domain::Sha256Digest;

use super::login_codes::LoginCodes;
use super::token::{OwnerToken, TokenError};

/// What a token is hashed for.
const BEARER: &str = "bearer";
const SESSION: &str = "session";
const INSTALLATION: &str = "installation";

/// The owner of an installation, as its server knows them.
#[derive(Debug)]
pub struct Owner {
    token: OwnerToken,
    session: String,
    codes: LoginCodes,
}

impl Owner {
    /// The owner of a data directory that this process has locked.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, TokenError> {
        let token = OwnerToken::open(data_dir)?;
        Ok(Self { session: token.derive(SESSION).to_string(), token, codes: LoginCodes::default() })
    }

    /// The token, for a client in this process.
    pub fn token(&self) -> &OwnerToken {
        &self.token
    }

    /// Whether `token` is the owner's.
    pub fn has_token(&self, token: &str) -> bool {
        // Hashes are compared, so the time that it takes says nothing about the token.
        let presented = Sha256Digest::of(format!("{BEARER}\0{token}").as_bytes());
        presented == self.token.derive(BEARER)
    }

    /// What a browser that is signed in keeps. It ends with the token.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// Whether `session` is that of a browser that is signed in.
    pub fn has_session(&self, session: &str) -> bool {
        Sha256Digest::of(session.as_bytes()) == Sha256Digest::of(self.session.as_bytes())
    }

    /// A short name of the installation: servers on one machine share the cookies of their host.
    pub fn short_name(&self) -> String {
        self.token.derive(INSTALLATION).to_string()[..8].to_owned()
    }

    /// A new one-time code that signs a browser in, within `LOGIN_CODE_LIFETIME`.
    pub fn new_login_code(&self) -> String {
        self.codes.issue(Instant::now())
    }

    /// Whether the code signs a browser in. It does so once.
    pub fn redeem_login_code(&self, code: &str) -> bool {
        self.codes.redeem(code, Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_owner_has_is_the_owners() {
        let dir = tempfile::tempdir().unwrap();
        let owner = Owner::open(dir.path()).unwrap();
        let token = owner.token().expose();
        assert!(owner.has_token(token) && owner.has_session(owner.session()));
        for other in ["", &token[1..], owner.session(), &owner.short_name()] {
            assert!(!owner.has_token(other), "{other}");
        }
        for other in ["", token, &owner.session()[1..]] {
            assert!(!owner.has_session(other), "{other}");
        }
        let code = owner.new_login_code();
        assert!(owner.redeem_login_code(&code) && !owner.redeem_login_code(&code));
    }
}
