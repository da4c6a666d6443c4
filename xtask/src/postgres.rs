//! Starts a throw-away PostgreSQL in its own folder, on its own port.
//!
//! Cleaning up cannot depend on code that runs at exit: a signal would skip it. A watchdog process reads from a pipe that
//! this process holds; when the pipe closes, for whatever reason, the read returns, and the watchdog stops the server
//! and removes the folder.

use std::io::Read;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::prerequisites::{is_root, numeric_id};

const WATCHDOG: &str = r#"
read -r _
[ -f "$2/data/postmaster.pid" ] && "$1/pg_ctl" --pgdata="$2/data" --mode=immediate --wait stop
rm -rf "$2"
"#;

/// A running server; dropping it stops the server and removes its folder.
pub(crate) struct Postgres {
    url: String,
    folder: PathBuf,
    watchdog: Child,
}

impl Postgres {
    /// Creates an empty cluster and starts it on a free loopback port, with the programs in `bin`.
    pub(crate) fn start(bin: &Path) -> Result<Self> {
        let user = ServerUser::choose()?;
        let folder = tempfile::Builder::new().prefix("daedap-postgres-").tempdir()?;
        user.chown(folder.path())?;
        // From here on the watchdog removes the folder.
        let folder = folder.keep();
        let watchdog = user
            .command(Path::new("sh"))
            .args(["-c", WATCHDOG, "watchdog"])
            .args([bin, &folder])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // A group of its own, so that Ctrl-C in the terminal does not take the watchdog first.
            .process_group(0)
            .spawn()
            .context("cannot start sh")?;
        let port = free_port()?;
        let server = Self { url: format!("postgres://postgres@127.0.0.1:{port}/postgres"), folder, watchdog };
        server.initialise(bin, &user)?;
        server.launch(bin, &user, port)?;
        Ok(server)
    }

    /// URL of the `postgres` database, for a superuser without a password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn initialise(&self, bin: &Path, user: &ServerUser) -> Result<()> {
        run(user.command(&bin.join("initdb")).arg("--pgdata").arg(self.folder.join("data")).args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]))
    }

    /// Durability is switched off: the data is disposable, and the tests create many databases.
    fn launch(&self, bin: &Path, user: &ServerUser, port: u16) -> Result<()> {
        let log = self.folder.join("log");
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='{}' -c max_connections=200 \
             -c fsync=off -c synchronous_commit=off -c full_page_writes=off",
            self.folder.display()
        );
        let started = run(user
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
        drop(self.watchdog.stdin.take());
        if let Err(error) = self.watchdog.wait() {
            eprintln!("PostgreSQL in {} may still be running: {error}", self.folder.display());
        }
    }
}

/// The user that runs the server: PostgreSQL refuses to run as root.
struct ServerUser {
    ids: Option<(u32, u32)>,
}

impl ServerUser {
    fn choose() -> Result<Self> {
        if !is_root() {
            return Ok(Self { ids: None });
        }
        let ids = ["postgres", "nobody"]
            .iter()
            .find_map(|user| Some((numeric_id("-u", Some(user))?, numeric_id("-g", Some(user))?)));
        match ids {
            Some(ids) => Ok(Self { ids: Some(ids) }),
            None => bail!(
                "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`; run as another user"
            ),
        }
    }

    fn chown(&self, folder: &Path) -> Result<()> {
        if let Some((uid, gid)) = self.ids {
            std::os::unix::fs::chown(folder, Some(uid), Some(gid))?;
        }
        Ok(())
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((uid, gid)) = self.ids {
            command.uid(uid).gid(gid);
        }
        // That user may not have access to our working folder.
        command.current_dir("/");
        command
    }
}

/// Runs a command to its end; its output is part of the error.
fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut output = tempfile::tempfile()?;
    // A file, not a pipe: the server that pg_ctl starts would keep a pipe open.
    let status = command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .status()
        .with_context(|| format!("cannot run {name}"))?;
    if status.success() {
        return Ok(());
    }
    let mut text = String::new();
    std::io::Seek::rewind(&mut output)?;
    output.read_to_string(&mut text)?;
    bail!("{name} exited with {status}:\n{text}")
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
