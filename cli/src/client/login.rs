//! Signing a browser in.

use anyhow::Result;
use reqwest::Method;
use web::api::login::LoginCode;

use super::connection::Client;

impl Client {
    /// A new one-time code that signs a browser in.
    pub(crate) async fn login_code(&self) -> Result<LoginCode> {
        self.receive(self.request(Method::POST, "/login/codes")).await
    }
}
