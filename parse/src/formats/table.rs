//! Parses comma- and tab-separated values to one Markdown table.

use csv::{ReaderBuilder, StringRecord};

use crate::error::ParseError;
use crate::parsed::Parsed;

/// Possible delimiters. Semicolons come from spreadsheet programs in countries where the comma is the decimal separator.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Number of lines from which the delimiter is detected.
const SAMPLE_LINES: usize = 20;

/// Parses a table; its first row is its header.
///
/// # Errors
/// `Failed` if it is not a table.
pub(crate) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter(text))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut rows = Rows { markdown: String::with_capacity(text.len() + text.len() / 4), columns: 0 };
    // One record for all rows: a new one for each would be as large as the widest row.
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| ParseError::Failed(error.to_string()))? {
        rows.push(record.iter());
    }
    Ok(Parsed { title: None, markdown: rows.into_markdown(), page_starts: Vec::new() })
}

/// Rows of a table with more columns than this are not filled up: each would cost as much as the header.
const MAX_FILLED_COLUMNS: usize = 256;

/// Writes a Markdown table. Its first row is its header; blank rows are left out.
#[derive(Default)]
pub(crate) struct Rows {
    markdown: String,
    columns: usize,
}

impl Rows {
    /// Adds a row with as many cells as the header; the last cell takes the surplus values of a longer row.
    pub(crate) fn push<V: AsRef<str>>(&mut self, values: impl Iterator<Item = V>) {
        let values: Vec<V> = values.collect();
        if values.iter().all(|value| value.as_ref().trim().is_empty()) {
            return;
        }
        let is_header = self.columns == 0;
        if is_header {
            self.columns = values.len();
        }
        let columns = match self.columns {
            0..=MAX_FILLED_COLUMNS => self.columns,
            many => values.len().min(many),
        };
        for column in 0..columns {
            self.markdown.push_str("| ");
            let is_last = column + 1 == self.columns;
            let cell = values.iter().skip(column).take(if is_last { usize::MAX } else { 1 });
            for (at, value) in cell.enumerate() {
                if at > 0 {
                    self.markdown.push(' ');
                }
                push_cell(&mut self.markdown, value.as_ref());
            }
            self.markdown.push(' ');
        }
        self.markdown.push_str("|\n");
        if is_header {
            self.markdown.push_str(&"|---".repeat(self.columns));
            self.markdown.push_str("|\n");
        }
    }

    pub(crate) fn into_markdown(self) -> String {
        self.markdown
    }
}

/// The delimiter that is most frequent in every one of the first lines.
fn delimiter(text: &str) -> u8 {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(SAMPLE_LINES).collect();
    let in_every_line = |delimiter: &u8| {
        let counts = lines.iter().map(|line| line.bytes().filter(|byte| byte == delimiter).count());
        counts.min().unwrap_or_default()
    };
    // `max_by_key` returns the last maximum: reversed, the comma wins a tie.
    DELIMITERS.into_iter().rev().max_by_key(in_every_line).unwrap_or(b',')
}

fn push_cell(markdown: &mut String, value: &str) {
    for (at, word) in value.split_whitespace().enumerate() {
        if at > 0 {
            markdown.push(' ');
        }
        for character in word.chars() {
            if matches!(character, '|' | '\\') {
                markdown.push('\\');
            }
            markdown.push(character);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formats::markdown::outline::outline;
    use crate::formats::markdown::outline_builder::LeafKind;

    fn table(text: &str) -> String {
        parse(text).expect("a table").markdown
    }

    #[test]
    fn a_header_and_its_rows() {
        assert_eq!(
            table("품목,가격\n움틀 U2,\"189,000\"\n"),
            "| 품목 | 가격 |\n|---|---|\n| 움틀 U2 | 189,000 |\n"
        );
        assert_eq!(table("a;b\n1,5;2\n"), "| a | b |\n|---|---|\n| 1,5 | 2 |\n");
        assert_eq!(table("a\tb\n1\t2\n"), "| a | b |\n|---|---|\n| 1 | 2 |\n");
    }

    #[test]
    fn a_cell_is_one_line_and_no_row_is_wider_than_its_header() {
        assert_eq!(
            table("a,b\n\"x\ny | z\",2,3\n4\n"),
            "| a | b |\n|---|---|\n| x y \\| z | 2 3 |\n| 4 |  |\n"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_one_table_or_an_error(text in "[a가,;\"|\\\\\n\t ]{0,80}") {
            if let Ok(parsed) = parse(&text) {
                let leaves = outline(&parsed.markdown);
                prop_assert!(leaves.iter().all(|leaf| leaf.kind == LeafKind::Table), "{:?}", leaves);
                prop_assert!(leaves.len() <= 1);
            }
        }
    }
}
