//! A few child processes, each with a thread that speaks with it.

#[cfg(all(test, target_os = "linux"))]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tracing::{debug, warn};

use crate::error::ParseError;
use crate::sandbox::death::bounded;
use crate::sandbox::parser_process::ParserProcess;
use crate::sandbox::protocol::{Answered, Request};
use crate::sandbox::watch::{AbandonOnDrop, Watch};

/// A child that nobody needed for this long is ended.
const IDLE: Duration = Duration::from_secs(60);

/// What the children of a pool have in common.
pub(crate) struct PoolSettings {
    /// The program that parses.
    pub(crate) program: PathBuf,
    /// Maximum number of children.
    pub(crate) children: usize,
    /// Whether a child is used only if the system confines it completely.
    pub(crate) is_confinement_required: bool,
}

/// The children.
pub(crate) struct Pool {
    /// One for each child that there may be. A child that is not reaped holds one.
    permits: Arc<Semaphore>,
    shared: Arc<Shared>,
}

struct Shared {
    settings: PoolSettings,
    /// Ways to the threads that have nothing to do.
    idle: Mutex<Vec<Sender<Job>>>,
    is_warned: AtomicBool,
}

struct Job {
    request: Request,
    bytes: Bytes,
    watch: Watch,
    answer: oneshot::Sender<Answered>,
    /// The way back to the thread that works on it.
    way: Sender<Job>,
    permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(settings: PoolSettings) -> Self {
        let permits = Arc::new(Semaphore::new(settings.children.max(1)));
        let (idle, is_warned) = (Mutex::default(), AtomicBool::new(false));
        Self { permits, shared: Arc::new(Shared { settings, idle, is_warned }) }
    }

    /// Asks a child, as soon as one is free. Dropping the future, or the end of `timeout`, ends the child.
    ///
    /// # Errors
    /// `TooCostly`, `Unavailable`, and what the child answers.
    pub(crate) async fn ask(&self, request: Request, bytes: Bytes, timeout: Duration) -> Answered {
        let closed = |_| ParseError::Unavailable("the parsers have ended".to_owned());
        let permit = self.permits.clone().acquire_owned().await.map_err(closed)?;
        let watch = Watch::default();
        let _abandon = AbandonOnDrop(watch.clone());
        let (answer, answered) = oneshot::channel();
        self.submit(|way| Job { request, bytes, watch, answer, way, permit })?;
        match tokio::time::timeout(timeout, answered).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(_)) => Err(ParseError::Failed("its parser crashed".to_owned())),
            Err(_) => Err(ParseError::TooCostly { resource: "time".into() }),
        }
    }

    /// Gives a job to the thread that became idle last, whose child is warm, or to a new one.
    fn submit(&self, job: impl FnOnce(Sender<Job>) -> Job) -> Result<(), ParseError> {
        let idle = self.shared.idle().pop();
        let way = match idle {
            Some(way) => way,
            None => start_thread(&self.shared)?,
        };
        let gone = |_| ParseError::Unavailable("a parser's thread has ended".to_owned());
        way.clone().send(job(way)).map_err(gone)
    }
}

fn start_thread(shared: &Arc<Shared>) -> Result<Sender<Job>, ParseError> {
    let (way, jobs) = mpsc::channel();
    let shared = Arc::downgrade(shared);
    let thread = std::thread::Builder::new().name("parser".to_owned());
    thread.spawn(move || work(&shared, &jobs)).map_err(|error| unavailable(&error))?;
    Ok(way)
}

fn unavailable(error: &io::Error) -> ParseError {
    ParseError::Unavailable(error.to_string())
}

/// Works on jobs until the pool is gone.
fn work(shared: &Weak<Shared>, jobs: &Receiver<Job>) {
    let mut process = None;
    loop {
        let received = match process {
            Some(_) => jobs.recv_timeout(IDLE),
            None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let job = match received {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => {
                process = None;
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let Some(shared) = shared.upgrade() else { return };
        let Job { request, bytes, watch, answer, way, permit } = job;
        let answered = shared.answer(&mut process, &watch, &request, &bytes);
        shared.idle().push(way);
        drop(permit);
        // Nobody may be waiting any more.
        let _ = answer.send(answered);
    }
}

impl Shared {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Sender<Job>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the thread's child, or a new one, which stays if it can be asked again.
    fn answer(
        &self,
        process: &mut Option<ParserProcess>,
        watch: &Watch,
        request: &Request,
        bytes: &[u8],
    ) -> Answered {
        let mut asked = match process.take() {
            Some(process) => process,
            None => ParserProcess::start(&self.settings.program).map_err(|error| unavailable(&error))?,
        };
        if !watch.begin(asked.child()) {
            // What has said nothing yet may never do so.
            *process = Some(asked).filter(ParserProcess::has_greeted);
            return Err(ParseError::Unavailable("nobody waits for it".to_owned()));
        }
        let answered = self.ask(&mut asked, request, bytes);
        let is_alive = watch.end();
        match answered {
            Ok(answered) => {
                if is_alive && !asked.is_worn() {
                    *process = Some(asked);
                }
                answered.map_err(bounded)
            }
            Err(failure) => {
                let death = asked.end();
                debug!(status = ?death.status, stderr = death.stderr, %failure, "a parser process ended");
                Err(death.explain(&failure))
            }
        }
    }

    fn ask(&self, process: &mut ParserProcess, request: &Request, bytes: &[u8]) -> io::Result<Answered> {
        let missing = process.greeting()?.missing.join(", ");
        if !missing.is_empty() {
            if self.settings.is_confinement_required {
                let reason = format!("this system cannot confine it completely; missing: {missing}");
                return Ok(Err(ParseError::Unavailable(reason)));
            }
            if !self.is_warned.swap(true, Ordering::Relaxed) {
                warn!(missing, "this system cannot confine parser processes completely");
            }
        }
        process.ask(request, bytes)
    }
}
