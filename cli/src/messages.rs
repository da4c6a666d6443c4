//! Looks up what a person reads, in the language of the environment.

use std::sync::LazyLock;

use locales::{Argument, Locale};

static LOCALE: LazyLock<Locale> = LazyLock::new(|| Locale::from_env(|name| std::env::var(name).ok()));

/// The language of the environment.
pub(crate) fn locale() -> Locale {
    *LOCALE
}

/// The message `key` with these arguments; [`message!`] reads better.
pub(crate) fn lookup(key: &str, arguments: &[(&str, Argument<'_>)]) -> String {
    locales::text_with(locale(), key, arguments)
}

/// The message of that key: `message!("cli-start-chat-page", url = &url)`.
macro_rules! message {
    ($key:expr $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::messages::lookup($key, &[$((stringify!($name), locales::Argument::from($value))),*])
    };
}
pub(crate) use message;

#[cfg(test)]
mod tests;
