//! What a request narrows a search to: the one place that reads and checks it, for the API and the command line.

use std::str::FromStr;

use domain::{Filter, Language};
use jiff::Timestamp;
use serde::Deserialize;

use crate::error::ApiError;

const MOST_DOCUMENTS: usize = 100;
const MOST_LANGUAGES: usize = 32;

/// A filter as it comes; whatever is left out narrows nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilterRequest {
    documents: Vec<String>,
    tags: Vec<String>,
    languages: Vec<String>,
    from: Option<String>,
    until: Option<String>,
}

impl FilterRequest {
    /// What it says, once it is found to be in order.
    pub fn read(self) -> Result<Filter, ApiError> {
        checked(Filter {
            documents: each(self.documents, "filter.documents", |text| text.parse().map_err(|_| "is no id"))?,
            tags: self.tags,
            languages: each(self.languages, "filter.languages", language)?,
            from: self.from.map(|text| time("filter.from", &text)).transpose()?,
            until: self.until.map(|text| time("filter.until", &text)).transpose()?,
        })
    }
}

/// The filter within its bounds, and its tags in the form in which they are stored.
pub fn checked(filter: Filter) -> Result<Filter, ApiError> {
    at_most(MOST_DOCUMENTS, filter.documents.len(), "filter.documents")?;
    at_most(MOST_LANGUAGES, filter.languages.len(), "filter.languages")?;
    if let (Some(from), Some(until)) = (filter.from, filter.until)
        && from >= until
    {
        return Err(ApiError::invalid("filter.until", "must be later than `from`"));
    }
    Ok(Filter { tags: tags("filter.tags", &filter.tags)?, ..filter })
}

/// The tags of the request's `field` in the form in which they are stored.
pub fn tags(field: &'static str, tags: &[String]) -> Result<Vec<String>, ApiError> {
    ingest::checked_tags(tags).map_err(|error| ApiError::invalid(field, error.to_string()))
}

/// The time in the request's `field`.
pub fn time(field: &'static str, text: &str) -> Result<Timestamp, ApiError> {
    Timestamp::from_str(text)
        .map_err(|_| ApiError::invalid(field, "must be a time with its offset: 2026-03-01T09:00:00+09:00"))
}

/// The language of a two-letter code.
pub fn language(code: &str) -> Result<Language, &'static str> {
    Language::from_code(code).ok_or("is no two-letter language code")
}

fn each<T>(
    texts: Vec<String>,
    field: &'static str,
    read: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<Vec<T>, ApiError> {
    let read = |text: String| read(&text).map_err(|why| ApiError::invalid(field, format!("{text:?} {why}")));
    texts.into_iter().map(read).collect()
}

fn at_most(most: usize, count: usize, field: &'static str) -> Result<(), ApiError> {
    if count <= most { Ok(()) } else { Err(ApiError::invalid(field, format!("may hold at most {most}"))) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(filter: Value) -> Result<Filter, ApiError> {
        serde_json::from_value::<FilterRequest>(filter).unwrap().read()
    }

    #[test]
    fn what_is_left_out_narrows_nothing() {
        assert_eq!(read(json!({})).unwrap(), Filter::default());
    }

    #[test]
    fn a_filter_is_read_into_the_form_of_what_is_stored() {
        let filter = read(json!({
            "tags": [" \u{1112}\u{1161}\u{11ab} ", "hr"], "languages": ["ko"], "from": "2026-03-01T00:00:00+09:00",
        }))
        .unwrap();
        assert_eq!(filter.tags, ["hr", "한"]);
        assert_eq!(filter.languages, [Language::KOREAN]);
        assert_eq!(filter.from.unwrap().to_string(), "2026-02-28T15:00:00Z");
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        let many = |count: usize, text: &str| vec![text.to_owned(); count];
        let id = "00000000-0000-7000-8000-000000000000";
        let time = "2026-03-01T00:00:00Z";
        for (filter, field) in [
            (json!({ "documents": ["leave.md"] }), "filter.documents"),
            (json!({ "documents": many(101, id) }), "filter.documents"),
            (json!({ "tags": ["가".repeat(65)] }), "filter.tags"),
            (json!({ "tags": [""] }), "filter.tags"),
            (json!({ "languages": ["korean"] }), "filter.languages"),
            (json!({ "languages": many(33, "ko") }), "filter.languages"),
            (json!({ "from": "2026-03-01" }), "filter.from"),
            (json!({ "until": "yesterday" }), "filter.until"),
            (json!({ "from": time, "until": time }), "filter.until"),
        ] {
            let refused = read(filter.clone()).expect_err(field);
            assert_eq!((refused.code, refused.field), ("invalid_value", Some(field)), "{filter}");
        }
    }
}
