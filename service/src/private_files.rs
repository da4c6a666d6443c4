//! Keeps the data directory private: other users of the machine can neither read nor list what is in it.

use std::fs;
use std::io;
use std::path::Path;

use crate::owner::{OwnerToken, TokenError};

/// Makes all files that this process creates from now on private to its user.
pub fn keep_new_files_private() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

/// Makes a data directory private, and has a token that others could read replaced.
///
/// # Errors
/// When such a token cannot be removed.
pub fn make_data_dir_private(data_dir: &Path) -> Result<(), TokenError> {
    OwnerToken::discard_exposed(data_dir)?;
    make_tree_private(data_dir);
    Ok(())
}

/// Takes the rights of other users from a directory that daedap owns, and from everything below it, where an earlier version
/// or a copy has granted them. Links are not followed. What cannot be changed is logged.
fn make_tree_private(dir: &Path) {
    let repaired = make_private(dir).and_then(|repaired| Ok(repaired + make_entries_private(dir)?));
    match repaired {
        Ok(0) => {}
        Ok(repaired) => {
            tracing::info!(repaired, "other users of the machine could read the data directory; no longer");
        }
        Err(error) => {
            let dir = dir.display();
            tracing::warn!(%error, %dir, "cannot make the data directory private; other users of the machine may read it");
        }
    }
}

fn make_entries_private(dir: &Path) -> io::Result<u64> {
    let mut repaired = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            continue;
        }
        repaired += unless_gone(make_private(&entry.path()))?;
        if kind.is_dir() {
            repaired += unless_gone(make_entries_private(&entry.path()))?;
        }
    }
    Ok(repaired)
}

/// Takes the rights of group and others from a file or folder. Returns the number of changes.
pub(crate) fn make_private(path: &Path) -> io::Result<u64> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        let metadata = fs::metadata(path)?;
        let (mode, private) =
            (metadata.permissions().mode() & 0o777, if metadata.is_dir() { 0o700 } else { 0o600 });
        if mode & !private != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(mode & private))?;
            return Ok(1);
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(0)
}

/// Background work may remove what was listed a moment ago.
fn unless_gone(result: io::Result<u64>) -> io::Result<u64> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        other => other,
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_tree_is_private_and_what_it_links_to_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (tree, outside) = (dir.path().join("data"), dir.path().join("outside"));
        fs::create_dir_all(tree.join("vectors/one")).unwrap();
        fs::create_dir(&outside).unwrap();
        let files = [tree.join("daedap.db"), tree.join("vectors/one/points"), outside.join("file")];
        for path in &files {
            fs::write(path, "x").unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        }
        for path in [&tree, &tree.join("vectors"), &tree.join("vectors/one"), &outside] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        symlink(&outside, tree.join("link")).unwrap();
        make_tree_private(&tree);
        assert_eq!(files.each_ref().map(|path| mode(path)), [0o600, 0o600, 0o644]);
        let folders = [&tree, &tree.join("vectors"), &tree.join("vectors/one"), &outside];
        assert_eq!(folders.map(|path| mode(path)), [0o700, 0o700, 0o700, 0o755]);
    }
}
