//! The steps on Linux, in their order: what is taken first is needed least by the steps that follow.

use std::io;

use rustix::param::page_size;
use rustix::process::{
    DumpableBehavior, Signal, getppid, set_dumpable_behavior, set_parent_process_death_signal,
};
use rustix::thread::set_no_new_privs;

use crate::sandbox::confinement::{files, limits, system_calls};

/// Confines this process, and returns what is missing. Ends the process if `parent`, which started it, is gone.
pub(crate) fn confine(parent: Option<u32>) -> Vec<String> {
    let mut missing = Vec::new();
    let mut step = |name: &str, taken: io::Result<()>| {
        if let Err(error) = taken {
            missing.push(format!("{name} ({error})"));
        }
    };
    step(
        "an end together with the parent",
        set_parent_process_death_signal(Some(Signal::KILL)).map_err(Into::into),
    );
    // It may have ended before that.
    let id = getppid().and_then(|id| u32::try_from(id.as_raw_nonzero().get()).ok());
    if parent.is_some() && parent != id {
        std::process::exit(1);
    }
    step("closed descriptors", limits::close_other_descriptors());
    // Of all processes these are the ones that the system should end first when it runs out of memory. Where it cannot be
    // told, it decides by size.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    step("secrecy of its memory", set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(Into::into));
    step("no new privileges", set_no_new_privs(true).map_err(Into::into));
    step("limits of resources", limits::set());
    step("landlock", files::refuse_all());
    step("seccomp", system_calls::refuse_others());
    missing
}

/// The memory that a process keeps; `None` where the system does not tell.
pub(crate) fn resident_bytes(process: u32) -> Option<u64> {
    let pages = std::fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    let resident: u64 = pages.split(' ').nth(1)?.parse().ok()?;
    Some(resident * page_size() as u64)
}
