//! Collections, their documents, and the versions of documents.

mod begin_version;
pub(crate) mod collections;
#[expect(clippy::module_inception, reason = "a file is named after its table")]
pub(crate) mod documents;
mod history;
mod publish_version;
pub(crate) mod versions;
mod web_pages;

pub use begin_version::{BegunVersion, NewVersion};
pub use documents::DocumentSource;
pub use history::VersionSummary;
pub use versions::StaleVersion;
pub use web_pages::WebPage;
