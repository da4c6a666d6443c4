//! `daedap serve`: serves what is installed, without downloads and samples; for service managers.

use anyhow::Result;
use service::config::Config;
use service::instance_lock::InstanceLock;
use service::{App, make_data_dir_private};

use crate::messages::message;
use crate::output::Outcome;
use crate::progress;

pub(crate) async fn run(settings: Config) -> Result<Outcome> {
    let lock = InstanceLock::acquire(&settings.data_dir)?;
    make_data_dir_private(&settings.data_dir)?;
    let app = App::open(settings).await?;
    web::server::run(app, &lock, say_login_link).await?;
    Ok(Outcome::Done)
}

/// Tells a person how to open the chat page.
pub(crate) fn say_login_link(link: &str) {
    progress::say(&message!("cli-start-chat-page", url = link));
}
