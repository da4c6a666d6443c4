//! `daedap serve`: serves what is installed, without downloads and samples; for service managers.

use anyhow::Result;
use service::App;
use service::config::Config;
use service::instance_lock::InstanceLock;

use crate::output::Outcome;

pub(crate) async fn run(settings: Config) -> Result<Outcome> {
    let lock = InstanceLock::acquire(&settings.data_dir)?;
    let app = App::open(settings).await?;
    web::server::run(app, &lock).await?;
    Ok(Outcome::Done)
}
