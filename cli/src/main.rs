//! The binary `daedap`: reads the command line and exits with 0 (done), 1 (something failed) or 2 (wrong usage).

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
