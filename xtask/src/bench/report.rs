//! The table in BENCHMARKS.md.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};

use super::Pair;

const FILE: &str = "BENCHMARKS.md";
const END: &str = "<!-- end -->\n";

/// Whose table it is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Of the bench.
    pub(super) name: &'static str,
    /// What the first column names.
    pub(super) subject: &'static str,
    /// What daedap is compared with.
    pub(super) peer: &'static str,
}

/// All rounds of all measurements, in the order in which they first came.
pub(super) struct Report {
    place: Place,
    lines: Vec<Line>,
}

struct Line {
    subject: String,
    rounds: Vec<Pair>,
}

impl Report {
    pub(super) fn new(place: Place) -> Self {
        Self { place, lines: Vec::new() }
    }

    pub(super) fn add(&mut self, subject: &str, pair: Pair) {
        let known = |line: &&mut Line| line.subject == subject && line.rounds[0].what == pair.what;
        match self.lines.iter_mut().find(known) {
            Some(line) => line.rounds.push(pair),
            None => self.lines.push(Line { subject: subject.to_owned(), rounds: vec![pair] }),
        }
    }

    /// Puts the table in its place, with the command that gave it.
    pub(super) fn write(&self, command: &str, rounds: usize) -> Result<()> {
        let text = fs::read_to_string(FILE).with_context(|| format!("cannot read {FILE}"))?;
        let text = self.placed(&text, &self.table(command, rounds)?)?;
        fs::write(FILE, text).context("cannot write the report")
    }

    /// `text` with the table where the last one was.
    fn placed(&self, text: &str, table: &str) -> Result<String> {
        let begin = format!("<!-- written by cargo xtask bench {} -->\n", self.place.name);
        let (before, rest) = text.split_once(&begin).with_context(|| format!("{FILE} has no `{begin}`"))?;
        let (_, after) = rest.split_once(END).with_context(|| format!("{FILE} has no `{END}`"))?;
        Ok(format!("{before}{begin}{table}{END}{after}"))
    }

    fn table(&self, command: &str, rounds: usize) -> Result<String> {
        let Place { subject, peer, .. } = self.place;
        let mut table = format!("\n`{command}`, medians of {rounds} rounds:\n\n");
        writeln!(table, "| {subject} | | daedap | {peer} | ratio |\n|---|---|---|---|---|")?;
        for Line { subject, rounds } in &self.lines {
            let Pair { what, unit, .. } = rounds[0];
            let daedap = median(rounds.iter().map(|pair| pair.daedap));
            let peer = median(rounds.iter().map(|pair| pair.peer));
            let ratio = median(rounds.iter().map(|pair| pair.daedap / pair.peer));
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

    const PLACE: Place = Place { name: "engine", subject: "model", peer: "llama.cpp" };

    #[test]
    fn the_ratio_is_the_median_of_the_rounds_ratios() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
        let mut report = Report::new(PLACE);
        for (daedap, peer) in [(20.0, 10.0), (30.0, 20.0), (40.0, 10.0)] {
            report.add("m", Pair { what: "reads", unit: "tokens/s", daedap, peer });
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
        let placed = Report::new(PLACE).placed(&text("2\n"), "3\n").expect("there is a place");
        assert_eq!(placed, text("3\n"));
        assert!(Report::new(PLACE).placed("nothing", "3\n").is_err());
    }
}
