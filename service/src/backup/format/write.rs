//! Writes a backup file: entries come from asynchronous code, a thread of its own writes them.

use std::io::{self, Write};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::layout::{Amounts, ArchiveError, END, MANIFEST, MAX_ENTRY_BYTES, Manifest, Part};

/// Entries that may wait for the thread.
const ENTRIES_AHEAD: usize = 2;

/// zstd's default: higher levels save little for their time.
const LEVEL: i32 = 3;

enum Step {
    Entry(String, Vec<u8>),
    End(Vec<u8>),
}

/// A backup file that is being written to `W`. Dropped before its end, it leaves a file that every reader refuses.
pub struct ArchiveWriter<W> {
    steps: mpsc::Sender<Step>,
    writing: JoinHandle<io::Result<W>>,
    entries: u64,
}

impl<W: Write + Send + 'static> ArchiveWriter<W> {
    /// Starts the file with its manifest.
    ///
    /// # Errors
    /// `Io` as with [`put`](Self::put).
    pub async fn begin(out: W, manifest: &Manifest) -> Result<Self, ArchiveError> {
        let (steps, taken) = mpsc::channel(ENTRIES_AHEAD);
        let writing = tokio::task::spawn_blocking(move || write(out, taken));
        let mut writer = Self { steps, writing, entries: 0 };
        writer.step(Step::Entry(MANIFEST.to_owned(), json(manifest)?)).await?;
        Ok(writer)
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// `TooLarge`; `Io` when what came before could not be written.
    pub async fn put(&mut self, part: &Part, bytes: Vec<u8>) -> Result<(), ArchiveError> {
        self.entries += 1;
        let name = part.name(self.entries);
        if bytes.len() as u64 > MAX_ENTRY_BYTES {
            return Err(ArchiveError::TooLarge(name));
        }
        self.step(Step::Entry(name, bytes)).await
    }

    /// Writes the end mark, and returns what the file was written to.
    ///
    /// # Errors
    /// `Io`.
    pub async fn end(mut self, amounts: &Amounts) -> Result<W, ArchiveError> {
        self.step(Step::End(json(amounts)?)).await?;
        Ok(self.writing.await.map_err(io::Error::other)??)
    }

    async fn step(&mut self, step: Step) -> Result<(), ArchiveError> {
        if self.steps.send(step).await.is_ok() {
            return Ok(());
        }
        // The thread has ended early, and knows why.
        match (&mut self.writing).await.map_err(io::Error::other)? {
            Err(error) => Err(error.into()),
            Ok(_) => Err(io::Error::other("the backup file has already ended").into()),
        }
    }
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, ArchiveError> {
    Ok(serde_json::to_vec_pretty(value).map_err(io::Error::other)?)
}

fn write<W: Write>(out: W, mut steps: mpsc::Receiver<Step>) -> io::Result<W> {
    let mut frame = zstd::stream::write::Encoder::new(out, LEVEL)?;
    frame.include_checksum(true)?;
    let mut archive = tar::Builder::new(frame);
    loop {
        match steps.blocking_recv() {
            Some(Step::Entry(name, bytes)) => append(&mut archive, &name, &bytes)?,
            Some(Step::End(bytes)) => {
                append(&mut archive, END, &bytes)?;
                return archive.into_inner()?.finish();
            }
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

fn append<W: Write>(archive: &mut tar::Builder<W>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name)?;
    header.set_size(bytes.len() as u64);
    header.set_mode(0o600);
    header.set_cksum();
    archive.append(&header, bytes)
}
