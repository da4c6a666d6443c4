//! The table in BENCHMARKS.md.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};

use super::Pair;

const FILE: &str = "BENCHMARKS.md";
const BEGIN: &str = "<!-- written by cargo xtask bench -->\n";
const END: &str = "<!-- end -->\n";

/// All rounds of all measurements, in the order in which they first came.
#[derive(Default)]
pub(super) struct Report(Vec<Line>);

struct Line {
    model: &'static str,
    rounds: Vec<Pair>,
}

impl Report {
    pub(super) fn add(&mut self, model: &'static str, pair: Pair) {
        let known = |line: &&mut Line| line.model == model && line.rounds[0].what == pair.what;
        match self.0.iter_mut().find(known) {
            Some(line) => line.rounds.push(pair),
            None => self.0.push(Line { model, rounds: vec![pair] }),
        }
    }

    /// Puts the table in its place, with the command that gave it.
    pub(super) fn write(&self, command: &str, rounds: usize) -> Result<()> {
        let text = fs::read_to_string(FILE).with_context(|| format!("cannot read {FILE}"))?;
        let (before, rest) = text.split_once(BEGIN).with_context(|| format!("{FILE} has no `{BEGIN}`"))?;
        let (_, after) = rest.split_once(END).with_context(|| format!("{FILE} has no `{END}`"))?;
        let table = self.table(command, rounds)?;
        fs::write(FILE, format!("{before}{BEGIN}{table}{END}{after}")).context("cannot write the report")
    }

    fn table(&self, command: &str, rounds: usize) -> Result<String> {
        let mut table = format!("\n`{command}`, medians of {rounds} rounds:\n\n");
        table.push_str("| model | | daedap | llama.cpp | ratio |\n|---|---|---|---|---|\n");
        for Line { model, rounds } in &self.0 {
            let Pair { what, unit, .. } = rounds[0];
            let daedap = median(rounds.iter().map(|pair| pair.daedap));
            let llama_cpp = median(rounds.iter().map(|pair| pair.llama_cpp));
            let ratio = median(rounds.iter().map(|pair| pair.daedap / pair.llama_cpp));
            let digits = if llama_cpp < 10.0 { 2 } else { 0 };
            writeln!(
                table,
                "| {model} | {what} | {daedap:.digits$} {unit} | {llama_cpp:.digits$} {unit} | {ratio:.2} |"
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

    #[test]
    fn the_ratio_is_the_median_of_the_rounds_ratios() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
        let mut report = Report::default();
        for (daedap, llama_cpp) in [(20.0, 10.0), (30.0, 20.0), (40.0, 10.0)] {
            report.add("m", Pair { what: "reads", unit: "tokens/s", daedap, llama_cpp });
        }
        let table = report.table("c", 3).expect("written");
        assert!(table.contains("| m | reads | 30 tokens/s | 10 tokens/s | 2.00 |"), "{table}");
    }
}
