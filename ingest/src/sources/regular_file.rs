//! Opens the regular files of a folder, and nothing else: no links are followed, and no pipe or device is opened.
//!
//! A folder is listed first and read later. In between, whoever may write to it can replace a file, or a folder above it,
//! by a link to any file that this process may read.

use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

/// A folder whose files are opened by their paths below it.
#[derive(Debug)]
pub(crate) struct Folder {
    dir: Dir,
    path: PathBuf,
}

impl Folder {
    /// Opens the folder at `path`, or the one that the file at `path` is in.
    pub(crate) fn of(path: &Path) -> io::Result<Arc<Self>> {
        let folder = match path.parent() {
            Some(parent) if !path.is_dir() => parent,
            _ => path,
        };
        let dir = Dir::open_ambient_dir(folder, ambient_authority())?;
        Ok(Arc::new(Self { dir, path: folder.to_owned() }))
    }

    /// The file at `path`, which is below the folder.
    pub(crate) fn file(self: &Arc<Self>, path: &Path) -> io::Result<RegularFile> {
        let below = path.strip_prefix(&self.path).map_err(io::Error::other)?.to_owned();
        Ok(RegularFile { folder: self.clone(), below })
    }
}

/// A file of a folder. Whether it is a regular one is checked whenever it is opened.
#[derive(Debug, Clone)]
pub(crate) struct RegularFile {
    folder: Arc<Folder>,
    below: PathBuf,
}

impl RegularFile {
    /// Its path, for messages.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path.join(&self.below)
    }

    /// Opens it.
    ///
    /// # Errors
    /// Also where it, or a folder above it, is a link, and where it is neither a file nor a link.
    pub(crate) fn open(&self) -> io::Result<File> {
        let mut parent: Option<Dir> = None;
        let mut names = self.below.components().peekable();
        while let Some(Component::Normal(name)) = names.next() {
            let dir = parent.as_ref().unwrap_or(&self.folder.dir);
            if names.peek().is_some() {
                parent = Some(dir.open_dir_nofollow(name)?);
                continue;
            }
            // Opening a pipe would wait for somebody to write to it.
            let mut options = OpenOptions::new();
            options.read(true).follow(FollowSymlinks::No).nonblock(true);
            let file = dir.open_with(name, &options)?.into_std();
            return if file.metadata()?.is_file() { Ok(file) } else { Err(not_a_file()) };
        }
        Err(not_a_file())
    }
}

fn not_a_file() -> io::Error {
    io::Error::other("it is not a regular file")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    fn content(file: &RegularFile) -> io::Result<String> {
        let mut text = String::new();
        file.open()?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn a_file_is_read_until_it_or_a_folder_above_it_becomes_something_else() {
        let outside = tempfile::tempdir().expect("a folder");
        fs::write(outside.path().join("a.md"), "secret").expect("a file");
        let root = tempfile::tempdir().expect("a folder");
        let path = root.path().join("sub/a.md");
        fs::create_dir(root.path().join("sub")).expect("a folder");
        fs::write(&path, "text").expect("a file");
        let file = Folder::of(root.path()).expect("a folder").file(&path).expect("below");
        assert_eq!(content(&file).expect("readable"), "text");
        assert_eq!(file.path(), path);

        fs::remove_file(&path).expect("removed");
        symlink(outside.path().join("a.md"), &path).expect("a link");
        assert!(content(&file).is_err(), "a link to a file");
        fs::remove_file(&path).expect("removed");
        assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo runs").success());
        assert!(content(&file).is_err(), "a pipe");
        fs::remove_dir_all(root.path().join("sub")).expect("removed");
        symlink(outside.path(), root.path().join("sub")).expect("a link");
        assert!(content(&file).is_err(), "a link to a folder");
    }

    #[test]
    fn a_file_alone_is_opened_in_its_folder() {
        let root = tempfile::tempdir().expect("a folder");
        let path = root.path().join("a.md");
        fs::write(&path, "text").expect("a file");
        let file = Folder::of(&path).expect("its folder").file(&path).expect("below");
        assert_eq!(content(&file).expect("readable"), "text");
    }
}
