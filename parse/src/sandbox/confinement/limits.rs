//! Limits of resources, and the descriptors that a child inherits.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::limits::{MAX_BUSY, MAX_PROCESS_BYTES, PARSE_TIMEOUT};

/// Standard input, output and error, and as many again for what the system opens on its own.
const MAX_DESCRIPTORS: u64 = 6;

/// Sets all limits, for ever.
///
/// # Errors
/// Those of the system; what can be limited is limited.
pub(crate) fn set() -> io::Result<()> {
    // The last resort: the parent ends a child that takes too long, and replaces one that has worked for long.
    let processor_seconds = (MAX_BUSY + PARSE_TIMEOUT).as_secs() + 60;
    let mut result = Ok(());
    for (resource, most) in [
        (Resource::As, MAX_PROCESS_BYTES as u64),
        (Resource::Cpu, processor_seconds),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, MAX_DESCRIPTORS),
        (Resource::Memlock, 0),
    ] {
        result = result.and(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }));
    }
    Ok(result?)
}

/// Closes what the parent had open and did not mark as its own: native libraries forget that.
///
/// # Errors
/// Those of the system; kernels before 5.9 have no such call.
pub(crate) fn close_other_descriptors() -> io::Result<()> {
    let first = libc::STDERR_FILENO as libc::c_uint + 1;
    // SAFETY: this process has just begun, and holds no descriptor but the three of its pipes.
    match unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
