//! Refuses all system calls but those that computing, memory, threads and pipes need, by seccomp.
//!
//! A call that a library may try without harm fails with "not permitted". One that only an attack makes ends the process.

use std::collections::BTreeMap;
use std::io;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};

/// What parsing needs. None of them names a file, an address or another process.
const ALLOWED: &[libc::c_long] = &[
    // Pipes.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_lseek,
    libc::SYS_ppoll,
    // Memory.
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    // Threads. `clone` makes threads only, see below.
    libc::SYS_clone3,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_membarrier,
    // Signals to itself, and the end.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Time and chance.
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
];

/// What no parser tries.
const DEADLY: &[libc::c_long] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_io_uring_setup,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_kexec_load,
];

type Rules = BTreeMap<libc::c_long, Vec<SeccompRule>>;

/// Refuses all other system calls. Of several filters the strictest counts.
///
/// # Errors
/// Where the kernel has no seccomp, or there are no filters for this processor.
pub(crate) fn refuse_others() -> io::Result<()> {
    let deadly: Rules = DEADLY.iter().map(|call| (*call, Vec::new())).collect();
    let not_permitted = SeccompAction::Errno(libc::EPERM as u32);
    // Its flags are in memory, where no filter looks; without it `clone` is used.
    let unknown = SeccompAction::Errno(libc::ENOSYS as u32);
    let clone3: Rules = [(libc::SYS_clone3, Vec::new())].into();
    for (rules, matching, other) in [
        (deadly, SeccompAction::KillProcess, SeccompAction::Allow),
        (clone3, unknown, SeccompAction::Allow),
        (allowed().map_err(io::Error::other)?, SeccompAction::Allow, not_permitted),
    ] {
        let filter = program(rules, other, matching).map_err(io::Error::other)?;
        apply_filter(&filter).map_err(io::Error::other)?;
    }
    Ok(())
}

fn program(
    rules: Rules,
    other: SeccompAction,
    matching: SeccompAction,
) -> Result<BpfProgram, seccompiler::BackendError> {
    let processor = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, other, matching, processor)?.try_into()
}

fn allowed() -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    // It writes limits, too; reading those of this process is all that libraries do.
    rules.insert(libc::SYS_prlimit64, vec![where_argument(2, SeccompCmpOp::Eq, 0)?]);
    let thread = libc::CLONE_THREAD as u64;
    rules.insert(libc::SYS_clone, vec![where_argument(0, SeccompCmpOp::MaskedEq(thread), thread)?]);
    // A thread has a name.
    rules.insert(libc::SYS_prctl, vec![where_argument(0, SeccompCmpOp::Eq, libc::PR_SET_NAME as u64)?]);
    // `abort` sends a signal.
    let own = u64::from(std::process::id());
    rules.insert(libc::SYS_tgkill, vec![where_argument(0, SeccompCmpOp::Eq, own)?]);
    Ok(rules)
}

fn where_argument(
    number: u8,
    is: SeccompCmpOp,
    value: u64,
) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(number, SeccompCmpArgLen::Qword, is, value)?])
}
