//! Reads a backup file, which may be cut off, changed, or malicious.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

use domain::Sha256Digest;
use serde::de::DeserializeOwned;

use super::layout::{Amounts, ArchiveError, END, FORMAT, MANIFEST, MAX_ENTRY_BYTES, Manifest, Part};

/// The first bytes of a zstd file.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Maximum size of the manifest and of the end mark in bytes.
const MAX_LABEL_BYTES: u64 = 1 << 20;

/// Maximum number of bytes after the last entry: tar files are padded.
const MAX_PADDING_BYTES: u64 = 1 << 20;

/// Reads all of a backup and checks that it is complete. Blocks.
///
/// # Errors
/// Any [`ArchiveError`].
pub fn check(file: &Path) -> Result<(Manifest, Amounts), ArchiveError> {
    for_each_entry(file, |_, _| ControlFlow::Continue(()))
}

/// Passes each entry to `each`, and checks at the end that the backup was complete. Blocks.
///
/// # Errors
/// As with [`check`]; `Io` with `Interrupted` where `each` breaks.
pub fn for_each_entry(
    file: &Path,
    mut each: impl FnMut(Part, Vec<u8>) -> ControlFlow<()>,
) -> Result<(Manifest, Amounts), ArchiveError> {
    let mut archive = tar::Archive::new(frame(file)?);
    let mut manifest = None;
    let mut counted = Amounts::default();
    let mut rank = 0;
    let mut stated = None;
    // Raw: tar's extensions for long names would be read without a bound.
    for entry in archive.entries().map_err(damaged)?.raw(true) {
        let mut entry = entry.map_err(damaged)?;
        let name = name_of(&entry)?;
        if stated.is_some() {
            return Err(ArchiveError::Damaged(format!("the entry {name:?} is after its end mark")));
        }
        match (&manifest, name.as_str()) {
            (None, MANIFEST) => manifest = Some(read_manifest(&mut entry)?),
            (None, _) => return Err(ArchiveError::Foreign),
            (Some(_), END) => stated = Some(label::<Amounts>(&mut entry, END)?),
            (Some(_), _) => {
                let part = Part::of(&name).ok_or_else(|| unknown(&name))?;
                if part.rank() < rank {
                    return Err(ArchiveError::Damaged(format!("the entry `{name}` is in the wrong place")));
                }
                rank = part.rank();
                let bytes = bounded(&mut entry, MAX_ENTRY_BYTES, &name)?;
                count(&part, &bytes, &mut counted)?;
                if each(part, bytes).is_break() {
                    return Err(io::Error::from(io::ErrorKind::Interrupted).into());
                }
            }
        }
    }
    // Read to the end of the frame, which holds the checksum.
    bounded(&mut archive.into_inner(), MAX_PADDING_BYTES, "the padding")?;
    let manifest = manifest.ok_or(ArchiveError::Foreign)?;
    let stated = stated.ok_or_else(|| ArchiveError::Damaged("it was cut off".to_owned()))?;
    if stated != counted {
        return Err(ArchiveError::Damaged(format!(
            "it states that it holds {stated:?}, but holds {counted:?}"
        )));
    }
    Ok((manifest, stated))
}

fn frame(file: &Path) -> Result<impl Read, ArchiveError> {
    let mut start = [0; MAGIC.len()];
    let mut opened = File::open(file)?;
    match opened.read_exact(&mut start) {
        Ok(()) if start == MAGIC => {}
        Ok(()) => return Err(ArchiveError::Foreign),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(ArchiveError::Foreign),
        Err(error) => return Err(error.into()),
    }
    Ok(zstd::stream::read::Decoder::new(io::Cursor::new(start).chain(opened))?)
}

fn name_of<R: Read>(entry: &tar::Entry<'_, R>) -> Result<String, ArchiveError> {
    let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    match entry.header().entry_type().is_file() {
        true => Ok(name),
        false => Err(unknown(&name)),
    }
}

fn read_manifest(entry: &mut impl Read) -> Result<Manifest, ArchiveError> {
    #[derive(serde::Deserialize)]
    struct Format {
        format: u32,
    }
    let bytes = bounded(entry, MAX_LABEL_BYTES, MANIFEST)?;
    // Another format may have other fields.
    let Format { format } = parsed(&bytes, MANIFEST)?;
    if format > FORMAT {
        return Err(ArchiveError::Newer(format));
    }
    parsed(&bytes, MANIFEST)
}

fn label<T: DeserializeOwned>(entry: &mut impl Read, name: &str) -> Result<T, ArchiveError> {
    parsed(&bounded(entry, MAX_LABEL_BYTES, name)?, name)
}

fn parsed<T: DeserializeOwned>(bytes: &[u8], name: &str) -> Result<T, ArchiveError> {
    serde_json::from_slice(bytes).map_err(|error| ArchiveError::Damaged(format!("{name}: {error}")))
}

/// Reads all of `reader`, whatever length it states.
fn bounded(reader: &mut impl Read, max_bytes: u64, name: &str) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = Vec::new();
    reader.take(max_bytes + 1).read_to_end(&mut bytes).map_err(damaged)?;
    if bytes.len() as u64 > max_bytes {
        return Err(ArchiveError::Damaged(format!("{name} has more than {max_bytes} bytes")));
    }
    Ok(bytes)
}

fn count(part: &Part, bytes: &[u8], counted: &mut Amounts) -> Result<(), ArchiveError> {
    let lines = || bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    match part {
        Part::Rows(table) => *counted.rows.entry((*table).to_owned()).or_default() += lines(),
        Part::Points => counted.points += lines(),
        Part::Original(hash) => {
            if Sha256Digest::of(bytes).to_string() != *hash {
                return Err(ArchiveError::Damaged(format!(
                    "the bytes of the original `{hash}` do not match its hash"
                )));
            }
            counted.originals += 1;
        }
    }
    Ok(())
}

fn unknown(name: &str) -> ArchiveError {
    ArchiveError::Damaged(format!("the entry {name:?} is not known"))
}

#[allow(clippy::needless_pass_by_value)] // It stands in `map_err`.
fn damaged(error: io::Error) -> ArchiveError {
    ArchiveError::Damaged(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::backup::format::write::ArchiveWriter;

    fn manifest() -> Manifest {
        Manifest {
            format: FORMAT,
            daedap: "0.1.0".to_owned(),
            schema: 4,
            made_at: Timestamp::UNIX_EPOCH,
            index: None,
        }
    }

    /// A backup file of these entries, whatever they are.
    fn archive(entries: &[(&str, tar::EntryType, &[u8])]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut frame = zstd::stream::write::Encoder::new(file.reopen().unwrap(), 1).unwrap();
        frame.include_checksum(true).unwrap();
        let mut archive = tar::Builder::new(frame);
        for (name, kind, bytes) in entries {
            let mut header = tar::Header::new_ustar();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            archive.append(&header, *bytes).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap().flush().unwrap();
        file
    }

    #[tokio::test]
    async fn a_written_backup_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut archive = ArchiveWriter::begin(file.reopen().unwrap(), &manifest()).await.unwrap();
        let parts = [
            (Part::Rows("workspaces"), b"{}\n{}\n".to_vec()),
            (Part::Rows("workspaces"), b"{}\n".to_vec()),
            (Part::Original(Sha256Digest::of("안녕".as_bytes()).to_string()), "안녕".as_bytes().to_vec()),
            (Part::Points, b"{}\n".to_vec()),
        ];
        for (part, bytes) in &parts {
            archive.put(part, bytes.clone()).await.unwrap();
        }
        let amounts =
            Amounts { rows: [("workspaces".to_owned(), 3)].into_iter().collect(), originals: 1, points: 1 };
        archive.end(&amounts).await.unwrap();
        let mut read = Vec::new();
        let found = for_each_entry(file.path(), |part, bytes| {
            read.push((part, bytes));
            ControlFlow::Continue(())
        });
        assert_eq!(found.unwrap(), (manifest(), amounts));
        assert_eq!(read, parts);
    }

    #[tokio::test]
    async fn a_backup_that_was_dropped_before_its_end_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut archive = ArchiveWriter::begin(file.reopen().unwrap(), &manifest()).await.unwrap();
        archive.put(&Part::Rows("workspaces"), b"{}\n".to_vec()).await.unwrap();
        drop(archive);
        assert!(check(file.path()).is_err());
    }

    #[test]
    fn nothing_in_a_backup_is_trusted() {
        let file = tar::EntryType::Regular;
        let manifest = serde_json::to_vec(&manifest()).unwrap();
        let end = json!({ "rows": {}, "originals": 0, "points": 0 }).to_string();
        let newer = json!({ "format": FORMAT + 1, "what": "ever" }).to_string();
        let (begin, end) = ((MANIFEST, file, manifest.as_slice()), (END, file, end.as_bytes()));
        let original = format!("originals/{}", "0a".repeat(32));
        assert!(check(archive(&[begin, end]).path()).is_ok());
        for (entries, word) in [
            (vec![], "not a daedap backup"),
            (vec![end], "not a daedap backup"),
            (vec![(MANIFEST, file, newer.as_bytes())], "install a newer release"),
            (vec![begin], "cut off"),
            (vec![begin, end, ("vectors/000001.jsonl", file, b"")], "after its end mark"),
            (vec![begin, ("../../etc/passwd", file, b"x"), end], "not known"),
            (vec![begin, ("sql/sqlite_schema/000001.jsonl", file, b"{}\n"), end], "not known"),
            (vec![begin, ("vectors/000001.jsonl", tar::EntryType::Symlink, b""), end], "not known"),
            (vec![begin, ("x", tar::EntryType::GNULongName, b"vectors/000001.jsonl"), end], "not known"),
            (vec![begin, (original.as_str(), file, b"do not match its hash"), end], "do not match its hash"),
            (
                vec![begin, ("vectors/1.jsonl", file, b""), ("sql/jobs/1.jsonl", file, b""), end],
                "wrong place",
            ),
            (vec![begin, ("vectors/000001.jsonl", file, b"{}\n"), end], "states that it holds"),
        ] {
            let refused = check(archive(&entries).path()).expect_err(word).to_string();
            assert!(refused.contains(word), "{word}: {refused}");
        }
    }
}
