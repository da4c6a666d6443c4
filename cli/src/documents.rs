//! `daedap documents`: lists documents and their versions, restores versions, parses originals again.

use anyhow::Result;
use clap::{Args, Subcommand};
use domain::DocumentId;
use serde::Serialize;
use service::Tasks;
use service::config::Config;
use web::api::documents::Document;
use web::api::versions::{VersionList, VersionState};

use crate::client::Client;
use crate::globals::Globals;
use crate::messages::message;
use crate::output::{Outcome, print_json, print_line, table};
use crate::value_parsers;

/// Maximum number of documents and versions shown.
const MAX_SHOWN: u32 = 200;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List,
    History(One),
    Restore(Earlier),
    Read(One),
}

#[derive(Debug, Args)]
pub(crate) struct One {
    #[arg(value_parser = value_parsers::id::<DocumentId>)]
    document: DocumentId,
}

#[derive(Debug, Args)]
pub(crate) struct Earlier {
    #[arg(value_parser = value_parsers::id::<DocumentId>)]
    document: DocumentId,
    version: u32,
}

/// The report of `documents --json`.
#[derive(Serialize)]
struct Report {
    documents: Vec<Document>,
}

pub(crate) async fn run(settings: &Config, globals: &Globals, command: Command) -> Result<Outcome> {
    let tasks = matches!(command, Command::Read(_)).then_some(Tasks::Jobs);
    let client = Client::connect(settings, tasks).await?;
    match command {
        Command::List => {
            let collection = client.collection(globals.named_collection()).await?;
            let documents = client.list_documents(collection, MAX_SHOWN).await?;
            print_documents(globals, documents)?;
        }
        Command::History(One { document }) => {
            print_versions(globals, &client.versions(document, MAX_SHOWN).await?)?;
        }
        Command::Restore(Earlier { document, version }) => {
            let restored = client.restore_version(document, version).await?;
            print_documents(globals, vec![restored])?;
        }
        Command::Read(One { document }) => {
            let parsed = client.parse_again(document).await?;
            print_documents(globals, vec![parsed])?;
        }
    }
    client.close().await?;
    Ok(Outcome::Done)
}

fn print_documents(globals: &Globals, documents: Vec<Document>) -> Result<()> {
    if globals.json {
        return print_json(&Report { documents });
    }
    let mut table = table(&["id", "title", "source", "version", "chunks"]);
    for document in documents {
        table.add_row([
            document.id.to_string(),
            document.title,
            document.source,
            document.version_number.to_string(),
            document.chunk_count.to_string(),
        ]);
    }
    print_line(table)
}

fn print_versions(globals: &Globals, listed: &VersionList) -> Result<()> {
    if globals.json {
        return print_json(listed);
    }
    let mut table = table(&["version", "title", "state", "date", "created"]);
    for version in &listed.versions {
        table.add_row([
            version.number.to_string(),
            version.title.clone(),
            state_text(version.state),
            version.dated_at.to_string(),
            version.created_at.to_string(),
        ]);
    }
    print_line(table)
}

fn state_text(state: VersionState) -> String {
    message!(match state {
        VersionState::Pending => "cli-version-state-pending",
        VersionState::Live => "cli-version-state-live",
        VersionState::Superseded => "cli-version-state-superseded",
    })
}
