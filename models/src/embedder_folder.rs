//! Reads embedders that users supply: a folder with the model's files and a description in place of the catalog's.
//!
//! The files are untrusted: they are bounded and hashed here, and validated when they are loaded.

use std::fs;
use std::path::{Path, PathBuf};

use domain::{EmbeddingSpace, Language, LanguageCoverage};
use serde::Deserialize;

use crate::entry::{EmbedderFacts, Pooling};
use crate::error::ModelError;
use crate::hash::file_sha256;

/// The file that describes the model.
const DESCRIPTION: &str = "embedder.toml";

/// Files of the model itself.
const FILES: [&str; 5] =
    ["model.onnx", "tokenizer.json", "config.json", "special_tokens_map.json", "tokenizer_config.json"];

/// Maximum size of the description, which is a few lines.
const MAX_DESCRIPTION_BYTES: u64 = 64 << 10;

/// Maximum length of a prefix, in bytes: it is prepended to every text.
const MAX_PREFIX_BYTES: usize = 1_000;

/// A folder that holds an embedder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbedderFolder {
    dir: PathBuf,
    /// Dimensions, limits and prefixes.
    pub facts: EmbedderFacts,
    /// The languages that the model was trained for.
    pub coverage: LanguageCoverage,
    /// The space of its vectors; its id is the hash of `model.onnx`.
    pub space: EmbeddingSpace,
}

/// Content of `embedder.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    dimensions: usize,
    max_tokens: usize,
    pooling: Pooling,
    #[serde(default)]
    query_prefix: String,
    #[serde(default)]
    passage_prefix: String,
    /// Absent means any language.
    languages: Option<Vec<Language>>,
}

impl EmbedderFolder {
    /// Reads the description in `dir` and hashes the model. Blocks: a gigabyte takes a second or two.
    ///
    /// # Errors
    /// [`ModelError::InvalidEmbedder`] if a file is missing or the description is invalid.
    pub fn read(dir: &Path) -> Result<Self, ModelError> {
        let invalid = |reason: String| ModelError::InvalidEmbedder { dir: dir.to_owned(), reason };
        for name in FILES.iter().chain([&DESCRIPTION]) {
            if !dir.join(name).is_file() {
                return Err(invalid(format!("the file `{name}` is missing")));
            }
        }
        let description = description(&dir.join(DESCRIPTION)).map_err(invalid)?;
        let model = dir.join("model.onnx");
        let hash = file_sha256(&model).map_err(ModelError::io(&model))?;
        let Description { dimensions, max_tokens, pooling, query_prefix, passage_prefix, languages } =
            description;
        Ok(Self {
            dir: dir.to_owned(),
            space: EmbeddingSpace {
                model: format!("sha256:{hash}"),
                dimensions,
                query_prefix: query_prefix.clone(),
                passage_prefix: passage_prefix.clone(),
            },
            facts: EmbedderFacts { dimensions, max_tokens, pooling, query_prefix, passage_prefix },
            coverage: languages.map_or(LanguageCoverage::Any, LanguageCoverage::Only),
        })
    }

    /// Path of the file called `name`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// Reads and checks a description; the error is the reason that the user sees.
fn description(path: &Path) -> Result<Description, String> {
    let bytes = fs::metadata(path).map_err(|error| format!("{DESCRIPTION}: {error}"))?.len();
    if bytes > MAX_DESCRIPTION_BYTES {
        return Err(format!("`{DESCRIPTION}` has {bytes} bytes; the maximum is {MAX_DESCRIPTION_BYTES}"));
    }
    let text = fs::read_to_string(path).map_err(|error| format!("{DESCRIPTION}: {error}"))?;
    let description: Description =
        toml::from_str(&text).map_err(|error| format!("{DESCRIPTION}: {error}"))?;
    for (name, value, max) in
        [("dimensions", description.dimensions, 65_536), ("max_tokens", description.max_tokens, 1_000_000)]
    {
        if !(1..=max).contains(&value) {
            return Err(format!("{DESCRIPTION}: {name} is {value}; it must be between 1 and {max}"));
        }
    }
    for prefix in [&description.query_prefix, &description.passage_prefix] {
        if prefix.len() > MAX_PREFIX_BYTES {
            return Err(format!("{DESCRIPTION}: a prefix is longer than {MAX_PREFIX_BYTES} bytes"));
        }
    }
    Ok(description)
}

#[cfg(test)]
mod tests {
    use domain::Sha256Digest;

    use super::*;

    const DESCRIBED: &str =
        "dimensions = 384\nmax_tokens = 256\npooling = \"mean\"\npassage_prefix = \"passage: \"\n";

    fn folder(description: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for name in FILES {
            fs::write(dir.path().join(name), name).unwrap();
        }
        fs::write(dir.path().join(DESCRIPTION), description).unwrap();
        dir
    }

    #[test]
    fn a_folder_is_the_content_of_its_model_and_its_prefixes() {
        let dir = folder(DESCRIBED);
        let read = EmbedderFolder::read(dir.path()).unwrap();
        assert_eq!(read.space.model, format!("sha256:{}", Sha256Digest::of(b"model.onnx")));
        assert_eq!((read.space.dimensions, read.space.passage_prefix.as_str()), (384, "passage: "));
        assert_eq!(read.coverage, LanguageCoverage::Any);
        let english = EmbedderFolder::read(folder(&format!("{DESCRIBED}languages = [\"en\"]")).path());
        assert_eq!(english.unwrap().coverage, LanguageCoverage::Only(vec![Language::ENGLISH]));
        let elsewhere = EmbedderFolder::read(folder(DESCRIBED).path()).unwrap();
        assert_eq!(elsewhere.space, read.space, "a folder can be moved");
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (wrong, expected) in [
            ("dimensions = 0\nmax_tokens = 1\npooling = \"mean\"", "dimensions is 0"),
            ("dimensions = 1\nmax_tokens = 9999999\npooling = \"mean\"", "max_tokens is 9999999"),
            ("dimensions = 384\nmax_tokens = 256\npooling = \"max\"", "max"),
            ("dimensions = -1", "dimensions"),
            ("max_tokens = 256\npooling = \"cls\"", "dimensions"),
            ("colour = 1", "colour"),
            ("\0", DESCRIPTION),
        ] {
            let error = EmbedderFolder::read(folder(wrong).path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{wrong:?}: {error}");
        }
        let long = format!("{DESCRIBED}query_prefix = \"{}\"", "a".repeat(2_000));
        assert!(EmbedderFolder::read(folder(&long).path()).is_err());
        for name in FILES {
            let dir = folder(DESCRIBED);
            fs::remove_file(dir.path().join(name)).unwrap();
            let error = EmbedderFolder::read(dir.path()).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        assert!(EmbedderFolder::read(Path::new("/nowhere/at/all")).is_err());
    }
}
