//! `daedap start`: from nothing to a chat page that answers, in one command.

use anyhow::Result;

use super::{Outcome, models, progress, sample};
use crate::app::indexes::embedder_in_use;
use crate::app::{App, open_database};
use crate::config::Config;
use crate::instance::Instance;
use crate::model_files::ModelFiles;
use crate::server;

pub(super) async fn run(config: Config) -> Result<Outcome> {
    let instance = Instance::take(&config.data_dir)?;
    let db = open_database(&config).await?;
    let embedder = embedder_in_use(&config, &db).await?;
    db.close().await;
    let generator = models::obtain(&config, &embedder).await?;
    let models = ModelFiles::find(&config, generator.as_deref())?;
    progress::say("loading the models");
    let app = App::open(config, &models).await?;
    if sample::is_wanted(&app.knowledge).await? {
        sample::load(&app.knowledge).await?;
    }
    progress::say(&format!("chat page: http://{}", app.config.listen));
    server::run(app, &instance).await?;
    Ok(Outcome::Done)
}
