//! Reads how much memory is available for a model.

use sysinfo::System;

/// Bytes available without swapping, within the memory limit of this process's control group; `None` where the system
/// does not report it.
pub fn available_memory_bytes() -> Option<u64> {
    let mut system = System::new().ok()?;
    system.refresh_memory();
    // A control group counts cached file pages as used although the kernel can reclaim them: right after a download,
    // its free memory would be too low by the model's size.
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
