//! Parses and checks the conditions on a search, for the API and the command line alike.

use std::str::FromStr;

use domain::{Filter, Language, MAX_TAG_CHARACTERS, MAX_TAGS, TagsError, normalize_tags};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::errors::InvalidValue;
use crate::localized_text::LocalizedText;

const MAX_DOCUMENTS: usize = 100;
const MAX_LANGUAGES: usize = 32;

/// Conditions on passages. A passage must meet all of them; what is left out sets no condition.
// The values are texts, so that the error of a bad one names its field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FilterRequest {
    /// Ids of documents, at most 100: a passage belongs to one of them.
    #[schema(value_type = Vec<Uuid>, max_items = 100)]
    pub documents: Vec<String>,
    /// Tags, at most 32: the passage's document has one of them.
    #[schema(value_type = Vec<Tag>, max_items = 32)]
    pub tags: Vec<String>,
    /// Languages, at most 32: the passage is in one of them.
    #[schema(value_type = Vec<LanguageCode>, max_items = 32)]
    pub languages: Vec<String>,
    /// The document's date is this or later.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<String>,
    /// The document's date is before this.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<String>,
}

/// A tag: 1 to 64 characters, none of them control characters. White space around it does not count.
#[derive(Debug, ToSchema)]
#[schema(
    min_length = 1,
    max_length = 64,
    pattern = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
)]
pub struct Tag(pub String);

/// A language as a two-letter code (ISO 639-1): `ko`, `en`. `un` stands for texts in which none was recognised.
#[derive(Debug, ToSchema)]
#[schema(pattern = "^[a-z]{2}$")]
pub struct LanguageCode(pub String);

impl FilterRequest {
    /// The conditions as a search takes them.
    ///
    /// # Errors
    /// The first field that holds something else than it may.
    pub fn parse(self) -> Result<Filter, InvalidValue> {
        let Self { documents, tags, languages, from, until } = self;
        let document = |text: &str| text.parse().ok();
        checked(Filter {
            documents: each(documents, "filter.documents", "error-invalid-value-id", document)?,
            tags,
            languages: each(
                languages,
                "filter.languages",
                "error-invalid-value-language",
                Language::from_code,
            )?,
            from: from.map(|text| time("filter.from", &text)).transpose()?,
            until: until.map(|text| time("filter.until", &text)).transpose()?,
        })
    }
}

impl From<&Filter> for FilterRequest {
    fn from(filter: &Filter) -> Self {
        let Filter { documents, tags, languages, from, until } = filter;
        Self {
            documents: documents.iter().map(ToString::to_string).collect(),
            tags: tags.clone(),
            languages: languages.iter().map(ToString::to_string).collect(),
            from: from.map(|time| time.to_string()),
            until: until.map(|time| time.to_string()),
        }
    }
}

/// The filter, if it is within its limits, with tags in the form in which they are stored.
pub fn checked(filter: Filter) -> Result<Filter, InvalidValue> {
    at_most(MAX_DOCUMENTS, filter.documents.len(), "filter.documents")?;
    at_most(MAX_LANGUAGES, filter.languages.len(), "filter.languages")?;
    if let (Some(from), Some(until)) = (filter.from, filter.until)
        && from >= until
    {
        return Err(InvalidValue::new("filter.until", LocalizedText::key("error-invalid-value-until")));
    }
    Ok(Filter { tags: tags("filter.tags", &filter.tags)?, ..filter })
}

/// The tags of the request's `field` in the form in which they are stored.
pub fn tags(field: &'static str, tags: &[String]) -> Result<Vec<String>, InvalidValue> {
    normalize_tags(tags).map_err(|error| {
        let text = match error {
            TagsError::BadTag => {
                LocalizedText::with("error-invalid-value-characters", [("max", MAX_TAG_CHARACTERS.into())])
            }
            TagsError::TooMany => {
                LocalizedText::with("error-invalid-value-max-entries", [("max", MAX_TAGS.into())])
            }
        };
        InvalidValue::new(field, text)
    })
}

/// The time in the request's `field`.
pub fn time(field: &'static str, text: &str) -> Result<Timestamp, InvalidValue> {
    Timestamp::from_str(text)
        .map_err(|_| InvalidValue::new(field, LocalizedText::key("error-invalid-value-time")))
}

/// The language of a two-letter code.
pub fn language(code: &str) -> Result<Language, &'static str> {
    Language::from_code(code).ok_or("is not a two-letter language code")
}

/// Parses each text of a list; `key` is the message for one that is not what it should be.
fn each<T>(
    texts: Vec<String>,
    field: &'static str,
    key: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, InvalidValue> {
    let mut parsed = Vec::with_capacity(texts.len());
    for text in texts {
        let Some(value) = parse(&text) else {
            return Err(InvalidValue::new(field, LocalizedText::with(key, [("value", text.into())])));
        };
        parsed.push(value);
    }
    Ok(parsed)
}

fn at_most(max: usize, count: usize, field: &'static str) -> Result<(), InvalidValue> {
    if count <= max {
        return Ok(());
    }
    let text = LocalizedText::with("error-invalid-value-max-entries", [("max", max.into())]);
    Err(InvalidValue::new(field, text))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parsed(filter: Value) -> Result<Filter, InvalidValue> {
        serde_json::from_value::<FilterRequest>(filter).unwrap().parse()
    }

    #[test]
    fn what_is_left_out_sets_no_condition() {
        assert_eq!(parsed(json!({})).unwrap(), Filter::default());
    }

    #[test]
    fn a_filter_is_parsed_into_the_form_of_what_is_stored() {
        let filter = parsed(json!({
            "tags": [" \u{1112}\u{1161}\u{11ab} ", "hr"], "languages": ["ko"], "from": "2026-03-01T00:00:00+09:00",
        }))
        .unwrap();
        assert_eq!(filter.tags, ["hr", "한"]);
        assert_eq!(filter.languages, [Language::KOREAN]);
        assert_eq!(filter.from.unwrap().to_string(), "2026-02-28T15:00:00Z");
    }

    #[test]
    fn a_filter_is_the_same_after_a_client_wrote_it() {
        let filter = parsed(json!({
            "documents": ["00000000-0000-7000-8000-000000000000"], "tags": ["hr"], "languages": ["ko"],
            "from": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z",
        }))
        .unwrap();
        assert_eq!(FilterRequest::from(&filter).parse(), Ok(filter));
    }

    #[test]
    fn the_field_with_an_invalid_value_is_named() {
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
            let refused = crate::api_error::ApiError::from(parsed(filter.clone()).expect_err(field));
            assert_eq!((refused.code, refused.field), ("invalid_value", Some(field)), "{filter}");
        }
    }
}
