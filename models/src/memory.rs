//! How much memory a model may take on this machine.

use sysinfo::System;

/// Bytes that can be had without swapping, within this process's control group where it has a limit; `None` where
/// the system does not say.
pub fn available_memory_bytes() -> Option<u64> {
    let mut system = System::new().ok()?;
    system.refresh_memory();
    // A control group counts cached file pages as used, although the kernel gives them back: right after a
    // download its "free" memory would be the model's size too small.
    let limit =
        system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory.saturating_sub(limits.rss));
    Some(system.available_memory().min(limit))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_running_machine_has_some() {
        assert!(super::available_memory_bytes().is_some_and(|bytes| bytes > 1_000_000));
    }
}
