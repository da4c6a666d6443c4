//! The cargo that runs us.

use std::process::Command;

/// How the variables begin in which cargo tells a program about its package.
const OWN_PACKAGE: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_NAME", "CARGO_PRIMARY_PACKAGE"];

/// The cargo that runs us, without what it told us of ourselves: build scripts (ring's is one) run again when such a
/// variable changes, and everything that stands on them would be compiled twice.
pub(crate) fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| OWN_PACKAGE.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(name);
        }
    }
    command.arg(subcommand);
    command
}
