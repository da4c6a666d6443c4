//! Ingestion jobs: listed, followed, cancelled, retried.

use anyhow::{Context, Result, bail};
use domain::JobId;
use futures::StreamExt;
use reqwest::Method;
use web::api::jobs::{Job, JobEvent, JobList, JobQuery, JobReply, JobState};

use super::connection::{Client, error_text};
use crate::messages::message;

impl Client {
    /// The newest jobs that the query admits.
    pub(crate) async fn jobs(&self, query: &JobQuery) -> Result<Vec<Job>> {
        let listed: JobList = self.receive(self.request(Method::GET, "/jobs").query(query)).await?;
        Ok(listed.jobs)
    }

    /// All jobs in this state, newest first.
    pub(crate) async fn all_jobs(&self, state: JobState) -> Result<Vec<Job>> {
        let mut query = JobQuery { state: Some(state), ..JobQuery::default() };
        let mut found = Vec::new();
        loop {
            let page: JobList = self.receive(self.request(Method::GET, "/jobs").query(&query)).await?;
            found.extend(page.jobs);
            match page.next {
                Some(before) => query.before = Some(before),
                None => return Ok(found),
            }
        }
    }

    /// Follows a job to its end, and returns it as it is then. Calls `on_change` whenever it changes.
    ///
    /// # Errors
    /// Also when the workers of this process give up, as on a full disk.
    pub(crate) async fn follow_job(&self, id: JobId, on_change: impl FnMut(&Job)) -> Result<Job> {
        tokio::select! {
            followed = self.follow_to_end(id, on_change) => followed,
            reason = self.workers_gave_up() => bail!(reason),
        }
    }

    async fn follow_to_end(&self, id: JobId, mut on_change: impl FnMut(&Job)) -> Result<Job> {
        let request = self.request(Method::GET, &format!("/jobs/{id}/events"));
        let mut events = self.events(request, "cli-job-cut-off").await?;
        let mut last = None;
        while let Some(event) = events.next().await {
            match event? {
                JobEvent::Job(JobReply { job }) => {
                    on_change(&job);
                    last = Some(job);
                }
                JobEvent::Error(error) => bail!(error_text(&error.message, &error.code)),
            }
        }
        last.filter(|job| job.state.is_final()).with_context(|| message!("cli-job-cut-off"))
    }

    /// Cancels a job.
    pub(crate) async fn cancel_job(&self, id: JobId) -> Result<Job> {
        let request = self.request(Method::DELETE, &format!("/jobs/{id}"));
        Ok(self.receive::<JobReply>(request).await?.job)
    }

    /// Queues a job again.
    pub(crate) async fn retry_job(&self, id: JobId) -> Result<Job> {
        let request = self.request(Method::POST, &format!("/jobs/{id}/retry"));
        Ok(self.receive::<JobReply>(request).await?.job)
    }
}
