//! One process per data directory: who holds it, and where it listens.
//!
//! The lock is the operating system's, so it goes with its process however that ends. A server writes its address
//! beside it, and commands that find the directory held speak to that server instead of opening the files.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The lock on a data directory, held until it is dropped.
#[derive(Debug)]
pub struct Instance {
    _lock: File,
    address: PathBuf,
}

/// Why the data directory is not ours.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// A server has it; commands can be sent there.
    #[error("the data directory is in use by the server at {0}")]
    Served(String),
    /// Another command has it, and is soon done.
    #[error("the data directory is in use by another daedap command; try again when it is done")]
    Busy,
    /// The folder cannot be made or written.
    #[error("the data directory {dir} cannot be used: {error}")]
    Unusable {
        /// The folder.
        dir: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl Instance {
    /// Takes the data directory, making it if it is not there.
    pub fn take(data_dir: &Path) -> Result<Self, InstanceError> {
        let address = data_dir.join("server.url");
        let unusable = |error| InstanceError::Unusable { dir: data_dir.to_owned(), error };
        fs::create_dir_all(data_dir).map_err(unusable)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(data_dir.join("lock"))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(match fs::read_to_string(&address) {
                    Ok(url) if !url.is_empty() => InstanceError::Served(url),
                    _ => InstanceError::Busy,
                });
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        // Left by a server that was killed; nobody listens there now.
        match fs::remove_file(&address) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unusable(error)),
            _ => Ok(Self { _lock: lock, address }),
        }
    }

    /// Tells other commands where this server listens.
    pub fn announce(&self, url: &str) -> io::Result<()> {
        let mut file = File::create(&self.address)?;
        file.write_all(url.as_bytes())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // A failure leaves an address without a lock, which the next process clears.
        let _ = fs::remove_file(&self.address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_holder_and_says_who_serves_it() {
        let dir = tempfile::tempdir().unwrap();
        let first = Instance::take(dir.path()).unwrap();
        assert!(matches!(Instance::take(dir.path()), Err(InstanceError::Busy)));
        first.announce("http://127.0.0.1:8787").unwrap();
        let Err(InstanceError::Served(url)) = Instance::take(dir.path()) else { panic!("it is served") };
        assert_eq!(url, "http://127.0.0.1:8787");
        drop(first);
        assert!(Instance::take(dir.path()).is_ok());
    }

    #[test]
    fn an_address_without_its_server_is_cleared() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("server.url"), "http://127.0.0.1:1").unwrap();
        let _held = Instance::take(dir.path()).unwrap();
        assert!(matches!(Instance::take(dir.path()), Err(InstanceError::Busy)));
    }
}
