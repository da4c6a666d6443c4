//! `/api/v1/messages`: the texts of the chat page.

use axum::Json;

use crate::api::messages::{Locale, Messages, MessagesQuery};
use crate::api_error::ApiError;
use crate::extract::{Language, Query};

/// The texts of the chat page in one language
#[utoipa::path(
    get, path = "/messages", tag = "server", operation_id = "list_messages", security(()), params(MessagesQuery),
    responses((status = 200, description = "The texts.", body = Messages)),
)]
pub(crate) async fn show(
    Language(accepted): Language,
    Query(query): Query<MessagesQuery>,
) -> Result<Json<Messages>, ApiError> {
    let locale = query.locale.unwrap_or_else(|| Locale::from(accepted));
    Ok(Json(Messages { locale, messages: locales::page_messages(locale.into()) }))
}
