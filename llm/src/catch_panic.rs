//! Turns a panic in a model's computation into an error, so that a bug in one answer does not end the service.

use std::panic::{AssertUnwindSafe, catch_unwind};

use domain::Cause;

/// Runs `work`, and returns its panic as an error.
pub(crate) fn catch_panic<T>(work: impl FnOnce() -> Result<T, Cause>) -> Result<T, Cause> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(format!("the model panicked: {message}").into())
    })
}

#[cfg(test)]
mod tests {
    use super::catch_panic;

    #[test]
    fn a_panic_is_an_error() {
        assert_eq!(catch_panic::<()>(|| panic!("row {}", 7)), Err("the model panicked: row 7".into()));
        assert_eq!(catch_panic(|| Ok(1)), Ok(1));
    }
}
