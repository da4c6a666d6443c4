//! `/api/v1/status`: what runs here, for the chat page's first screen.

use axum::Json;
use axum::extract::State;
use domain::{Collection, Language, LanguageCoverage};
use serde::Serialize;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::Tenant;

/// What runs here.
#[derive(Debug, Serialize)]
pub struct Status {
    version: &'static str,
    generator: GeneratorStatus,
    embedder: EmbedderStatus,
    documents: u64,
    collections: Vec<Collection>,
}

#[derive(Debug, Serialize)]
struct GeneratorStatus {
    model: String,
    context_tokens: usize,
    /// `null`: not known to be limited.
    languages: Option<Vec<Language>>,
}

#[derive(Debug, Serialize)]
struct EmbedderStatus {
    model: String,
}

/// Models, languages, and how much there is to ask about.
pub async fn show(State(app): State<App>, Tenant(workspace): Tenant) -> Result<Json<Status>, ApiError> {
    let generator = app.chat.generator();
    let languages = match generator.coverage() {
        LanguageCoverage::Any => None,
        LanguageCoverage::Only(languages) => Some(languages.clone()),
    };
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        generator: GeneratorStatus {
            model: generator.model().to_owned(),
            context_tokens: generator.context_tokens(),
            languages,
        },
        embedder: EmbedderStatus { model: app.knowledge.index.current().embedder.space().model.clone() },
        documents: app.knowledge.db.count_documents(workspace).await?,
        collections: app.knowledge.db.collections(workspace).await?,
    }))
}
