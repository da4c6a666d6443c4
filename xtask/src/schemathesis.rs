//! Installs schemathesis, which tests the server against the API's own document, into a virtual environment below cargo's
//! build folder.
//!
//! Its version and those of everything it stands on are pinned in `schemathesis.txt`: with others the same seed would
//! generate other requests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The packages, in the order and format of `pip freeze`.
const REQUIREMENTS: &str = include_str!("../schemathesis.txt");

/// The program; installed if it is not there, or is of other versions.
pub(crate) fn find_or_install() -> Result<PathBuf> {
    let folder = build_folder()?.join("schemathesis");
    let program = folder.join("bin").join("schemathesis");
    // Written last: an installation that was interrupted is made again.
    let installed = folder.join("installed.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|versions| versions == REQUIREMENTS) && runs(&program) {
        return Ok(program);
    }
    println!("installing schemathesis into {}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot remove `{}`", folder.display()))?;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))
        .context("python3 with its module venv is needed: `apt-get install python3-venv`")?;
    let requirements = folder.join("requirements.txt");
    std::fs::write(&requirements, REQUIREMENTS)?;
    let pip = folder.join("bin").join("pip");
    run(Command::new(pip)
        .args(["install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(requirements))
    .context("schemathesis cannot be installed from PyPI")?;
    ensure!(runs(&program), "`{}` does not run", program.display());
    std::fs::write(&installed, REQUIREMENTS)?;
    Ok(program)
}

/// The folder that holds `debug` with this program in it.
fn build_folder() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.ancestors().nth(2).context("this program is not in cargo's build folder")?;
    Ok(folder.to_owned())
}

fn runs(program: &Path) -> bool {
    let status = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run `{name}`"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{name}` ended with {}: {}", output.status, said.trim());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_is_pinned() {
        assert!(REQUIREMENTS.lines().any(|line| line.starts_with("schemathesis==")));
        assert!(REQUIREMENTS.lines().all(|line| line.split("==").count() == 2), "{REQUIREMENTS}");
    }
}
