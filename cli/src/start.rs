//! `daedap start`: from nothing to a chat page that answers, in one command.

use anyhow::Result;
use service::config::Config;
use service::indexes::embedder_in_use;
use service::instance_lock::InstanceLock;
use service::{App, make_data_dir_private, open_database};

use crate::messages::message;
use crate::output::Outcome;
use crate::serve::say_login_link;
use crate::{models, progress, sample};

pub(crate) async fn run(mut settings: Config) -> Result<Outcome> {
    let lock = InstanceLock::acquire(&settings.data_dir)?;
    make_data_dir_private(&settings.data_dir)?;
    let db = open_database(&settings).await?;
    let embedder = embedder_in_use(&settings, &db).await?;
    db.close().await;
    models::download_needed(&mut settings, &embedder).await?;
    progress::say(&message!("cli-start-loading-models"));
    let app = App::open(settings).await?;
    app.open_all().await?;
    if sample::is_wanted(&app).await? {
        sample::load(&app).await?;
    }
    web::server::run(app, &lock, say_login_link).await?;
    Ok(Outcome::Done)
}
