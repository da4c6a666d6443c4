//! Tries what a child must not be able to do.

use std::fs;
use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::sandbox::confinement::confine;
use crate::sandbox::parser_process::PARSE_COMMAND;

/// Something that a parser has no business with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// Reading a file, or listing a folder.
    Read(PathBuf),
    /// Writing a file.
    Write(PathBuf),
    /// Connecting to an address.
    Connect(String),
    /// Starting a program.
    Start(PathBuf),
}

/// The exit code of a child whose attempt succeeded.
const REACHED: i32 = 0;

/// The exit code of a child that was refused.
const REFUSED: i32 = 3;

impl Attempt {
    /// The attempt that a child's arguments describe: the words of [`Attempt::words`].
    pub fn of_words(kind: &str, target: &str) -> Option<Self> {
        match kind {
            "read" => Some(Self::Read(target.into())),
            "write" => Some(Self::Write(target.into())),
            "connect" => Some(Self::Connect(target.to_owned())),
            "start" => Some(Self::Start(target.into())),
            _ => None,
        }
    }

    /// What is tried, and with what.
    pub fn words(&self) -> (&'static str, String) {
        let text = |path: &Path| path.display().to_string();
        match self {
            Self::Read(path) => ("read", text(path)),
            Self::Write(path) => ("write", text(path)),
            Self::Connect(address) => ("connect", address.clone()),
            Self::Start(program) => ("start", text(program)),
        }
    }

    /// Tries it in this process.
    ///
    /// # Errors
    /// Why it failed.
    pub fn make(&self) -> io::Result<()> {
        match self {
            Self::Read(path) if path.is_dir() => fs::read_dir(path).map(drop),
            Self::Read(path) => fs::read(path).map(drop),
            Self::Write(path) => fs::write(path, "x"),
            Self::Connect(address) => TcpStream::connect(address).map(drop),
            Self::Start(program) => Command::new(program)
                .arg("--version")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .and_then(|mut child| child.wait())
                .map(drop),
        }
    }

    /// Confines this process and tries it there; returns the exit code. Called once, before there is any other thread.
    pub fn make_confined(&self, parent: Option<u32>) -> i32 {
        confine(parent);
        if self.make().is_ok() { REACHED } else { REFUSED }
    }

    /// Whether a confined child of `program` cannot do it: it is refused, or killed for it.
    ///
    /// # Errors
    /// Where the child cannot be started.
    pub fn is_prevented(&self, program: &Path) -> io::Result<bool> {
        let (kind, target) = self.words();
        let ended = Command::new(program)
            .args([PARSE_COMMAND, "--parent", &std::process::id().to_string()])
            .args(["--attempt", kind, "--target", &target])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        // A child that is killed has no code; one that never came to its attempt has another.
        Ok(matches!(ended.code(), None | Some(REFUSED)))
    }
}
