//! Parses each document in a process of its own, so that a hostile file can break its own parsing and nothing else.
//!
//! ```text
//! this process --bytes--> standard input   of PROGRAM parse -- SOURCE
//!              <--JSON--- standard output: Result<Parsed, ParseError>
//! ```
//!
//! PROGRAM is the binary that links this crate; [`run_child`] is the child's side. The parent enforces the timeout, the
//! operating system the memory limit where it can (Linux and Windows).

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use process_control::{ChildExt, Control, Output};
use tracing::debug;

use crate::detect::{detect, is_container};
use crate::dispatch::{parse, parse_content};
use crate::error::ParseError;
use crate::limits::{MAX_PROCESS_BYTES, PARSE_TIMEOUT};
use crate::parsed::Parsed;

/// The first argument that makes the program parse a document.
pub const PARSE_COMMAND: &str = "parse";

/// Parses documents.
pub trait DocumentParser: Send + Sync {
    /// Parses a document; `source` is a hint of its format. Blocks.
    ///
    /// # Errors
    /// Any [`ParseError`].
    fn parse(&self, bytes: &[u8], source: &str) -> Result<Parsed, ParseError>;
}

/// Parses in this process: for trusted documents only.
pub struct InProcess;

/// Parses each document in a child process, except plain text and Markdown, which no vendor's parser touches.
pub struct Sandboxed {
    program: PathBuf,
}

impl Sandboxed {
    /// Runs `program`, whose `main` calls [`run_child`] when its first argument is [`PARSE_COMMAND`].
    pub fn new(program: PathBuf) -> Self {
        Self { program }
    }

    /// The output of the child process; `None` when it was ended by the timeout.
    fn run(&self, bytes: &[u8], source: &str) -> io::Result<Option<Output>> {
        let mut child = Command::new(&self.program)
            .args([PARSE_COMMAND, "--", source])
            .env_clear()
            // A thread pool for one document costs more than it gives, and counts as memory.
            .envs([("RAYON_NUM_THREADS", "1"), ("MALLOC_ARENA_MAX", "1")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take();
        std::thread::scope(|scope| {
            // The child may exit before it has read everything; its output then says more than the broken pipe.
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(bytes)));
            let controlled = child.controlled_with_output().time_limit(PARSE_TIMEOUT).terminate_for_timeout();
            #[cfg(any(target_os = "linux", target_os = "windows"))]
            let controlled = controlled.memory_limit(MAX_PROCESS_BYTES);
            controlled.wait()
        })
    }
}

impl DocumentParser for InProcess {
    fn parse(&self, bytes: &[u8], source: &str) -> Result<Parsed, ParseError> {
        parse(bytes, source)
    }
}

impl DocumentParser for Sandboxed {
    fn parse(&self, bytes: &[u8], source: &str) -> Result<Parsed, ParseError> {
        // Detecting what a container holds already needs vendors' parsers.
        if !is_container(bytes) {
            let content = detect(bytes, source)?;
            if content.is_plain() {
                return parse_content(content, bytes);
            }
        }
        let output = match self.run(bytes, source) {
            Ok(Some(output)) => output,
            Ok(None) => return Err(ParseError::TooCostly { resource: "time".into() }),
            Err(error) => {
                return Err(ParseError::Failed(format!("its parser process cannot be started: {error}")));
            }
        };
        if output.status.success() {
            return serde_json::from_slice(&output.stdout)
                .unwrap_or_else(|error| Err(ParseError::Failed(error.to_string())));
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        debug!(source, status = %output.status, %stderr, "the parser process crashed");
        // What Rust's allocator prints before it aborts.
        if stderr.contains("memory allocation of") {
            return Err(ParseError::TooCostly { resource: "memory".into() });
        }
        Err(ParseError::Failed("its parser crashed".to_owned()))
    }
}

/// The child's side of [`Sandboxed`]: parses the document that `input` holds and writes the result to `output`.
///
/// # Errors
/// Those of `input` and `output`; a document that cannot be parsed is a result.
pub fn run_child(source: &str, mut input: impl Read, output: impl Write) -> io::Result<()> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    serde_json::to_writer(output, &parse(&bytes, source)).map_err(io::Error::from)
}
