//! The log of a process, on standard error.

use std::fmt;
use std::io::IsTerminal;

use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

/// Logs go to standard error; standard output is for results. `RUST_LOG` overrides `-v`.
pub(crate) fn to_stderr(verbose: u8, serves: bool) {
    let level = match verbose {
        // The embedded vector store warns of flags that only its own server sets.
        0 if serves => "warn,service=info,web=info,chat=info,qdrant_edge=error",
        // A command reports itself what its requests and jobs failed at.
        0 => "warn,service=error,web=off,qdrant_edge=error",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .fmt_fields(fields())
        .init();
}

/// Writes fields so that none of them can begin a line of its own or steer the terminal, whatever it is called.
fn fields() -> impl for<'writer> FormatFields<'writer> + Send + Sync + 'static {
    debug_fn(write_field).delimited(" ")
}

fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    if field.name() != "message" {
        write!(writer, "{}=", field.name())?;
    }
    for letter in format!("{value:?}").chars() {
        if letter.is_control()
            || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            write!(writer, "{}", letter.escape_default())?;
        } else {
            writer.write_char(letter)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_field_begins_a_line_or_steers_the_terminal() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .fmt_fields(fields())
            .finish();
        let hostile = "a\nERROR forged\r\u{1b}[2J\u{202e}";
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(message = hostile);
            tracing::error!(message = %hostile, hostile, shown = %hostile, "said {hostile}");
        });
        let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.lines().count(), 2, "{written}");
        let has_control = written.chars().any(|letter| letter != '\n' && letter.is_control());
        assert!(!has_control && !written.contains('\u{202e}'), "{written}");
        assert!(written.contains("said a\\nERROR forged"), "{written}");
    }
}
