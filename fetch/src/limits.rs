//! Bounds what one page may take.

use std::time::Duration;

/// Maximum time for one page, including all redirects.
pub(crate) const PAGE_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum wait for a connection.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Maximum number of redirects that are followed.
pub(crate) const MAX_REDIRECTS: usize = 5;
