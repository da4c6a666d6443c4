//! `daedap serve`: no downloads, no sample; what a service manager runs.

use anyhow::Result;
use clap::Args;

use super::{Outcome, models};
use crate::app::App;
use crate::config::Config;
use crate::instance::Instance;
use crate::model_files::ModelFiles;
use crate::server;

/// What `serve` and `start` take beyond the common flags.
#[derive(Debug, Args)]
pub(super) struct Listen {
    /// Address of the chat page and the API (port 0: any free one)
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<String>,
}

pub(super) async fn run(config: Config) -> Result<Outcome> {
    let instance = Instance::take(&config.data_dir)?;
    let generator = models::installed_generator(&config)?;
    let models = ModelFiles::find(&config, generator.as_deref())?;
    let app = App::open(config, &models).await?;
    server::run(app, &instance).await?;
    Ok(Outcome::Done)
}
