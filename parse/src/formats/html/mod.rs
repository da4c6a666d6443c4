//! HTML: pages, fragments within Markdown, and chapters of books.

pub(crate) mod attributes;
pub(crate) mod nesting;
pub(crate) mod page;
pub(crate) mod recognize;
pub(crate) mod to_markdown;
pub(crate) mod tree;
