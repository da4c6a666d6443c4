//! Refuses all files and the network, by an empty rule set of landlock.

use std::io;

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};

/// The newest rules that are asked for; an older kernel enforces those that it knows. Files are in the first of them.
const RULES: ABI = ABI::V6;

/// Refuses every file, and every port where the kernel can.
///
/// # Errors
/// Where the kernel has no landlock, or it is switched off.
pub(crate) fn refuse_all() -> io::Result<()> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(RULES))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(RULES)))
        .and_then(|rules| rules.scope(Scope::from_all(RULES)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(io::Error::other)?;
    match status.ruleset {
        RulesetStatus::NotEnforced => Err(io::ErrorKind::Unsupported.into()),
        _ => Ok(()),
    }
}
