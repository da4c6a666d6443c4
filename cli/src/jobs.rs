//! `daedap jobs`: lists, cancels and retries ingestion jobs.

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use domain::JobId;
use serde::Serialize;
use service::config::Config;
use web::api::jobs::{IngestStage, Job, JobQuery, JobState};

use crate::client::Client;
use crate::globals::Globals;
use crate::messages::message;
use crate::output::{Outcome, print_json, print_line, table};
use crate::value_parsers;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(List),
    Cancel(One),
    Retry(One),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[arg(long)]
    state: Option<State>,
    #[arg(long, value_name = "JOB", value_parser = value_parsers::id::<JobId>)]
    archive: Option<JobId>,
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    #[arg(value_parser = value_parsers::id::<JobId>)]
    job: JobId,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
}

impl From<State> for JobState {
    fn from(state: State) -> Self {
        match state {
            State::Queued => Self::Queued,
            State::Running => Self::Running,
            State::Done => Self::Done,
            State::Failed => Self::Failed,
            State::Cancelled => Self::Cancelled,
        }
    }
}

/// The report of `jobs --json`.
#[derive(Serialize)]
struct Report {
    jobs: Vec<Job>,
}

pub(crate) async fn run(settings: &Config, globals: &Globals, command: Command) -> Result<Outcome> {
    let client = Client::connect(settings, None).await?;
    let jobs = match command {
        Command::List(List { state, archive, limit }) => {
            let query = JobQuery {
                state: state.map(JobState::from),
                before: None,
                parent: archive,
                limit: Some(limit),
            };
            client.jobs(&query).await?
        }
        Command::Cancel(One { job }) => vec![client.cancel_job(job).await?],
        Command::Retry(One { job }) => vec![client.retry_job(job).await?],
    };
    client.close().await?;
    if globals.json {
        print_json(&Report { jobs })?;
    } else {
        print_table(&jobs)?;
    }
    Ok(Outcome::Done)
}

fn print_table(jobs: &[Job]) -> Result<()> {
    let mut table = table(&["job", "source", "state", "progress"]);
    for job in jobs {
        table.add_row([job.id.to_string(), job.source.clone(), state_text(job.state), progress_text(job)]);
    }
    print_line(table)
}

fn state_text(state: JobState) -> String {
    message!(match state {
        JobState::Queued => "cli-job-state-queued",
        JobState::Running => "cli-job-state-running",
        JobState::Done => "cli-job-state-done",
        JobState::Failed => "cli-job-state-failed",
        JobState::Cancelled => "cli-job-state-cancelled",
    })
}

/// The stage of a running job, or why it failed.
fn progress_text(job: &Job) -> String {
    match (job.progress, &job.error) {
        (Some(stage), _) => stage_text(stage),
        (None, Some(error)) => format!("{} ({})", error.message, error.code),
        (None, None) => String::new(),
    }
}

/// A stage of ingestion.
pub(crate) fn stage_text(stage: IngestStage) -> String {
    match stage {
        IngestStage::Parsing => message!("cli-stage-parsing"),
        IngestStage::Embedding { done, total } => message!("cli-stage-embedding", done = done, total = total),
    }
}
