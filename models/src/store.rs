//! The models directory: what is in it, and getting what is not.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::catalog::{Catalog, Entry};
use crate::download::Fetch;
use crate::http::Http;
use crate::install::{self, hash};
use crate::lock::EntryLock;
use crate::receipt::{Installed, Receipt};
use crate::{ModelError, Progress, Reachability, SourceOptions, reachability};

/// Where downloads are kept until they are whole.
const PARTIAL: &str = ".partial";

/// A directory of models.
pub struct Store {
    dir: PathBuf,
    http: Http,
}

/// A model whose files are all here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledModel {
    /// Its catalog id.
    pub id: String,
    /// Where its files are, by name.
    pub paths: BTreeMap<String, PathBuf>,
}

impl InstalledModel {
    /// Where the file called `name` is; `None` if the catalog lists no such file.
    pub fn path(&self, name: &str) -> Option<&Path> {
        self.paths.get(name).map(PathBuf::as_path)
    }
}

impl Store {
    /// A store in `dir`, which is made when the first model comes. Fails for unusable settings only.
    pub fn new(dir: impl Into<PathBuf>, options: &SourceOptions) -> Result<Self, ModelError> {
        Ok(Self { dir: dir.into(), http: Http::new(options)? })
    }

    /// Where the models are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The model's files if all are here and look untouched since they were verified. Uses no network and hashes
    /// nothing; [`Store::verify`] does.
    pub fn installed(&self, entry: &Entry) -> Option<InstalledModel> {
        let folder = self.folder(entry);
        let receipt = Receipt::load(&folder);
        entry.files.iter().all(|file| receipt.vouches_for(&folder, file)).then(|| self.describe(entry))
    }

    /// Which sources the network reaches, within [`crate::Patience::probe`].
    pub async fn probe(&self, catalog: &Catalog) -> Reachability {
        reachability::probe(&self.http, catalog).await
    }

    /// Gets what is missing of the model. Safe to repeat, to cancel (what was downloaded is gone on with), and to call
    /// from several processes at once (one downloads, the others wait for it).
    pub async fn ensure(&self, entry: &Entry, progress: &dyn Progress) -> Result<InstalledModel, ModelError> {
        if let Some(model) = self.installed(entry) {
            return Ok(model);
        }
        let partial = self.dir.join(PARTIAL).join(&entry.id);
        for folder in [&partial, &self.folder(entry)] {
            fs::create_dir_all(folder).map_err(ModelError::io(folder))?;
        }
        let lock_path = self.dir.join(PARTIAL).join(format!("{}.lock", entry.id));
        let lock = EntryLock::acquire(&lock_path, &entry.id, self.http.patience.lock, progress).await?;
        if let Some(model) = self.installed(entry) {
            return Ok(model);
        }
        // The one that held the lock before removes its folder when it is done.
        fs::create_dir_all(&partial).map_err(ModelError::io(&partial))?;
        let fetch = Fetch {
            http: &self.http,
            progress,
            name: &entry.id,
            folder: &partial,
            lock: &lock,
            attempts: self.http.patience.attempts,
        };
        install::install(entry, &self.folder(entry), &fetch).await?;
        fs::remove_dir_all(&partial).map_err(ModelError::io(&partial))?;
        Ok(self.describe(entry))
    }

    /// Hashes every file of the model. A wrong one loses its receipt, so that the next [`Store::ensure`] gets it again.
    pub async fn verify(&self, entry: &Entry) -> Result<InstalledModel, ModelError> {
        let folder = self.folder(entry);
        let mut receipt = Receipt::load(&folder);
        for file in &entry.files {
            let recorded = receipt.files.get(&file.name).map(|installed| installed.sha256);
            let path = folder.join(&file.name);
            let (Some(expected), true) = (file.sha256.or(recorded), path.is_file()) else {
                return Err(ModelError::NotInstalled { model: entry.id.clone() });
            };
            let found = hash(&path).await?;
            let before = receipt.files.remove(&file.name);
            if found == expected {
                let installed = Installed::describe(&path, found).map_err(ModelError::io(&path))?;
                receipt.files.insert(file.name.clone(), installed);
            }
            // A directory that is shared read-only can be verified too.
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
