//! What runs on this server.

use domain::{Language, LanguageCoverage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::collections::Collection;
use crate::api::filter::LanguageCode;

/// Version, models, and what there is to ask about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The server's version.
    pub version: String,
    /// What writes answers.
    pub generator: GeneratorStatus,
    /// What embeds documents and questions.
    pub embedder: EmbedderStatus,
    /// Number of documents.
    pub documents: u64,
    /// The collections, by name.
    pub collections: Vec<Collection>,
}

/// The language model in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GeneratorStatus {
    /// Its name.
    pub model: String,
    /// Maximum number of tokens of prompt and answer together.
    pub context_tokens: usize,
    /// The languages that it writes; `null`: not known to be limited.
    #[schema(value_type = Option<Vec<LanguageCode>>, required = true)]
    pub languages: Option<Vec<Language>>,
}

/// The embedder in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EmbedderStatus {
    /// Its catalog id, or the hash of its files.
    pub model: String,
}

impl From<&dyn domain::Generator> for GeneratorStatus {
    fn from(generator: &dyn domain::Generator) -> Self {
        let languages = match generator.coverage() {
            LanguageCoverage::Any => None,
            LanguageCoverage::Only(languages) => Some(languages.clone()),
        };
        Self { model: generator.model().to_owned(), context_tokens: generator.context_tokens(), languages }
    }
}
