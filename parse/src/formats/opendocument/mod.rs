//! OpenDocument texts and presentations.

pub(crate) mod document;
mod styles;
mod to_html;
mod xml;
