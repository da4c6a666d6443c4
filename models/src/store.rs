//! Manages the models directory: lists, downloads and verifies models.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::catalog::Catalog;
use crate::download::DownloadContext;
use crate::entry::Entry;
use crate::error::ModelError;
use crate::hash::file_sha256_async;
use crate::http::Http;
use crate::install;
use crate::lock::EntryLock;
use crate::options::SourceOptions;
use crate::progress::Progress;
use crate::reachability::{self, Reachability};
use crate::receipt::{InstalledFile, Receipt};

/// The folder of unfinished downloads.
const PARTIAL: &str = ".partial";

/// A models directory.
pub struct Store {
    dir: PathBuf,
    http: Http,
}

/// A model whose files are all installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledModel {
    /// Its catalog id.
    pub id: String,
    /// Paths of its files, by name.
    pub paths: BTreeMap<String, PathBuf>,
}

impl InstalledModel {
    /// Path of the file called `name`; `None` if the catalog lists no such file.
    pub fn path(&self, name: &str) -> Option<&Path> {
        self.paths.get(name).map(PathBuf::as_path)
    }
}

impl Store {
    /// A store in `dir`, which is created with the first download. Fails for invalid settings only.
    pub fn new(dir: impl Into<PathBuf>, options: &SourceOptions) -> Result<Self, ModelError> {
        Ok(Self { dir: dir.into(), http: Http::new(options)? })
    }

    /// The models directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The model's files if all are installed and look unchanged since they were verified. Uses no network and hashes
    /// nothing; [`Store::verify`] does.
    pub fn installed(&self, entry: &Entry) -> Option<InstalledModel> {
        let folder = self.folder(entry);
        let receipt = Receipt::load(&folder);
        entry.files.iter().all(|file| receipt.covers(&folder, file)).then(|| self.describe(entry))
    }

    /// Which sources are reachable, within [`RetryPolicy::probe_timeout`](crate::options::RetryPolicy::probe_timeout).
    pub async fn probe(&self, catalog: &Catalog) -> Reachability {
        reachability::probe(&self.http, catalog).await
    }

    /// Downloads the missing files of the model. It can be repeated, cancelled (the next call resumes), and called from
    /// several processes at once (one downloads, the others wait).
    pub async fn ensure(&self, entry: &Entry, progress: &dyn Progress) -> Result<InstalledModel, ModelError> {
        if let Some(model) = self.installed(entry) {
            return Ok(model);
        }
        let partial = self.dir.join(PARTIAL).join(&entry.id);
        for folder in [&partial, &self.folder(entry)] {
            fs::create_dir_all(folder).map_err(ModelError::io(folder))?;
        }
        let lock_path = self.dir.join(PARTIAL).join(format!("{}.lock", entry.id));
        let lock = EntryLock::acquire(&lock_path, &entry.id, self.http.retry.lock_timeout, progress).await?;
        if let Some(model) = self.installed(entry) {
            return Ok(model);
        }
        // The process that held the lock before removes the folder when it finishes.
        fs::create_dir_all(&partial).map_err(ModelError::io(&partial))?;
        let context = DownloadContext {
            http: &self.http,
            progress,
            name: &entry.id,
            folder: &partial,
            lock: &lock,
            max_attempts: self.http.retry.max_attempts,
        };
        install::install(entry, &self.folder(entry), &context).await?;
        fs::remove_dir_all(&partial).map_err(ModelError::io(&partial))?;
        Ok(self.describe(entry))
    }

    /// Hashes every file of the model. A wrong file loses its receipt, so that the next [`Store::ensure`] downloads it
    /// again.
    pub async fn verify(&self, entry: &Entry) -> Result<InstalledModel, ModelError> {
        let folder = self.folder(entry);
        let mut receipt = Receipt::load(&folder);
        for file in &entry.files {
            let recorded = receipt.files.get(&file.name).map(|installed| installed.sha256);
            let path = folder.join(&file.name);
            let (Some(expected), true) = (file.sha256.or(recorded), path.is_file()) else {
                return Err(ModelError::NotInstalled { model: entry.id.clone() });
            };
            let found = file_sha256_async(&path).await?;
            let before = receipt.files.remove(&file.name);
            if found == expected {
                let installed = InstalledFile::describe(&path, found).map_err(ModelError::io(&path))?;
                receipt.files.insert(file.name.clone(), installed);
            }
            // Without a change nothing is written, so that a read-only directory can be verified.
            if receipt.files.get(&file.name) != before.as_ref() {
                receipt.save(&folder).map_err(ModelError::io(&folder))?;
            }
            if found != expected {
                let file = format!("{}/{}", entry.id, file.name);
                let (expected, found) = (expected.to_string(), found.to_string());
                return Err(ModelError::WrongHash { file, expected, found });
            }
        }
        Ok(self.describe(entry))
    }

    fn folder(&self, entry: &Entry) -> PathBuf {
        self.dir.join(&entry.id)
    }

    fn describe(&self, entry: &Entry) -> InstalledModel {
        let folder = self.folder(entry);
        let paths = entry.files.iter().map(|file| (file.name.clone(), folder.join(&file.name))).collect();
        InstalledModel { id: entry.id.clone(), paths }
    }
}
