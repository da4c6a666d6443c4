//! Parses JSON and JSON Lines, mostly exported records: questions with answers, products, tickets.
//!
//! Records with short values become a table. Longer ones become sections, each with the value that names it as heading, so
//! that a search finds one record and not the whole file. Nested values become sections or lists within their record.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::formats::markdown::clean;
use crate::formats::table::Rows;
use crate::parsed::Parsed;

/// Deepest heading of Markdown.
const DEEPEST_LEVEL: usize = 6;

/// Maximum columns of a table, and maximum characters of a cell; records beyond that become sections.
const MAX_COLUMNS: usize = 12;
const MAX_CELL_CHARACTERS: usize = 120;

/// Maximum length of a value that names its record, in characters.
const MAX_NAME_CHARACTERS: usize = 200;

/// Fields that name a record, by priority.
const NAME_FIELDS: &[&str] =
    &["title", "name", "question", "subject", "heading", "label", "제목", "이름", "질문", "품목", "항목"];

/// Parses a text for which [`is_json`] is true.
pub(crate) fn parse(text: &str) -> Parsed {
    // `is_json` has seen that there is no invalid value.
    let mut values: Vec<Value> = values(text).map_while(Result::ok).collect();
    let mut written = Writer::default();
    match values.pop() {
        Some(only) if values.is_empty() => written.value(&only, 1),
        Some(last) => {
            values.push(last);
            written.values(&values, 1);
        }
        None => {}
    }
    clean::parse(&written.markdown)
}

/// Whether a text is an object or an array, or several in a row.
pub(crate) fn is_json(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with(['{', '[']) && values::<IgnoredAny>(text).all(|value| value.is_ok())
}

/// The values of JSON or JSON Lines. serde_json refuses more than 128 levels of nesting.
fn values<'a, V: Deserialize<'a> + 'a>(text: &'a str) -> impl Iterator<Item = serde_json::Result<V>> + 'a {
    serde_json::Deserializer::from_str(text).into_iter()
}

/// Writes values as Markdown.
#[derive(Default)]
struct Writer {
    markdown: String,
}

impl Writer {
    /// Writes a value; headings of its sections are of `level` or deeper.
    fn value(&mut self, value: &Value, level: usize) {
        match value {
            Value::Array(values) => self.values(values, level),
            Value::Object(record) => self.fields(record, None, level),
            scalar => self.paragraph(&text_of(scalar)),
        }
    }

    fn values(&mut self, values: &[Value], level: usize) {
        let records: Vec<&Map<String, Value>> = values.iter().filter_map(Value::as_object).collect();
        if records.len() < values.len() {
            for value in values {
                match value {
                    Value::Array(_) | Value::Object(_) => self.value(value, level),
                    scalar => self.item("", &text_of(scalar)),
                }
            }
            return self.end_paragraph();
        }
        match columns(&records) {
            Some(columns) => self.table(&columns, &records),
            None => {
                for (number, record) in (1..).zip(records) {
                    let name = name_field(record);
                    let heading = name.map_or_else(|| format!("{number}"), |name| text_of(&record[name]));
                    self.heading(level, &heading);
                    self.fields(record, name, level + 1);
                }
            }
        }
    }

    fn table(&mut self, columns: &[&str], records: &[&Map<String, Value>]) {
        let mut rows = Rows::default();
        rows.push(columns.iter());
        for record in records {
            rows.push(columns.iter().map(|column| record.get(*column).map(text_of).unwrap_or_default()));
        }
        self.paragraph(&rows.into_markdown());
    }

    /// Writes the values of a record, except the one in its heading: short ones as a list, then long ones, then nested ones.
    fn fields(&mut self, record: &Map<String, Value>, named_by: Option<&str>, level: usize) {
        let is_short = |text: &str| !text.contains('\n') && text.chars().count() <= MAX_CELL_CHARACTERS;
        let mut long = Vec::new();
        let mut nested = Vec::new();
        for (field, value) in record.iter().filter(|(field, _)| named_by != Some(field.as_str())) {
            match value {
                Value::Null => {}
                Value::Array(values) if values.iter().all(is_scalar) => {
                    let texts: Vec<String> = values.iter().map(text_of).collect();
                    self.item(field, &texts.join(", "));
                }
                Value::Array(_) | Value::Object(_) => nested.push((field, value)),
                scalar => match text_of(scalar) {
                    text if is_short(&text) => self.item(field, &text),
                    text => long.push((field, text)),
                },
            }
        }
        self.end_paragraph();
        for (field, text) in long {
            self.paragraph(&format!("{field}:"));
            self.paragraph(&text);
        }
        for (field, value) in nested {
            self.heading(level, field);
            self.value(value, level + 1);
        }
    }

    fn heading(&mut self, level: usize, text: &str) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let marks = "#".repeat(level.min(DEEPEST_LEVEL));
        self.paragraph(&format!("{marks} {text}"));
    }

    fn item(&mut self, field: &str, text: &str) {
        let label = if field.is_empty() { String::new() } else { format!("{field}: ") };
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.markdown.push_str(&format!("- {label}{text}\n"));
    }

    fn paragraph(&mut self, text: &str) {
        self.markdown.push_str(text.trim_end());
        self.markdown.push_str("\n\n");
    }

    fn end_paragraph(&mut self) {
        self.markdown.push('\n');
    }
}

/// The columns of the table that the records make; `None` if they have too many fields, or long or nested values.
fn columns<'a>(records: &[&'a Map<String, Value>]) -> Option<Vec<&'a str>> {
    let mut columns: Vec<&str> = Vec::new();
    for (field, value) in records.iter().flat_map(|record| record.iter()) {
        if !is_scalar(value) || text_of(value).chars().count() > MAX_CELL_CHARACTERS {
            return None;
        }
        if !columns.contains(&field.as_str()) {
            columns.push(field);
        }
        if columns.len() > MAX_COLUMNS {
            return None;
        }
    }
    Some(columns)
}

/// The field whose value names a record.
fn name_field(record: &Map<String, Value>) -> Option<&str> {
    let names = |value: &Value| {
        value.as_str().is_some_and(|text| {
            !text.trim().is_empty() && !text.contains('\n') && text.chars().count() <= MAX_NAME_CHARACTERS
        })
    };
    let fields = || record.iter().filter(|(_, value)| names(value)).map(|(field, _)| field.as_str());
    let known = |name: &&str| fields().find(|field| field.eq_ignore_ascii_case(name));
    NAME_FIELDS.iter().find_map(known).or_else(|| fields().next())
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> String {
        assert!(is_json(text), "{text}");
        parse(text).markdown
    }

    #[test]
    fn short_records_are_a_table_in_the_order_of_their_fields() {
        assert_eq!(
            read(r#"[{"품목":"움틀 U2","가격":189000},{"품목":"U3|a","재고":null,"새것":true}]"#).trim_end(),
            "| 품목 | 가격 | 재고 | 새것 |\n|---|---|---|---|\n| 움틀 U2 | 189000 |  |  |\n| U3\\|a |  |  | true |"
        );
    }

    #[test]
    fn long_records_are_sections_under_what_names_them() {
        let answer = "물통을 비우고 ".repeat(20);
        let lines = format!(
            "{{\"id\":\"q-1\",\"question\":\"물이 새면?\",\"answer\":\"{answer}\",\"tags\":[\"U2\",\"물\"]}}\n\
             {{\"id\":\"q-2\",\"question\":\"소리가 나면?\",\"answer\":\"펌프를 봅니다.\"}}\n"
        );
        let markdown = read(&lines);
        let expected = format!(
            "# 물이 새면?\n\n- id: q-1\n- tags: U2, 물\n\nanswer:\n\n{}\n\n# 소리가 나면?\n\n- id: q-2\n- answer: 펌프를 봅니다.",
            answer.trim()
        );
        assert_eq!(markdown.trim_end(), expected);
    }

    #[test]
    fn what_is_nested_is_a_section() {
        let markdown =
            read(r#"{"company":"잎새움","office":{"floor":3,"phones":[{"name":"대표","no":"02-1"}]}}"#);
        assert_eq!(
            markdown.trim_end(),
            "- company: 잎새움\n\n# office\n\n- floor: 3\n\n## phones\n\n| name | no |\n|---|---|\n| 대표 | 02-1 |"
        );
    }

    #[test]
    fn other_texts_are_no_json() {
        for text in ["[1] A footnote", "{not json}", "\"a\"", "12", "", "{} trailing"] {
            assert!(!is_json(text), "{text}");
        }
        assert!(!is_json(&"[".repeat(100_000)), "too deep to be read");
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a가 #|`<>*\\-\n]{0,30}".prop_map(Value::from),
        ];
        scalar.prop_recursive(8, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec(("[a가 #]{0,6}", inner), 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_valid_is_read_and_loses_no_number(value in any_value(), number in 100_000_u32..999_999) {
            let text = serde_json::json!({ "value": value, "number": number }).to_string();
            prop_assert!(is_json(&text));
            prop_assert!(parse(&text).markdown.contains(&number.to_string()));
        }
    }
}
