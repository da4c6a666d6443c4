//! Keeps a collection in step with a source: a folder of files, or a web site.

pub(crate) mod folder;
pub(crate) mod regular_file;
pub(crate) mod removal;
pub(crate) mod report;
pub(crate) mod site;
pub(crate) mod walk;
