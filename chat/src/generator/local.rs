//! Implements [`Generator`] on the engine in this process.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    GenerateError, GenerationRequest, GenerationStream, Generator, LanguageCoverage, Message, Ticket,
};
use llm::Engine;

/// A loaded model with its name and languages from the catalog.
pub struct LocalGenerator {
    engine: Arc<Engine>,
    name: String,
    coverage: LanguageCoverage,
}

impl LocalGenerator {
    /// `name` is the display name; `coverage` is [`LanguageCoverage::Any`] for a file that is not in the catalog.
    pub fn new(engine: Arc<Engine>, name: String, coverage: LanguageCoverage) -> Self {
        Self { engine, name, coverage }
    }
}

#[async_trait]
impl Generator for LocalGenerator {
    fn model(&self) -> &str {
        &self.name
    }

    fn coverage(&self) -> &LanguageCoverage {
        &self.coverage
    }

    fn context_tokens(&self) -> usize {
        self.engine.profile().context_tokens
    }

    fn count_prompt_tokens(&self, messages: &[Message]) -> Result<usize, GenerateError> {
        self.engine.count_prompt_tokens(messages)
    }

    fn reserve(&self) -> Result<Ticket, GenerateError> {
        self.engine.reserve()
    }

    async fn generate(
        &self,
        request: GenerationRequest,
        ticket: Ticket,
    ) -> Result<GenerationStream, GenerateError> {
        self.engine.generate_reserved(request, ticket)
    }

    async fn check(&self) -> Result<(), GenerateError> {
        self.engine.check()
    }
}
