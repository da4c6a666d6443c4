//! A collection's evaluation set and its runs.

use anyhow::Result;
use domain::{CollectionId, EvalQuestion};
use reqwest::Method;
use web::api::evaluation::{
    EvalRun, ImportedQuestions, Measured, QuestionImport, QuestionList, RetrievalReport, RunList,
};

use super::connection::Client;

impl Client {
    /// The questions of the set, in order.
    pub(crate) async fn eval_questions(&self, collection: CollectionId) -> Result<Vec<EvalQuestion>> {
        let listed: QuestionList = self.get(&path(collection, "/questions")).await?;
        Ok(listed.questions.into_iter().map(EvalQuestion::from).collect())
    }

    /// Adds questions to the set, all or none; returns their number.
    pub(crate) async fn import_eval_questions(
        &self,
        collection: CollectionId,
        questions: Vec<EvalQuestion>,
    ) -> Result<usize> {
        let request = QuestionImport { questions: questions.into_iter().map(Into::into).collect() };
        let imported: ImportedQuestions = self.post(&path(collection, "/questions/import"), &request).await?;
        Ok(imported.added)
    }

    /// Earlier runs, newest first.
    pub(crate) async fn eval_runs(&self, collection: CollectionId) -> Result<Vec<EvalRun>> {
        let listed: RunList = self.get(&path(collection, "/runs")).await?;
        Ok(listed.runs)
    }

    /// Measures the set, and stores the result.
    pub(crate) async fn run_evaluation(&self, collection: CollectionId) -> Result<EvalRun> {
        self.receive(self.request(Method::POST, &path(collection, "/runs"))).await
    }

    /// Measures at most `limit` questions of each kind, and stores nothing.
    pub(crate) async fn measure(
        &self,
        collection: CollectionId,
        limit: Option<usize>,
    ) -> Result<RetrievalReport> {
        let request = self.request(Method::POST, &path(collection, "/runs"));
        let request = request.query(&[("keep", "false")]).query(&[("limit", limit)]);
        Ok(self.receive::<Measured>(request).await?.report)
    }
}

fn path(collection: CollectionId, rest: &str) -> String {
    format!("/collections/{collection}/evaluation{rest}")
}
