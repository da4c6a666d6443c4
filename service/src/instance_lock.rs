//! Locks a data directory for one process, and tells others where its server listens.
//!
//! The lock is the operating system's, so it ends with the process however that ends. A server writes its URL beside the
//! lock, and commands that find the directory locked talk to that server instead of opening the files.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::private_files::make_private;

/// The lock on a data directory, held until it is dropped.
#[derive(Debug)]
pub struct InstanceLock {
    _lock: File,
    url_file: PathBuf,
}

/// Why the data directory cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// A server has locked it; commands can be sent there.
    #[error("the data directory is in use by the server at {0}")]
    Served(String),
    /// Another command has locked it.
    #[error("the data directory is in use by another daedap command; try again when it is done")]
    Busy,
    /// The folder cannot be created or written.
    #[error("cannot use the data directory `{}`", dir.display())]
    Unusable {
        /// The folder.
        dir: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
}

impl InstanceLock {
    /// Locks the data directory, creating it if it does not exist.
    pub fn acquire(data_dir: &Path) -> Result<Self, LockError> {
        let url_file = data_dir.join("server.url");
        let unusable = |error| LockError::Unusable { dir: data_dir.to_owned(), error };
        fs::create_dir_all(data_dir).map_err(unusable)?;
        if let Err(error) = make_private(data_dir) {
            let dir = data_dir.display();
            tracing::warn!(%error, %dir, "cannot make the data directory private; other users of the machine may read it");
        }
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(data_dir.join("lock"))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(match fs::read_to_string(&url_file) {
                    Ok(url) if !url.is_empty() => LockError::Served(url),
                    _ => LockError::Busy,
                });
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        // Left by a server that was killed: nobody listens there.
        match fs::remove_file(&url_file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unusable(error)),
            _ => Ok(Self { _lock: lock, url_file }),
        }
    }

    /// Tells other processes where this server listens.
    pub fn announce(&self, url: &str) -> io::Result<()> {
        let mut file = File::create(&self.url_file)?;
        file.write_all(url.as_bytes())
    }
}

impl Drop for InstanceLock {
    fn drop(&mut self) {
        // A failure leaves a URL without a lock, which the next process removes.
        let _ = fs::remove_file(&self.url_file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_holder_and_says_who_serves_it() {
        let dir = tempfile::tempdir().unwrap();
        let first = InstanceLock::acquire(dir.path()).unwrap();
        assert!(matches!(InstanceLock::acquire(dir.path()), Err(LockError::Busy)));
        first.announce("http://127.0.0.1:8787").unwrap();
        let Err(LockError::Served(url)) = InstanceLock::acquire(dir.path()) else { panic!("it is served") };
        assert_eq!(url, "http://127.0.0.1:8787");
        drop(first);
        assert!(InstanceLock::acquire(dir.path()).is_ok());
    }

    #[test]
    fn an_address_without_its_server_is_cleared() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("server.url"), "http://127.0.0.1:1").unwrap();
        let _held = InstanceLock::acquire(dir.path()).unwrap();
        assert!(matches!(InstanceLock::acquire(dir.path()), Err(LockError::Busy)));
    }
}
