//! Packs ZIP archives for the tests.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A ZIP archive of these members.
pub(crate) fn archive<C: AsRef<[u8]>>(members: &[(&str, C)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in members {
        archive.start_file(*name, options).expect("a member");
        archive.write_all(content.as_ref()).expect("its content");
    }
    archive.finish().expect("an archive").into_inner()
}
