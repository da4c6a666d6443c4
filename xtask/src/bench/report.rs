//! Writes a bench's table into BENCHMARKS.md.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};

use super::comparison::Comparison;

const FILE: &str = "BENCHMARKS.md";
const END: &str = "<!-- end -->\n";

/// The part of BENCHMARKS.md that one bench writes.
#[derive(Clone, Copy)]
pub(super) struct Section {
    /// The bench's subcommand.
    pub(super) bench: &'static str,
    /// Heading of the first column.
    pub(super) subject: &'static str,
    /// Name of the program that daedap is compared with.
    pub(super) peer: &'static str,
}

/// All rounds of all comparisons, in the order in which they were first measured.
pub(super) struct Report {
    section: Section,
    rows: Vec<Row>,
}

struct Row {
    subject: String,
    rounds: Vec<Comparison>,
}

impl Report {
    pub(super) fn new(section: Section) -> Self {
        Self { section, rows: Vec::new() }
    }

    pub(super) fn add(&mut self, subject: &str, comparison: Comparison) {
        let is_same = |row: &&mut Row| row.subject == subject && row.rounds[0].what == comparison.what;
        match self.rows.iter_mut().find(is_same) {
            Some(row) => row.rounds.push(comparison),
            None => self.rows.push(Row { subject: subject.to_owned(), rounds: vec![comparison] }),
        }
    }

    /// Replaces the bench's table in the file; the command that measured it stands above it.
    pub(super) fn write(&self, command: &str, rounds: usize) -> Result<()> {
        let text = fs::read_to_string(FILE).with_context(|| format!("cannot read {FILE}"))?;
        let text = self.with_table(&text, &self.table(command, rounds)?)?;
        fs::write(FILE, text).with_context(|| format!("cannot write {FILE}"))
    }

    /// Replaces the bench's last table in `text`.
    fn with_table(&self, text: &str, table: &str) -> Result<String> {
        let begin = format!("<!-- written by cargo xtask bench {} -->\n", self.section.bench);
        let (before, rest) = text.split_once(&begin).with_context(|| format!("{FILE} has no `{begin}`"))?;
        let (_, after) = rest.split_once(END).with_context(|| format!("{FILE} has no `{END}`"))?;
        Ok(format!("{before}{begin}{table}{END}{after}"))
    }

    fn table(&self, command: &str, rounds: usize) -> Result<String> {
        let Section { subject, peer, .. } = self.section;
        let mut table = format!("\n`{command}`, medians of {rounds} rounds:\n\n");
        writeln!(table, "| {subject} | | daedap | {peer} | ratio |\n|---|---|---|---|---|")?;
        for Row { subject, rounds } in &self.rows {
            let Comparison { what, unit, .. } = rounds[0];
            let daedap = median(rounds.iter().map(|round| round.daedap));
            let peer = median(rounds.iter().map(|round| round.peer));
            let ratio = median(rounds.iter().map(|round| round.daedap / round.peer));
            let digits = if peer < 10.0 { 2 } else { 0 };
            writeln!(
                table,
                "| {subject} | {what} | {daedap:.digits$} {unit} | {peer:.digits$} {unit} | {ratio:.2} |"
            )?;
        }
        table.push('\n');
        Ok(table)
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() {
        0 => f64::NAN,
        length if length.is_multiple_of(2) => f64::midpoint(numbers[middle - 1], numbers[middle]),
        _ => numbers[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTION: Section = Section { bench: "engine", subject: "model", peer: "llama.cpp" };

    #[test]
    fn the_ratio_is_the_median_of_the_rounds_ratios() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
        let mut report = Report::new(SECTION);
        for (daedap, peer) in [(20.0, 10.0), (30.0, 20.0), (40.0, 10.0)] {
            report.add("m", Comparison { what: "reads", unit: "tokens/s", daedap, peer });
        }
        let table = report.table("c", 3).expect("written");
        assert!(table.contains("| m | reads | 30 tokens/s | 10 tokens/s | 2.00 |"), "{table}");
    }

    #[test]
    fn a_table_replaces_the_last_one_of_its_own_bench() {
        let text = |own: &str| {
            format!(
                "a\n<!-- written by cargo xtask bench other -->\n1\n{END}b\n\
                 <!-- written by cargo xtask bench engine -->\n{own}{END}c\n"
            )
        };
        let replaced = Report::new(SECTION).with_table(&text("2\n"), "3\n").expect("the section is there");
        assert_eq!(replaced, text("3\n"));
        assert!(Report::new(SECTION).with_table("nothing", "3\n").is_err());
    }
}
