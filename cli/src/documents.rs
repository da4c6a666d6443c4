//! `daedap documents`: what a collection holds, what a document said before, and its original read once more; here or
//! through the server that runs.

use std::io::Write;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use comfy_table::Table;
use db::Job;
use domain::{CollectionId, Document, DocumentId};
use ingest::IngestItem;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Globals, Outcome, print_json, remote};
use crate::app::{KnowledgeBase, WORKSPACE, open_database};
use crate::config::Config;
use crate::instance::{Instance, InstanceError};
use crate::model_files::ModelFiles;

/// Documents and versions shown at most.
const MOST_SHOWN: u32 = 200;

/// `daedap documents`'s own arguments.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the documents of a collection
    List,
    /// Show the versions of a document
    History(One),
    /// Make a document say again what it said in an earlier version
    Restore(Earlier),
    /// Read the original of a document once more, as after an update that reads its format better
    Read(One),
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// The document's id
    document: DocumentId,
}

#[derive(Debug, Args)]
pub(super) struct Earlier {
    /// The document's id
    document: DocumentId,
    /// The version's number
    version: u32,
}

pub(super) async fn run(config: Config, globals: &Globals, command: Command) -> Result<Outcome> {
    let collection = globals.named_collection();
    let report = match Instance::take(&config.data_dir) {
        Ok(_instance) => here(&config, collection, &command).await?,
        Err(InstanceError::Served(url)) => there(&remote::Server::new(&url)?, collection, &command).await?,
        Err(error) => return Err(error.into()),
    };
    if globals.json {
        print_json(&report)?;
    } else {
        print_table(&report)?;
    }
    Ok(Outcome::Done)
}

async fn here(config: &Config, collection: &str, command: &Command) -> Result<Value> {
    let knowledge = async || KnowledgeBase::open(config, &ModelFiles::find(config, None)?).await;
    Ok(match *command {
        Command::List => {
            let db = open_database(config).await?;
            let collection = CollectionId::derive(WORKSPACE, collection);
            json!({ "documents": db.documents(WORKSPACE, collection, None, MOST_SHOWN).await? })
        }
        Command::History(One { document }) => {
            let db = open_database(config).await?;
            db.document(WORKSPACE, document).await?;
            json!({ "versions": db.history(WORKSPACE, document, None, MOST_SHOWN).await? })
        }
        Command::Restore(Earlier { document, version }) => {
            let knowledge = knowledge().await?;
            knowledge.pipeline.roll_back(WORKSPACE, document, version).await?;
            json!({ "documents": [knowledge.db.document(WORKSPACE, document).await?] })
        }
        Command::Read(One { document }) => {
            let knowledge = knowledge().await?;
            read_again(&knowledge, document).await?;
            json!({ "documents": [knowledge.db.document(WORKSPACE, document).await?] })
        }
    })
}

async fn read_again(knowledge: &KnowledgeBase, document: DocumentId) -> Result<()> {
    let Document { collection, source, content_hash, dated_at, .. } =
        knowledge.db.document(WORKSPACE, document).await?;
    let item = IngestItem {
        workspace: WORKSPACE,
        collection,
        source,
        bytes: knowledge.originals.read(&content_hash).await?,
        tags: None,
        dated_at: Some(dated_at),
        force: true,
    };
    knowledge.pipeline.ingest(item).await?;
    Ok(())
}

async fn there(server: &remote::Server, collection: &str, command: &Command) -> Result<Value> {
    let told = async |method: Method, path: String| -> Result<Value> {
        Ok(remote::send(server.call(method, &path)).await?.json().await?)
    };
    match *command {
        Command::List => {
            let collection = server.collection(collection).await?;
            told(Method::GET, format!("/collections/{collection}/documents?limit={MOST_SHOWN}")).await
        }
        Command::History(One { document }) => {
            told(Method::GET, format!("/documents/{document}/versions?limit={MOST_SHOWN}")).await
        }
        Command::Restore(Earlier { document, version }) => {
            let restored =
                told(Method::POST, format!("/documents/{document}/versions/{version}/restore")).await?;
            Ok(json!({ "documents": [restored] }))
        }
        Command::Read(One { document }) => {
            let job: Job = serde_json::from_value(
                told(Method::POST, format!("/documents/{document}/read")).await?["job"].take(),
            )?;
            let job = server.follow(job.id, |_| {}).await?;
            if let Some(error) = job.error {
                bail!("{} ({})", error.message, error.code);
            }
            let read = told(Method::GET, format!("/documents/{document}")).await?;
            Ok(json!({ "documents": [read] }))
        }
    }
}

/// The list in the report, as a table.
fn print_table(report: &Value) -> Result<()> {
    let (list, columns) = match report.get("versions") {
        Some(versions) => (versions, ["number", "title", "state", "dated_at", "created_at"]),
        None => (&report["documents"], ["id", "title", "source", "version_number", "chunk_count"]),
    };
    let mut table = Table::new();
    table.set_header(columns);
    for entry in list.as_array().into_iter().flatten() {
        table.add_row(columns.map(|column| match &entry[column] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }));
    }
    writeln!(std::io::stdout(), "{table}")?;
    Ok(())
}
