//! Defines the Markdown syntax that is recognized.

use pulldown_cmark::Options;

/// Extensions of CommonMark in a stored text.
pub(crate) const SYNTAX: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS);

/// Extensions in a source, which may have front matter; a stored text has none.
pub(crate) const SOURCE_SYNTAX: Options = SYNTAX
    .union(Options::ENABLE_YAML_STYLE_METADATA_BLOCKS)
    .union(Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS);
