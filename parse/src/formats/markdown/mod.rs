//! Markdown: the format that every document becomes.

pub(crate) mod clean;
pub(crate) mod cleaner;
pub(crate) mod edits;
pub(crate) mod embedded_html;
pub(crate) mod headings;
pub(crate) mod links;
pub(crate) mod outline;
pub(crate) mod outline_builder;
pub(crate) mod syntax;
