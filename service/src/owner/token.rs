//! The owner's token: a random text in a file that only the user of the server can read.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use domain::{Sha256Digest, to_hex};
use secrecy::{ExposeSecret, SecretString};

/// Name of the file in the data directory.
const FILE: &str = "owner.token";

/// Length of the token in bytes, before it is written as hexadecimal.
const TOKEN_BYTES: usize = 32;

/// What proves that a request comes from the owner.
#[derive(Debug, Clone)]
pub struct OwnerToken(SecretString);

/// The token cannot be read or created.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the owner's token `{}`", file.display())]
pub struct TokenError {
    file: PathBuf,
    #[source]
    error: io::Error,
}

impl OwnerToken {
    /// The token of a data directory; a new one where there is none, or where others could read it.
    ///
    /// # Errors
    /// When it can be neither read nor created.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, TokenError> {
        Self::discard_exposed(data_dir)?;
        match Self::read(data_dir) {
            Err(TokenError { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                Self::create(data_dir)
            }
            other => other,
        }
    }

    /// Removes a token that others could read. To be called before the data directory is made private, which hides that.
    pub(crate) fn discard_exposed(data_dir: &Path) -> Result<(), TokenError> {
        let file = data_dir.join(FILE);
        if !file.exists() || is_private(&file) {
            return Ok(());
        }
        tracing::warn!(
            "other users of the machine could read the owner's token; it is replaced by a new one"
        );
        fs::remove_file(&file).map_err(|error| TokenError { file, error })
    }

    /// The token of a data directory that a server holds.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(data_dir: &Path) -> Result<Self, TokenError> {
        let file = data_dir.join(FILE);
        match fs::read_to_string(&file) {
            Ok(text) if text.trim().len() == TOKEN_BYTES * 2 => Ok(Self(text.trim().into())),
            // Cut off, or written by somebody else: as good as absent.
            Ok(_) => Err(TokenError { file, error: io::ErrorKind::NotFound.into() }),
            Err(error) => Err(TokenError { file, error }),
        }
    }

    fn create(data_dir: &Path) -> Result<Self, TokenError> {
        let file = data_dir.join(FILE);
        let token = to_hex(&rand::random::<[u8; TOKEN_BYTES]>());
        let written = || -> io::Result<()> {
            // Readable by its owner alone from the beginning.
            let mut unfinished = tempfile::NamedTempFile::new_in(data_dir)?;
            writeln!(unfinished, "{token}")?;
            unfinished.as_file().sync_all()?;
            unfinished.persist(&file)?;
            Ok(())
        };
        match written() {
            Ok(()) => Ok(Self(token.into())),
            Err(error) => Err(TokenError { file, error }),
        }
    }

    /// The token itself, for a client to send.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// A value that is derived from the token for one purpose, and does not tell the token.
    pub(crate) fn derive(&self, purpose: &str) -> Sha256Digest {
        Sha256Digest::of(format!("{purpose}\0{}", self.expose()).as_bytes())
    }
}

fn is_private(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 == 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stays_until_its_file_goes() {
        let dir = tempfile::tempdir().unwrap();
        assert!(OwnerToken::read(dir.path()).is_err());
        let first = OwnerToken::open(dir.path()).unwrap();
        assert_eq!(OwnerToken::open(dir.path()).unwrap().expose(), first.expose());
        assert_eq!(OwnerToken::read(dir.path()).unwrap().expose(), first.expose());
        assert!(!format!("{first:?}").contains(first.expose()));
        fs::remove_file(dir.path().join(FILE)).unwrap();
        let second = OwnerToken::open(dir.path()).unwrap();
        assert_ne!(second.expose(), first.expose());
        fs::write(dir.path().join(FILE), "").unwrap();
        assert_ne!(OwnerToken::open(dir.path()).unwrap().expose(), second.expose());
    }

    #[cfg(unix)]
    #[test]
    fn a_token_that_others_could_read_is_replaced() {
        use std::os::unix::fs::PermissionsExt as _;

        let dir = tempfile::tempdir().unwrap();
        let first = OwnerToken::open(dir.path()).unwrap();
        let file = dir.path().join(FILE);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert_ne!(OwnerToken::open(dir.path()).unwrap().expose(), first.expose());
        assert!(is_private(&file));
    }
}
