//! Reading documents in another process, so that a hostile file can spoil the reading of itself and of nothing else.
//!
//! ```text
//! this process --bytes--> standard input   of PROGRAM parse -- SOURCE
//!              <--JSON--- standard output: Result<Parsed, ParseError>
//! ```
//!
//! PROGRAM is the binary that this code is a part of; [`read_apart`] is its side of it. What it may cost is bounded: the
//! time by the one that waits, the memory by the operating system, where it can.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use process_control::{ChildExt, Control, Output};
use tracing::debug;

use crate::parse::{ParseError, Parsed, parse, parse_content};
use crate::sniff::{is_container, sniff};

/// The first argument that makes the program read a document.
pub const PARSE_COMMAND: &str = "parse";

/// Longest time for one document. A PDF of 6,000 pages took 115 seconds on a busy core.
const TIME_LIMIT: Duration = Duration::from_secs(300);

/// Most address space for one document: its bytes, what a parser makes of them, and the program itself.
const MEMORY_LIMIT_BYTES: usize = 1024 * 1024 * 1024;

/// Turns bytes into text.
pub trait DocumentParser: Send + Sync {
    /// Reads a document; `source` serves as a hint of its format. Blocks.
    ///
    /// # Errors
    /// Any [`ParseError`].
    fn parse(&self, bytes: &[u8], source: &str) -> Result<Parsed, ParseError>;
}

/// Reads in this process: for documents that one has written oneself.
pub struct InProcess;

/// Reads each document in a process of its own, except plain text and Markdown, which no vendor's parser touches.
pub struct Apart {
    program: PathBuf,
}

impl Apart {
    /// Runs `program`, whose `main` calls [`read_apart`] when its first argument is [`PARSE_COMMAND`].
    pub fn new(program: PathBuf) -> Self {
        Self { program }
    }

    fn run(&self, bytes: &[u8], source: &str) -> io::Result<Option<Output>> {
        let mut child = Command::new(&self.program)
            .args([PARSE_COMMAND, "--", source])
            .env_clear()
            // A pool of threads for one document costs more than it gives, and counts as memory.
            .envs([("RAYON_NUM_THREADS", "1"), ("MALLOC_ARENA_MAX", "1")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take();
        std::thread::scope(|scope| {
            // It may end before it has read all; what it says then is worth more than the broken pipe.
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(bytes)));
            let controlled = child.controlled_with_output().time_limit(TIME_LIMIT).terminate_for_timeout();
            #[cfg(any(target_os = "linux", target_os = "windows"))]
            let controlled = controlled.memory_limit(MEMORY_LIMIT_BYTES);
            controlled.wait()
        })
    }
}

impl DocumentParser for InProcess {
    fn parse(&self, bytes: &[u8], source: &str) -> Result<Parsed, ParseError> {
        parse(bytes, source)
    }
}

impl DocumentParser for Apart {
    fn parse(&self, bytes: &[u8], source: &str) -> Result<Parsed, ParseError> {
        if !is_container(bytes) {
            let content = sniff(bytes, source)?;
            if content.is_plain() {
                return parse_content(content, bytes);
            }
        }
        let output = match self.run(bytes, source) {
            Ok(Some(output)) => output,
            Ok(None) => return Err(ParseError::TooCostly { resource: "time".into() }),
            Err(error) => {
                return Err(ParseError::Failed(format!("no process can be started for it: {error}")));
            }
        };
        if output.status.success() {
            return serde_json::from_slice(&output.stdout)
                .unwrap_or_else(|error| Err(ParseError::Failed(error.to_string())));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        debug!(source, status = %output.status, %said, "a document's parser died");
        // What the allocator says before it aborts.
        if said.contains("memory allocation of") {
            return Err(ParseError::TooCostly { resource: "memory".into() });
        }
        Err(ParseError::Failed("its parser crashed".to_owned()))
    }
}

/// Reads a document from `input` and writes to `output` what came of it: the other side of [`Apart`].
///
/// # Errors
/// Those of `input` and `output`; a document that cannot be read is none.
pub fn read_apart(source: &str, mut input: impl Read, output: impl Write) -> io::Result<()> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    serde_json::to_writer(output, &parse(&bytes, source)).map_err(io::Error::from)
}
