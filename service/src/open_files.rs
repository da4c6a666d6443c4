//! Raises the number of files that this process may have open, sockets included.

/// What is asked for at most: more than this is for more than one machine.
const WANTED: u64 = 65_536;

/// Raises the soft limit as far as the hard one lets it. Returns the limit; `None` where there is none.
pub fn raise_open_files_limit() -> Option<usize> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let limit = current?;
        let wanted = maximum.map_or(WANTED, |maximum| maximum.min(WANTED));
        if limit >= wanted {
            return usize::try_from(limit).ok();
        }
        match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
            Ok(()) => usize::try_from(wanted).ok(),
            Err(error) => {
                tracing::warn!(%error, limit, "cannot raise the limit of open files");
                usize::try_from(limit).ok()
            }
        }
    }
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_once() {
        let raised = raise_open_files_limit();
        assert!(raised.is_none_or(|limit| limit > 0));
        assert_eq!(raise_open_files_limit(), raised);
    }
}
