//! ZIP archives of documents: which members are documents, and how large an archive may be.

use std::io::Cursor;

use encoding_rs::EUC_KR;
use parse::{Archive, ArchiveError, ParseError};
use zip::{ZipArchive, ZipWriter};

use crate::zip_archive::archive;

/// The archive with `from` replaced by as many bytes wherever it stands.
fn patched(mut archive: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> =
        archive.windows(from.len()).enumerate().filter(|(_, part)| *part == from).map(|(at, _)| at).collect();
    assert!(!places.is_empty());
    for at in places {
        archive[at..at + to.len()].copy_from_slice(to);
    }
    archive
}

fn opened(bytes: Vec<u8>) -> Archive<Cursor<Vec<u8>>> {
    Archive::open(Cursor::new(bytes)).expect("within bounds").expect("an archive of documents")
}

#[test]
fn its_documents_have_the_names_that_people_gave_them() {
    let (korean, _, _) = EUC_KR.encode("한글");
    let bytes = archive(&[
        ("규정/여비.md", b"a".as_slice()),
        ("규정\\\u{1112}\u{1161}\u{11ab}.md", b"b".as_slice()),
        ("./ZZZZ.txt", b"c".as_slice()),
        ("folder/", b"".as_slice()),
        (".hidden/x.md", b"x".as_slice()),
        ("a/.DS_Store", b"x".as_slice()),
        ("__MACOSX/a.md", b"x".as_slice()),
    ]);
    let bytes = patched(bytes, b"ZZZZ", &korean);
    let mut archive = opened(bytes);
    let mut found = Vec::new();
    for member in archive.members() {
        let member = member.expect("it can be read");
        let content = archive.read(&member).expect("its content");
        found.push((member.name, content));
    }
    let expected =
        [("규정/여비.md", b"a".as_slice()), ("규정/한.md", b"b".as_slice()), ("한글.txt", b"c".as_slice())];
    assert_eq!(found, expected.map(|(name, content)| (name.to_owned(), content.to_vec())));
}

#[test]
fn members_that_cannot_be_documents_are_named() {
    let long = "x".repeat(5_000);
    let mut archive = opened(archive(&[
        ("../../x.md", b"a".as_slice()),
        ("a\0b.md", b"b".as_slice()),
        (&long, b"c".as_slice()),
        ("d.md", b"d".as_slice()),
    ]));
    let members = archive.members();
    let refused: Vec<&str> =
        members.iter().filter_map(|member| member.as_ref().err()).map(|(_, error)| error.code()).collect();
    assert_eq!(refused, ["bad_source"; 3]);
    assert_eq!(members.iter().filter(|member| member.is_ok()).count(), 1);
}

#[test]
fn archives_without_measure_are_refused_before_they_are_unpacked() {
    let code = |bytes: Vec<u8>| match Archive::open(Cursor::new(bytes)) {
        Err(error) => error.code(),
        Ok(_) => "opened",
    };
    let names: Vec<String> = (0..100_000).map(|number| format!("{number}.txt")).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    assert_eq!(code(archive(&members)), "too_costly");

    // Ten gigabytes in ten megabytes: the same zeros over and over.
    let zeros = archive(&[("zeros.txt", &vec![0; 63 << 20])]);
    let mut one = ZipArchive::new(Cursor::new(zeros)).expect("an archive");
    let mut bomb = ZipWriter::new(Cursor::new(Vec::new()));
    for number in 0..163 {
        bomb.raw_copy_file_rename(one.by_index(0).expect("a member"), format!("{number}.txt"))
            .expect("a copy");
    }
    let bomb = bomb.finish().expect("an archive").into_inner();
    assert!(bomb.len() < 11 << 20, "{}", bomb.len());
    assert_eq!(code(bomb), "too_costly");
}

#[test]
fn a_member_that_lies_about_its_length_is_not_unpacked_further() {
    let length: u32 = 40 << 20;
    let lying = patched(
        archive(&[("zeros.txt", &vec![0; length as usize])]),
        &length.to_le_bytes(),
        &1_000_u32.to_le_bytes(),
    );
    let mut archive = opened(lying);
    let member = archive.members().remove(0).expect("it says that it is short");
    let error = archive.read(&member).expect_err("it is not");
    assert!(matches!(&error, ArchiveError::Parse(ParseError::Failed(_))), "{error:?}");
}

#[test]
fn documents_that_are_archives_themselves_are_no_archives_of_documents() {
    for bytes in [
        archive(&[("[Content_Types].xml", b"x".as_slice()), ("word/document.xml", b"x".as_slice())]),
        archive(&[
            ("mimetype", b"application/epub+zip".as_slice()),
            ("META-INF/container.xml", b"x".as_slice()),
        ]),
        archive(&[("mimetype", b"x".as_slice()), ("content.xml", b"x".as_slice())]),
        archive(&[("Contents/section0.xml", b"x".as_slice())]),
        b"PK\x03\x04 and nothing more".to_vec(),
        b"# Markdown".to_vec(),
    ] {
        assert!(Archive::open(Cursor::new(bytes)).expect("no bounds are broken").is_none());
    }
}
