//! The one tenant of a process that serves one.

use domain::WorkspaceId;

/// The tenant of a process that serves one.
pub const WORKSPACE: WorkspaceId = WorkspaceId::DEFAULT;
