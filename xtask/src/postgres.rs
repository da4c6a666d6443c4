//! A throw-away PostgreSQL: its own folder, its own port, gone when we are.
//!
//! What guarantees the end is not our own code running at exit, which a signal would skip, but a keeper process
//! that reads from a pipe we hold: when the last end of that pipe closes, for whatever reason, the read returns, and
//! the keeper stops the server and removes the folder.

use std::io::Read;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::prerequisites::{is_root, numeric_id};

const KEEPER: &str = r#"
read -r _
[ -f "$2/data/postmaster.pid" ] && "$1/pg_ctl" --pgdata="$2/data" --mode=immediate --wait stop
rm -rf "$2"
"#;

/// A running server; dropping it stops the server and removes its folder.
pub(crate) struct Postgres {
    url: String,
    folder: PathBuf,
    keeper: Child,
}

impl Postgres {
    /// Makes an empty cluster and starts it on a free port of the loopback address, with the programs in `bin`.
    pub(crate) fn start(bin: &Path) -> Result<Self> {
        let owner = Owner::choose()?;
        let folder = tempfile::Builder::new().prefix("daedap-postgres-").tempdir()?;
        owner.give(folder.path())?;
        // From here the keeper removes the folder.
        let folder = folder.keep();
        let keeper = owner
            .command(Path::new("sh"))
            .args(["-c", KEEPER, "keeper"])
            .args([bin, &folder])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // A group of its own, so that Ctrl-C in the terminal does not take the keeper first.
            .process_group(0)
            .spawn()
            .context("cannot start sh")?;
        let port = free_port()?;
        let server = Self { url: format!("postgres://postgres@127.0.0.1:{port}/postgres"), folder, keeper };
        server.initialise(bin, &owner)?;
        server.launch(bin, &owner, port)?;
        Ok(server)
    }

    /// The URL of its `postgres` database, for a superuser without a password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn initialise(&self, bin: &Path, owner: &Owner) -> Result<()> {
        run(owner.command(&bin.join("initdb")).arg("--pgdata").arg(self.folder.join("data")).args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]))
    }

    /// Durability is switched off: the data is worth nothing, and the tests create many databases.
    fn launch(&self, bin: &Path, owner: &Owner, port: u16) -> Result<()> {
        let log = self.folder.join("log");
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='{}' -c max_connections=200 \
             -c fsync=off -c synchronous_commit=off -c full_page_writes=off",
            self.folder.display()
        );
        let started = run(owner
            .command(&bin.join("pg_ctl"))
            .arg("--pgdata")
            .arg(self.folder.join("data"))
            .arg("--log")
            .arg(&log)
            .args(["--wait", "--timeout=60", "--options", &options, "start"]));
        started.with_context(|| std::fs::read_to_string(&log).unwrap_or_default())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        if let Err(error) = self.keeper.wait() {
            eprintln!("PostgreSQL in {} may still run: {error}", self.folder.display());
        }
    }
}

/// Who runs the server: it refuses to run as root.
struct Owner {
    ids: Option<(u32, u32)>,
}

impl Owner {
    fn choose() -> Result<Self> {
        if !is_root() {
            return Ok(Self { ids: None });
        }
        let ids = ["postgres", "nobody"]
            .iter()
            .find_map(|user| Some((numeric_id("-u", Some(user))?, numeric_id("-g", Some(user))?)));
        match ids {
            Some(ids) => Ok(Self { ids: Some(ids) }),
            None => bail!("PostgreSQL does not run as root, and there is neither a user postgres nor nobody"),
        }
    }

    fn give(&self, folder: &Path) -> Result<()> {
        if let Some((user, group)) = self.ids {
            std::os::unix::fs::chown(folder, Some(user), Some(group))?;
        }
        Ok(())
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((user, group)) = self.ids {
            command.uid(user).gid(group);
        }
        // Our own folder may be closed to that user.
        command.current_dir("/");
        command
    }
}

/// Runs to the end, quietly; what it said is in the error.
fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut said = tempfile::tempfile()?;
    // A file, not a pipe: the server that pg_ctl leaves behind would hold a pipe open for ever.
    let status = command
        .stdin(Stdio::null())
        .stdout(said.try_clone()?)
        .stderr(said.try_clone()?)
        .status()
        .with_context(|| format!("cannot run {name}"))?;
    if status.success() {
        return Ok(());
    }
    let mut text = String::new();
    std::io::Seek::rewind(&mut said)?;
    said.read_to_string(&mut text)?;
    bail!("{name} ended with {status}:\n{text}")
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::prerequisites::Prerequisites;

    #[test]
    fn the_server_answers_and_leaves_nothing_behind() {
        let Some(bin) = Prerequisites::installed().postgres_bin else {
            assert!(std::env::var_os("CI").is_none(), "no PostgreSQL server programs");
            // Written past the test harness, which would swallow what a passing test prints.
            let _ = writeln!(std::io::stderr(), "SKIPPED xtask postgres: no PostgreSQL server programs");
            return;
        };
        let server = Postgres::start(&bin).expect("the server starts");
        let folder = server.folder.clone();
        let address =
            server.url.trim_start_matches("postgres://postgres@").trim_end_matches("/postgres").to_owned();
        std::net::TcpStream::connect(&address).expect("the server accepts connections");
        drop(server);
        std::net::TcpStream::connect(&address).expect_err("the server is gone");
        assert!(!folder.exists());
    }
}
