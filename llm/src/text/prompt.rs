//! A rendered prompt: what the chat template wrote, and what people said.

use std::borrow::Cow;

/// A part of a rendered prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PromptSegment<'a> {
    /// Written by the template: may name special tokens.
    Markup(String),
    /// The content of a message: plain text whatever it looks like.
    Text(Cow<'a, str>),
}
