//! Serves every text that a person sees, in English and in Korean, from one catalogue of messages.
//!
//! The texts are in `en.ftl` and `ko.ftl` beside this crate's manifest, in [Fluent](https://projectfluent.org/) syntax.
//! Ids name where a text appears: `help-…` and `cli-…` for the command line, `error-…` for error codes of the API,
//! `chat-…` for the chat page. Log lines and the identifiers of the API (codes, field names) are not translated.

mod argument;
mod catalog;
mod locale;
mod page;

pub use argument::Argument;
pub use catalog::{contains, text, text_with};
pub use locale::Locale;
pub use page::page_messages;
