//! Runs cargo without the environment variables of this package.

use std::process::Command;

/// Prefixes of the variables that describe the running package.
const PACKAGE_VARIABLES: [&str; 4] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_NAME", "CARGO_PRIMARY_PACKAGE"];

/// A `cargo SUBCOMMAND` without the variables that cargo set for this program: build scripts (ring's is one) run again
/// when such a variable changes, and every crate that depends on them would be compiled twice.
pub(crate) fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| PACKAGE_VARIABLES.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(name);
        }
    }
    command.arg(subcommand);
    command
}
