//! ZIP archives, made in memory.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// An archive of these files: their names and what is in them.
pub fn archive<N: AsRef<str>, C: AsRef<[u8]>>(members: &[(N, C)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        archive.start_file(name.as_ref(), SimpleFileOptions::default()).expect("a name for an archive");
        archive.write_all(content.as_ref()).expect("memory takes it");
    }
    archive.finish().expect("memory takes it").into_inner()
}
