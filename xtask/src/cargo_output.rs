//! Shows the output of `cargo test` as it arrives and counts its results.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result};

/// Prefix of the line that a test prints when it cannot run; its harness then counts it as passed.
const SKIPPED: &str = "SKIPPED ";

/// Sums over all test programs of one run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    passed: u64,
    failed: u64,
    ignored: u64,
    skipped: u64,
}

impl Totals {
    /// Counts a line of output if it reports results.
    fn count(&mut self, line: &str) {
        if line.starts_with(SKIPPED) {
            self.skipped += 1;
        } else if let Some(result) = line.strip_prefix("test result: ") {
            self.passed += number_before(result, "passed");
            self.failed += number_before(result, "failed");
            self.ignored += number_before(result, "ignored");
        }
    }

    fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
        self.skipped += other.skipped;
    }

    /// The last line of the run. A non-zero exit without a failed test (a crash, a failed build) counts as one failure.
    pub(crate) fn summary(&self, status: ExitStatus) -> String {
        let failed = if status.success() { self.failed } else { self.failed.max(1) };
        // The harness counted skipped tests as passed.
        let passed = self.passed.saturating_sub(self.skipped);
        format!("{passed} passed, {failed} failed, {} skipped", self.skipped + self.ignored)
    }
}

/// Runs `command`, copies its output streams to `out` and `err` as they arrive, and counts the test results in them.
pub(crate) fn run_counting(
    command: &mut Command,
    out: impl Write,
    err: impl Write + Send + 'static,
) -> Result<(ExitStatus, Totals)> {
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("cannot run cargo")?;
    let stdout = child.stdout.take().context("cargo has no standard output")?;
    let stderr = child.stderr.take().context("cargo has no standard error")?;
    let errors = std::thread::spawn(move || show_and_count(stderr, err));
    let mut totals = show_and_count(stdout, out)?;
    let errors = errors.join().map_err(|_| anyhow::anyhow!("the reader of standard error panicked"))??;
    totals.add(&errors);
    Ok((child.wait()?, totals))
}

fn show_and_count(from: impl Read, mut to: impl Write) -> std::io::Result<Totals> {
    let mut totals = Totals::default();
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        to.flush()?;
        totals.count(&String::from_utf8_lossy(&line));
        line.clear();
    }
    Ok(totals)
}

/// The number before `word`: 5 in "… 5 passed; …".
fn number_before(text: &str, word: &str) -> u64 {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    words
        .windows(2)
        .find(|pair| pair[1].trim_end_matches(';') == word)
        .and_then(|pair| pair[0].parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    const OUTPUT: &str = "\
running 4 tests
test one ... ok
SKIPPED postgres::story: DAEDAP_TEST_POSTGRES_URL is not set
test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.12s
running 2 tests
test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
";

    #[test]
    fn results_of_several_programs_add_up() {
        let mut shown = Vec::new();
        let totals = show_and_count(OUTPUT.as_bytes(), &mut shown).expect("memory can be read and written");
        assert_eq!(shown, OUTPUT.as_bytes());
        assert_eq!(totals, Totals { passed: 4, failed: 1, ignored: 1, skipped: 1 });
        assert_eq!(totals.summary(ExitStatus::from_raw(101 << 8)), "3 passed, 1 failed, 2 skipped");
    }

    #[test]
    fn a_crash_without_a_result_is_a_failure() {
        let none = Totals::default();
        assert_eq!(none.summary(ExitStatus::from_raw(9)), "0 passed, 1 failed, 0 skipped");
        assert_eq!(none.summary(ExitStatus::from_raw(0)), "0 passed, 0 failed, 0 skipped");
    }

    #[test]
    fn both_streams_of_a_command_are_counted() {
        let script = "echo 'test result: ok. 2 passed; 0 failed; 0 ignored'; echo 'SKIPPED x: y' >&2; exit 3";
        let mut sh = Command::new("sh");
        sh.args(["-c", script]);
        let mut shown = Vec::new();
        // Not on our own streams: the `cargo xtask test` that runs this test would count these lines.
        let (status, totals) = run_counting(&mut sh, &mut shown, std::io::sink()).expect("sh runs");
        assert!(shown.starts_with(b"test result"));
        assert_eq!(status.code(), Some(3));
        assert_eq!(totals, Totals { passed: 2, failed: 0, ignored: 0, skipped: 1 });
    }
}
