//! Waiting for something to become true, instead of sleeping and hoping.

use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_millis(50);

/// Tries `attempt` again and again until it gives a value, and gives that.
///
/// # Panics
///
/// When `within` has passed without one; `what` says in the message what was waited for.
pub async fn eventually<T>(what: &str, within: Duration, attempt: impl AsyncFnMut() -> Option<T>) -> T {
    match within_time(within, attempt).await {
        Some(value) => value,
        None => panic!("waited {} s in vain for {what}", within.as_secs_f32()),
    }
}

/// The same for callers that have more to say than a name when time is up: gives `None` then.
pub(crate) async fn within_time<T>(
    within: Duration,
    mut attempt: impl AsyncFnMut() -> Option<T>,
) -> Option<T> {
    let end = Instant::now() + within;
    loop {
        if let Some(value) = attempt().await {
            return Some(value);
        }
        if Instant::now() >= end {
            return None;
        }
        tokio::time::sleep(PERIOD).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_value_ends_the_wait() {
        let mut attempts = 0;
        let value = eventually("the third attempt", Duration::from_secs(5), async || {
            attempts += 1;
            (attempts == 3).then_some("here")
        })
        .await;
        assert_eq!((value, attempts), ("here", 3));
    }

    #[tokio::test]
    #[should_panic(expected = "in vain for rain")]
    async fn the_wait_has_an_end() {
        eventually::<()>("rain", Duration::from_millis(10), async || None).await;
    }
}
