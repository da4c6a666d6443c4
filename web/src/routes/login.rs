//! `/api/v1/login`: a one-time code signs a browser in, which keeps a cookie from then on.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use service::App;
use service::owner::LOGIN_CODE_LIFETIME;

use crate::api::errors::ErrorEnvelope;
use crate::api::login::{LoginCode, LoginRequest};
use crate::api_error::ApiError;
use crate::auth::set_session;
use crate::extract;

/// The link that signs a browser in at the server of that URL. The code stands in the fragment, which a browser sends to
/// nobody and no proxy logs.
pub(crate) fn login_link(url: &str, code: &str) -> String {
    format!("{url}/#/login/{code}")
}

/// Sign a browser in
///
/// Takes a one-time code, and sets the cookie that stands for the owner's token.
#[utoipa::path(
    post, path = "/login", tag = "server", operation_id = "log_in", security(()),
    request_body = LoginRequest,
    responses(
        (
            status = 204, description = "The browser is signed in.",
            headers(("set-cookie" = String, description = "The cookie.")),
        ),
        (status = 401, description = "The code has been used or has expired.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn log_in(
    State(app): State<App>,
    extract::Json(login): extract::Json<LoginRequest>,
) -> Result<Response, ApiError> {
    if !app.owner.redeem_login_code(&login.code) {
        return Err(ApiError::of_code(StatusCode::UNAUTHORIZED, "login_code_expired"));
    }
    let cookie = set_session(&app.owner).map(|cookie| (header::SET_COOKIE, cookie));
    Ok((StatusCode::NO_CONTENT, AppendHeaders(cookie)).into_response())
}

/// Create a one-time code
#[utoipa::path(
    post, path = "/login/codes", tag = "server", operation_id = "create_login_code",
    responses((status = 201, description = "The code.", body = LoginCode)),
)]
pub(crate) async fn create_code(State(app): State<App>) -> (StatusCode, Json<LoginCode>) {
    let code = app.owner.new_login_code();
    let link = login_link("", &code);
    let expires_in_seconds = LOGIN_CODE_LIFETIME.as_secs();
    (StatusCode::CREATED, Json(LoginCode { code, link, expires_in_seconds }))
}
