//! A collection's evaluation set, wherever it is: in the data directory, or with the server that holds that.

use anyhow::{Context, Result, bail};
use db::{Database, DbError, EvalRun, NewEvalQuestion};
use domain::{Collection, CollectionId, EvalQuestion};
use reqwest::{Method, Response};
use retriever::eval::RetrievalReport;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::app::{KnowledgeBase, WORKSPACE, open_database};
use crate::cli::{Globals, progress, remote};
use crate::config::Config;
use crate::evaluation;
use crate::instance::{Instance, InstanceError};
use crate::model_files::ModelFiles;

/// Runs that are looked at.
const RUNS: u32 = 100;

/// Where the set is.
pub(super) enum Place {
    /// In the data directory, which is ours while this stands.
    Here(Box<Here>),
    /// With a server.
    There(There),
}

pub(super) struct Here {
    config: Config,
    db: Database,
    collection: CollectionId,
    _instance: Instance,
}

pub(super) struct There {
    pub(super) server: remote::Server,
    pub(super) collection: CollectionId,
}

#[derive(Deserialize)]
struct Questions {
    questions: Vec<Question>,
}

#[derive(Deserialize)]
struct Question {
    #[serde(flatten)]
    question: EvalQuestion,
}

#[derive(Deserialize)]
struct Runs {
    runs: Vec<EvalRun>,
}

#[derive(Deserialize)]
struct Measured {
    report: RetrievalReport,
}

impl Place {
    /// The set of the collection that the command line names.
    pub(super) async fn of(config: &Config, globals: &Globals) -> Result<Self> {
        let name = globals.named_collection();
        match Instance::take(&config.data_dir) {
            Ok(instance) => {
                let db = open_database(config).await?;
                let collection = CollectionId::derive(WORKSPACE, name);
                let found = db.collection(WORKSPACE, collection).await;
                if matches!(found, Err(DbError::NotFound(_))) {
                    bail!("there is no collection called {name}");
                }
                found?;
                let here = Here { config: config.clone(), db, collection, _instance: instance };
                Ok(Self::Here(Box::new(here)))
            }
            Err(InstanceError::Served(url)) => {
                let server = remote::Server::new(&url)?;
                let collection = server.collection(name).await?;
                Ok(Self::There(There { server, collection }))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The questions, in order.
    pub(super) async fn questions(&self) -> Result<Vec<EvalQuestion>> {
        match self {
            Self::Here(here) => {
                let set = here.db.eval_questions(WORKSPACE, here.collection).await?;
                Ok(set.into_iter().map(|stored| stored.question).collect())
            }
            Self::There(there) => {
                let listed: Questions = there.get("/evaluation/questions").await?;
                Ok(listed.questions.into_iter().map(|listed| listed.question).collect())
            }
        }
    }

    /// Adds questions, or corrects those that are there.
    pub(super) async fn add(&self, questions: Vec<EvalQuestion>) -> Result<()> {
        match self {
            Self::Here(here) => {
                let new: Vec<NewEvalQuestion> =
                    questions.into_iter().map(|question| NewEvalQuestion { question, turn: None }).collect();
                here.db.add_eval_questions(WORKSPACE, here.collection, &new).await?;
            }
            Self::There(there) => {
                for question in questions {
                    let call = there.call(Method::POST, "/evaluation/questions").json(&question);
                    remote::send(call).await?;
                }
            }
        }
        Ok(())
    }

    /// What was measured before, newest first.
    pub(super) async fn runs(&self) -> Result<Vec<EvalRun>> {
        match self {
            Self::Here(here) => Ok(here.db.eval_runs(WORKSPACE, here.collection, RUNS).await?),
            Self::There(there) => Ok(there.get::<Runs>("/evaluation/runs").await?.runs),
        }
    }

    /// Measures, and keeps what came of it.
    pub(super) async fn run(&self) -> Result<EvalRun> {
        match self {
            Self::Here(here) => {
                let bar = progress::bar(self.questions().await?.len() as u64, "questions");
                let knowledge = here.open().await?;
                let at = (WORKSPACE, here.collection);
                let run = evaluation::run(&knowledge, &here.config, at, |_| bar.inc(1)).await?;
                bar.finish();
                Ok(run)
            }
            Self::There(there) => {
                Ok(remote::send(there.call(Method::POST, "/evaluation/runs")).await?.json().await?)
            }
        }
    }

    /// Measures at most `limit` questions of each kind, and keeps nothing.
    pub(super) async fn measure(&self, limit: Option<usize>) -> Result<RetrievalReport> {
        match self {
            Self::Here(here) => here.measure(&here.open().await?, limit).await,
            Self::There(there) => {
                let limit = limit.map_or_else(String::new, |limit| format!("&limit={limit}"));
                let call = there.call(Method::POST, &format!("/evaluation/runs?keep=false{limit}"));
                Ok(remote::send(call).await?.json::<Measured>().await?.report)
            }
        }
    }

    /// Sets the collection's threshold.
    pub(super) async fn set_threshold(&self, threshold: Option<f64>) -> Result<Collection> {
        match self {
            Self::Here(here) => {
                Ok(here.db.set_evidence_threshold(WORKSPACE, here.collection, threshold).await?)
            }
            Self::There(there) => {
                let change = serde_json::json!({ "evidence_threshold": threshold });
                parsed(remote::send(there.call(Method::PATCH, "").json(&change)).await?).await
            }
        }
    }
}

impl Here {
    /// Opens what searching needs.
    async fn open(&self) -> Result<KnowledgeBase> {
        KnowledgeBase::open(&self.config, &ModelFiles::find(&self.config, None)?).await
    }

    pub(super) fn collection(&self) -> CollectionId {
        self.collection
    }

    /// Measures with what is open already.
    pub(super) async fn measure(
        &self,
        knowledge: &KnowledgeBase,
        limit: Option<usize>,
    ) -> Result<RetrievalReport> {
        let at = (WORKSPACE, self.collection);
        Ok(evaluation::measure(knowledge, &self.config, at, limit, |_| {}).await?.report)
    }
}

impl There {
    fn call(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.server.call(method, &format!("/collections/{}{path}", self.collection))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        parsed(remote::send(self.call(Method::GET, path)).await?).await
    }
}

async fn parsed<T: DeserializeOwned>(response: Response) -> Result<T> {
    response.json().await.context("the server answered something else")
}
