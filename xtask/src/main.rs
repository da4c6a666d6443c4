//! Runs the project's development tasks: `cargo xtask NAME`.
//!
//! Each task is one module. Nothing of the product is linked here: a task runs the same `cargo` and the same `daedap`
//! binary that a developer would.

mod bench;
mod cargo;
mod cargo_output;
mod models;
mod postgres;
mod prerequisites;
mod schemathesis;
mod task;
mod test;

fn main() -> anyhow::Result<std::process::ExitCode> {
    task::run()
}
