//! Parses values of arguments whose errors would be English only otherwise.

use std::str::FromStr;

use domain::{Language, MAX_TAG_CHARACTERS, normalize_tags};
use web::api::filter;

use crate::messages::message;

/// An id.
pub(crate) fn id<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| message!("cli-invalid-id"))
}

/// A language by its code.
pub(crate) fn language(code: &str) -> Result<Language, String> {
    filter::language(code).map_err(|_| message!("cli-invalid-language"))
}

/// A tag in the form in which it is stored.
pub(crate) fn tag(text: &str) -> Result<String, String> {
    let tags = normalize_tags([text])
        .map_err(|_| message!("error-invalid-value-characters", max = MAX_TAG_CHARACTERS))?;
    Ok(tags.concat())
}
