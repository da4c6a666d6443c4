//! `daedap jobs`: what became of uploads, here or through the server that runs.

use std::io::Write;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use comfy_table::Table;
use db::{Database, Job, JobFilter, JobState};
use domain::{IngestStage, JobId};
use serde_json::json;

use super::{Globals, Outcome, print_json, remote};
use crate::app::{WORKSPACE, open_database};
use crate::config::Config;
use crate::instance::{Instance, InstanceError};

/// `daedap jobs`'s own arguments.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the newest jobs
    List(List),
    /// Call a job off, also while it runs
    Cancel(One),
    /// Queue a job again that failed or was called off
    Retry(One),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only those that stand there
    #[arg(long)]
    state: Option<State>,
    /// Only those of the documents in this job's archive
    #[arg(long, value_name = "JOB")]
    archive: Option<JobId>,
    /// So many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// Its id
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

/// Who knows the jobs.
enum Queue {
    Here { db: Database, _instance: Instance },
    There(remote::Server),
}

pub(super) async fn run(config: Config, globals: &Globals, command: Command) -> Result<Outcome> {
    let queue = match Instance::take(&config.data_dir) {
        Ok(instance) => Queue::Here { db: open_database(&config).await?, _instance: instance },
        Err(InstanceError::Served(url)) => Queue::There(remote::Server::new(&url)?),
        Err(error) => return Err(error.into()),
    };
    let jobs = match command {
        Command::List(List { state, archive, limit }) => {
            let filter = JobFilter { state: state.map(Into::into), before: None, parent: archive };
            match &queue {
                Queue::Here { db, .. } => db.jobs(WORKSPACE, filter, limit).await?,
                Queue::There(server) => server.jobs(filter, limit).await?,
            }
        }
        Command::Cancel(One { job }) => vec![match &queue {
            Queue::Here { db, .. } => db.cancel_job(WORKSPACE, job).await?,
            Queue::There(server) => server.cancel_job(job).await?,
        }],
        Command::Retry(One { job }) => vec![match &queue {
            Queue::Here { db, .. } => db.retry_job(WORKSPACE, job).await?,
            Queue::There(server) => server.retry_job(job).await?,
        }],
    };
    if globals.json {
        print_json(&json!({ "jobs": jobs }))?;
    } else {
        print_table(&jobs)?;
    }
    Ok(Outcome::Done)
}

fn print_table(jobs: &[Job]) -> Result<()> {
    let mut table = Table::new();
    table.set_header(["job", "source", "state", "news"]);
    for job in jobs {
        let state = serde_json::to_value(job.state)?;
        let state = state.as_str().unwrap_or_default().to_owned();
        table.add_row([job.id.to_string(), job.source.clone(), state, news(job)]);
    }
    writeln!(std::io::stdout(), "{table}")?;
    Ok(())
}

/// How far it is, or why it is no further.
fn news(job: &Job) -> String {
    match (job.progress, &job.error) {
        (Some(stage), _) => stage_in_words(stage),
        (None, Some(error)) => format!("{} ({})", error.message, error.code),
        (None, None) => String::new(),
    }
}

/// A stage for people.
pub(super) fn stage_in_words(stage: IngestStage) -> String {
    match stage {
        IngestStage::Reading => "reading".to_owned(),
        IngestStage::Embedding { done, total } => format!("embedding {done}/{total}"),
    }
}
