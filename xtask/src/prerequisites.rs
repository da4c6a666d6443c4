//! Finds or installs the programs that tests need: a PostgreSQL server, Chromium with its driver, and Python.
//!
//! A missing program is installed from Debian's packages where that is possible (root, `apt-get`); otherwise a warning
//! names what to install. Nothing is downloaded from anywhere else.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the server programs of PostgreSQL are outside `PATH`: Debian and Red Hat keep one folder per version.
const POSTGRES_HOMES: [(&str, &str); 2] = [("/usr/lib/postgresql", "bin"), ("/usr", "bin")];
const CHROMIUM_NAMES: [&str; 5] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/// Chromium and its driver.
#[derive(Debug)]
pub(crate) struct Chromium {
    pub(crate) browser: PathBuf,
    pub(crate) driver: PathBuf,
}

/// The programs found; `None` for those that are missing and could not be installed.
#[derive(Debug)]
pub(crate) struct Prerequisites {
    /// The folder that holds `initdb`, `pg_ctl` and `postgres`.
    pub(crate) postgres_bin: Option<PathBuf>,
    pub(crate) chromium: Option<Chromium>,
    /// A Python 3 that makes virtual environments.
    pub(crate) python: Option<PathBuf>,
}

impl Prerequisites {
    /// Finds all programs, and installs missing ones where that is possible.
    pub(crate) fn find_or_install() -> Self {
        let found = Self::installed();
        let packages = found.missing_packages();
        if packages.is_empty() || !can_install() {
            return found;
        }
        println!("installing {}", packages.join(" "));
        if let Err(reason) = install(&packages) {
            eprintln!("could not install {}: {reason}", packages.join(" "));
        }
        Self::installed()
    }

    /// The programs that are installed now.
    pub(crate) fn installed() -> Self {
        Self { postgres_bin: find_postgres(), chromium: find_chromium(), python: find_python() }
    }

    /// Debian packages of the missing programs. The font is installed with the browser: without one, screenshots show
    /// Korean as empty boxes.
    fn missing_packages(&self) -> Vec<&'static str> {
        let mut packages = Vec::new();
        if self.postgres_bin.is_none() {
            packages.push("postgresql");
        }
        if self.chromium.is_none() {
            packages.extend(["chromium", "chromium-driver", "fonts-nanum"]);
        }
        if self.python.is_none() {
            packages.push("python3-venv");
        }
        packages
    }

    /// One line for each missing program: what is not tested without it, and how to install it.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.postgres_bin.is_none() {
            warnings.push(
                "no PostgreSQL server (initdb, pg_ctl, postgres): SQL is tested on SQLite only; \
                 install it with `apt-get install postgresql` or `brew install postgresql`"
                    .to_owned(),
            );
        }
        if self.chromium.is_none() {
            warnings.push(
                "no Chromium with chromedriver: the chat page is not tested; \
                 install both with `apt-get install chromium chromium-driver` or `brew install chromium chromedriver`"
                    .to_owned(),
            );
        }
        if self.python.is_none() {
            warnings.push(
                "no Python 3 with venv: the API is not tested against its own document. \
                 Install it: `apt-get install python3-venv` or `brew install python`"
                    .to_owned(),
            );
        }
        warnings
    }
}

/// Whether this process runs as root, which may install packages but may not run PostgreSQL.
pub(crate) fn is_root() -> bool {
    numeric_id("-u", None) == Some(0)
}

/// The numeric user (`-u`) or group (`-g`) id of `user`, or of this process.
pub(crate) fn numeric_id(which: &str, user: Option<&str>) -> Option<u32> {
    let output = Command::new("id").arg(which).args(user).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn find_postgres() -> Option<PathBuf> {
    // A symlink such as /usr/local/bin/initdb points into the folder of all server programs.
    let from_path = find_program("initdb").and_then(|program| program.canonicalize().ok());
    from_path
        .and_then(|program| program.parent().map(Path::to_path_buf))
        .into_iter()
        .chain(POSTGRES_HOMES.iter().flat_map(|(home, bin)| versioned_folders(Path::new(home), bin)))
        .find(|folder| ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file()))
}

/// All `<home>/<version>/<bin>`, the highest version first.
fn versioned_folders(home: &Path, bin: &str) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(home)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.trim_start_matches("pgsql-").parse().ok()?;
            Some((version, entry.path().join(bin)))
        })
        .collect();
    versions.sort_by(|one, other| other.cmp(one));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

fn find_chromium() -> Option<Chromium> {
    let browser = CHROMIUM_NAMES.iter().find_map(|name| find_program(name))?;
    let driver = find_program("chromedriver")?;
    Some(Chromium { browser, driver })
}

fn find_python() -> Option<PathBuf> {
    let python = find_program("python3")?;
    // Debian splits what `venv` needs into a package of its own.
    let status = Command::new(&python)
        .args(["-c", "import ensurepip, venv"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success()).then_some(python)
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|candidate| candidate.is_file())
}

fn can_install() -> bool {
    is_root() && find_program("apt-get").is_some()
}

fn install(packages: &[&str]) -> anyhow::Result<()> {
    // A fresh container has no package index, and an old index names versions that no longer exist.
    apt_get(&["-q", "update"])?;
    let mut arguments = vec!["-q", "install", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    apt_get(&arguments)
}

fn apt_get(arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(arguments).status()?;
    anyhow::ensure!(status.success(), "apt-get {} exited with {status}", arguments.join(" "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_postgres_version_comes_first() {
        let home = tempfile::tempdir().expect("a temporary folder");
        for name in ["9", "17", "pgsql-15", "lib"] {
            std::fs::create_dir(home.path().join(name)).expect("a new folder");
        }
        let folders = versioned_folders(home.path(), "bin");
        let expected: Vec<_> =
            ["17", "pgsql-15", "9"].iter().map(|name| home.path().join(name).join("bin")).collect();
        assert_eq!(folders, expected);
    }

    #[test]
    fn each_missing_program_has_its_packages_and_its_warning() {
        let nothing = Prerequisites { postgres_bin: None, chromium: None, python: None };
        assert_eq!(
            nothing.missing_packages(),
            ["postgresql", "chromium", "chromium-driver", "fonts-nanum", "python3-venv"]
        );
        assert_eq!(nothing.warnings().len(), 3);

        let everything = Prerequisites {
            postgres_bin: Some("/opt/postgres/bin".into()),
            chromium: Some(Chromium { browser: "chromium".into(), driver: "chromedriver".into() }),
            python: Some("/usr/bin/python3".into()),
        };
        assert!(everything.missing_packages().is_empty());
        assert!(everything.warnings().is_empty());
    }

    #[test]
    fn our_own_ids_are_read() {
        assert_eq!(numeric_id("-u", None), numeric_id("-u", None));
        assert!(numeric_id("-u", None).is_some());
        assert_eq!(numeric_id("-u", Some("no such user at all")), None);
    }
}
