//! `daedap login`: a link that signs a browser in at the running server.

use anyhow::{Result, bail};
use serde::Serialize;
use service::config::Config;

use crate::client::Client;
use crate::globals::Globals;
use crate::messages::message;
use crate::output::{Outcome, print_json, print_line};

/// The report of `login --json`.
#[derive(Serialize)]
struct Report {
    url: String,
    expires_in_seconds: u64,
}

pub(crate) async fn run(settings: &Config, globals: &Globals) -> Result<Outcome> {
    let Some(client) = Client::of_server(settings)? else { bail!(message!("cli-login-no-server")) };
    let code = client.login_code().await?;
    let url = format!("{}{}", client.server_url(), code.link);
    let report = Report { url, expires_in_seconds: code.expires_in_seconds };
    if globals.json {
        print_json(&report)?;
    } else {
        print_line(&report.url)?;
    }
    Ok(Outcome::Done)
}
