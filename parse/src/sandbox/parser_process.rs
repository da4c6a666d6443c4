//! One child process that parses, from this side of its pipes.

use std::io::{self, BufReader, Read};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::limits::MAX_BUSY;
use crate::sandbox::confinement::resident_bytes;
use crate::sandbox::death::Death;
use crate::sandbox::protocol::{
    Answered, Greeting, Request, max_answer_bytes, read_frame, write_frame, write_value,
};
use crate::sandbox::watch::{SharedChild, kill, lock};

/// The first argument that makes the program parse documents.
pub const PARSE_COMMAND: &str = "parse";

/// A child is replaced after this many requests.
const MAX_REQUESTS: usize = 1_000;

/// A child is replaced when it keeps more memory than this.
const MAX_RESIDENT_BYTES: u64 = 256 * 1024 * 1024;

/// How much of what a child writes to standard error is kept.
const MAX_STDERR_BYTES: u64 = 64 * 1024;

const MAX_GREETING_BYTES: u64 = 64 * 1024;

/// A child process. It is killed and reaped when it is dropped.
pub(crate) struct ParserProcess {
    child: SharedChild,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    stderr: Option<JoinHandle<String>>,
    greeting: Option<Greeting>,
    requests: usize,
    busy: Duration,
}

impl ParserProcess {
    /// Starts `program`, whose `main` calls [`run_child`](crate::run_child) when its first argument is [`PARSE_COMMAND`].
    /// The thread that starts it must outlive it: it dies with that.
    ///
    /// # Errors
    /// Those of the system, which may have no descriptors or no memory left.
    pub(crate) fn start(program: &Path) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args([PARSE_COMMAND, "--parent", &std::process::id().to_string()])
            .env_clear()
            // A thread pool for one document costs more than it gives, and counts as memory.
            .envs([("RAYON_NUM_THREADS", "1"), ("MALLOC_ARENA_MAX", "1")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let child = Arc::new(Mutex::new(child));
        let reading = match pipes {
            (Some(input), Some(output), Some(stderr)) => {
                let reading = std::thread::Builder::new().name("parser-errors".to_owned());
                reading.spawn(move || beginning_of(stderr)).map(|reading| (input, output, reading))
            }
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        };
        let (input, output, stderr) = reading.inspect_err(|_| reap(&child))?;
        let output = BufReader::new(output);
        let (stderr, requests, busy) = (Some(stderr), 0, Duration::ZERO);
        Ok(Self { child, input, output, stderr, greeting: None, requests, busy })
    }

    /// What kills it.
    pub(crate) fn child(&self) -> &SharedChild {
        &self.child
    }

    /// What it says of itself, before its first request.
    ///
    /// # Errors
    /// Those of its pipes, after which it is of no use.
    pub(crate) fn greeting(&mut self) -> io::Result<&Greeting> {
        let greeting = match self.greeting.take() {
            Some(greeting) => greeting,
            None => serde_json::from_slice(&self.read(MAX_GREETING_BYTES)?).map_err(io::Error::other)?,
        };
        Ok(self.greeting.insert(greeting))
    }

    /// Whether it has said what it says before its first request.
    pub(crate) fn has_greeted(&self) -> bool {
        self.greeting.is_some()
    }

    /// Asks it and waits for its answer.
    ///
    /// # Errors
    /// `FileTooLarge` for an answer that is too long, and those of its pipes; after each it is of no use.
    pub(crate) fn ask(&mut self, request: &Request, bytes: &[u8]) -> io::Result<Answered> {
        let begun = Instant::now();
        self.requests += 1;
        let written =
            write_value(&mut self.input, request).and_then(|()| write_frame(&mut self.input, bytes));
        // It may answer, or end, before it has read everything; what comes then says more than the broken pipe.
        let answer = self.read(max_answer_bytes(bytes.len()))?;
        written?;
        self.busy += begun.elapsed();
        serde_json::from_slice(&answer).map_err(io::Error::other)
    }

    fn read(&mut self, max_bytes: u64) -> io::Result<Vec<u8>> {
        read_frame(&mut self.output, max_bytes)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Whether it should be replaced.
    pub(crate) fn is_worn(&self) -> bool {
        let id = lock(&self.child).id();
        self.requests >= MAX_REQUESTS
            || self.busy >= MAX_BUSY
            || resident_bytes(id).is_some_and(|bytes| bytes > MAX_RESIDENT_BYTES)
    }

    /// Kills and reaps it, and tells how it ended.
    pub(crate) fn end(mut self) -> Death {
        reap(&self.child);
        let status = lock(&self.child).try_wait().ok().flatten();
        let stderr = self.stderr.take().and_then(|reading| reading.join().ok()).unwrap_or_default();
        Death { status, stderr }
    }
}

impl Drop for ParserProcess {
    fn drop(&mut self) {
        reap(&self.child);
    }
}

/// Kills a child and waits for its end. One that is already ending, by itself or by a signal, ends as it was about to.
fn reap(child: &SharedChild) {
    kill(child);
    // An error means that it is reaped.
    let _ = lock(child).wait();
}

/// Reads to the end, and keeps the beginning.
fn beginning_of(mut pipe: impl Read) -> String {
    let mut kept = Vec::new();
    // A pipe that breaks has ended.
    let _ = pipe.by_ref().take(MAX_STDERR_BYTES).read_to_end(&mut kept);
    let _ = io::copy(&mut pipe, &mut io::sink());
    String::from_utf8_lossy(&kept).into_owned()
}
