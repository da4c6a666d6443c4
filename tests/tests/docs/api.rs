//! The tables of the page on the API: requests from the document that the server sends, error codes from the catalogue.

use std::collections::BTreeSet;

use locales::Locale;
use serde_json::Value;
use tests::environment::workspace_root;

use crate::Language;
use crate::page::{Part, cell, code};

/// One table for each tag, in the order of the document; then the error codes.
pub(crate) fn parts(language: Language) -> Vec<Part> {
    let document: Value = serde_json::from_str(&web::openapi().to_json().expect("JSON")).expect("JSON");
    let tags = document["tags"].as_array().expect("the document has tags");
    let tags = tags.iter().filter_map(|tag| tag["name"].as_str());
    let mut parts: Vec<Part> = tags.map(|tag| requests(&document, tag, language)).collect();
    parts.push(errors(language));
    parts
}

/// The requests with this tag. Their summaries are English; on the Korean page the last column is written by hand.
fn requests(document: &Value, tag: &str, language: Language) -> Part {
    let mut rows = Vec::new();
    for (path, item) in document["paths"].as_object().expect("the document has paths") {
        for (method, operation) in item.as_object().expect("a path has operations") {
            let has_tag = |tags: &Vec<Value>| tags.iter().any(|own| own == tag);
            if !operation["tags"].as_array().is_some_and(has_tag) {
                continue;
            }
            let request = code(&format!("{} {path}", method.to_uppercase()));
            let mut row = vec![request, body(operation), response(operation)];
            if language == Language::English {
                row.push(cell(operation["summary"].as_str().unwrap_or_default()));
            }
            rows.push(row);
        }
    }
    let columns =
        language.of(["Request", "Body", "Response", "Description"], ["요청", "본문", "응답", "설명"]);
    Part { name: tag.to_owned(), columns: columns.into(), rows }
}

fn body(operation: &Value) -> String {
    contents(&operation["requestBody"]["content"]).join(", ")
}

/// What a request that succeeds is answered with.
fn response(operation: &Value) -> String {
    let responses = operation["responses"].as_object().expect("an operation has responses");
    let successes = responses.iter().filter(|(status, _)| status.starts_with('2'));
    let texts = successes.map(|(status, response)| {
        let contents = contents(&response["content"]).join(", ");
        format!("{status} {contents}").trim_end().to_owned()
    });
    texts.collect::<Vec<_>>().join("; ")
}

/// The schemas of a body, or its media types where it has none. A stream of events is marked with `SSE`.
fn contents(content: &Value) -> Vec<String> {
    let contents = content.as_object().into_iter().flatten().map(|(media_type, content)| {
        let schema = content["schema"]["$ref"].as_str().and_then(|path| path.rsplit('/').next());
        match (schema, media_type.as_str()) {
            (Some(schema), "text/event-stream") => format!("SSE {}", code(schema)),
            (Some(schema), _) => code(schema),
            (None, media_type) => code(media_type),
        }
    });
    contents.collect()
}

/// The error codes that have a message of their own.
fn errors(language: Language) -> Part {
    let locale = language.of(Locale::En, Locale::Ko);
    let rows = error_codes()
        .into_iter()
        .map(|key| {
            let error_code = key.trim_start_matches("error-").replace('-', "_");
            vec![code(&error_code), cell(&locales::text(locale, &key))]
        })
        .collect();
    let columns = language.of(["Code", "Message"], ["코드", "메시지"]);
    Part { name: "error codes".to_owned(), columns: columns.into(), rows }
}

/// The keys of the catalogue that are error codes. A key that goes on where another one ends is that error in more detail.
fn error_codes() -> Vec<String> {
    let file = workspace_root().join("locales/en.ftl");
    let catalogue = std::fs::read_to_string(file).expect("the catalogue can be read");
    let keys = catalogue.lines().filter_map(|line| Some(line.split_once(" =")?.0));
    let keys: BTreeSet<&str> = keys.filter(|key| key.starts_with("error-")).collect();
    let is_detailed = |key: &str| keys.iter().any(|other| key.starts_with(&format!("{other}-")));
    keys.iter().filter(|key| !is_detailed(key)).map(|key| (*key).to_owned()).collect()
}
