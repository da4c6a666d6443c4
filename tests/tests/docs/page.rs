//! Compares the generated parts of a page with what they should be, or writes them.
//!
//! A part is `<!-- generated: NAME -->`, a table, `<!-- end -->`. Its last column may be written by hand: the row whose
//! first cell stays the same keeps it.

use std::collections::{BTreeSet, HashMap};

use tests::environment::workspace_root;

const BEGIN: &str = "<!-- generated: ";
const BEGIN_END: &str = " -->\n";
const END: &str = "<!-- end -->";

/// A generated table.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) columns: Vec<&'static str>,
    /// The generated cells. A row that is one cell short of the columns has its last cell from the page.
    pub(crate) rows: Vec<Vec<String>>,
}

/// Fails unless the page has exactly these parts, each up to date and with nothing left to write by hand.
pub(crate) fn check(path: &str, parts: &[Part]) {
    let file = workspace_root().join(path);
    let page = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path}: {error}"));
    let names: BTreeSet<&str> = parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names_of_parts(&page), names, "{path}: the marks of generated parts");
    let mut expected = page.clone();
    let mut incomplete = Vec::new();
    for part in parts {
        expected = with_part(&expected, part, &mut incomplete);
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &expected).unwrap_or_else(|error| panic!("{path}: {error}"));
    } else {
        let is_current = page == expected;
        assert!(
            is_current,
            "{path} is out of date; `UPDATE_DOCS=1 cargo test -p tests --test docs` writes it"
        );
    }
    assert!(incomplete.is_empty(), "{path}: write the last cell of the rows {incomplete:?}");
}

/// Text in a cell.
pub(crate) fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Code in a cell.
pub(crate) fn code(text: &str) -> String {
    format!("`{}`", cell(text))
}

fn names_of_parts(page: &str) -> BTreeSet<&str> {
    page.split(BEGIN).skip(1).filter_map(|rest| Some(rest.split_once(BEGIN_END)?.0)).collect()
}

fn with_part(page: &str, part: &Part, incomplete: &mut Vec<String>) -> String {
    let begin = format!("{BEGIN}{}{BEGIN_END}", part.name);
    let (before, rest) = page.split_once(&begin).expect("the names of parts were compared");
    let (current, after) = rest.split_once(END).unwrap_or_else(|| panic!("`{}` has no {END}", part.name));
    let table = table(part, &last_cells(current), incomplete);
    format!("{before}{begin}\n{table}\n{END}{after}")
}

/// The last cell of each row, by the first.
fn last_cells(table: &str) -> HashMap<String, String> {
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.filter_map(|row| {
        let (first, _) = row.split_once(" | ")?;
        let (_, last) = row.rsplit_once(" | ")?;
        Some((first.to_owned(), last.trim().to_owned()))
    })
    .collect()
}

fn table(part: &Part, by_hand: &HashMap<String, String>, incomplete: &mut Vec<String>) -> String {
    let Part { columns, rows, .. } = part;
    let mut lines = vec![line(columns.iter().copied()), format!("|{}", "---|".repeat(columns.len()))];
    for row in rows {
        let mut cells: Vec<&str> = row.iter().map(String::as_str).collect();
        if cells.len() < columns.len() {
            let last = by_hand.get(&row[0]).map_or("", String::as_str);
            if last.is_empty() {
                incomplete.push(row[0].clone());
            }
            cells.push(last);
        }
        assert_eq!(cells.len(), columns.len(), "{row:?}");
        lines.push(line(cells.into_iter()));
    }
    lines.join("\n") + "\n"
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    fn part(rows: &[&[&str]]) -> Part {
        let rows = rows.iter().map(|row| row.iter().map(|text| (*text).to_owned()).collect()).collect();
        Part { name: "p".to_owned(), columns: vec!["a", "b", "c"], rows }
    }

    const PAGE: &str =
        "x\n<!-- generated: p -->\n\n| a | b | c |\n|---|---|---|\n| 1 | 2 | by hand |\n\n<!-- end -->\ny\n";

    #[test]
    fn a_row_keeps_what_is_written_by_hand() {
        let mut incomplete = Vec::new();
        assert_eq!(with_part(PAGE, &part(&[&["1", "2"]]), &mut incomplete), PAGE);
        let changed = with_part(PAGE, &part(&[&["0", "new"], &["1", "changed"]]), &mut incomplete);
        assert!(changed.contains("| 0 | new |  |\n| 1 | changed | by hand |\n"), "{changed}");
        assert_eq!(incomplete, ["0"]);
    }

    #[test]
    fn a_generated_cell_replaces_the_one_of_the_page() {
        let changed = with_part(PAGE, &part(&[&["1", "2", "generated"]]), &mut Vec::new());
        assert!(changed.contains("| 1 | 2 | generated |") && !changed.contains("by hand"), "{changed}");
    }

    #[test]
    fn parts_are_known_by_their_marks() {
        assert_eq!(names_of_parts(PAGE), BTreeSet::from(["p"]));
        assert!(names_of_parts("no part").is_empty());
        assert_eq!(cell("a | b"), "a \\| b");
    }
}
