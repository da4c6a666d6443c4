//! Takes from a child process everything that parsing does not need: files, the network, other processes.
//!
//! What a child may still do is compute, use the memory that it is given, and read and write the three pipes that it was
//! started with. It says what could not be taken from it, because the system has no means to.

#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(target_os = "linux")]
mod system_calls;

#[cfg(target_os = "linux")]
pub(crate) use linux::{confine, resident_bytes};
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{confine, resident_bytes};
