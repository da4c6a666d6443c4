//! Holds the pages to the code: their generated parts are up to date, and the files that they name exist.
//!
//! A part is a table between two marks. `UPDATE_DOCS=1 cargo test -p tests --test docs` writes them.

mod api;
mod arrows;
mod formats;
mod page;
mod paths;
mod settings;

use page::check;

/// The languages of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Korean,
}

impl Language {
    /// The text in this language.
    fn of<T>(self, english: T, korean: T) -> T {
        match self {
            Self::English => english,
            Self::Korean => korean,
        }
    }
}

#[test]
fn the_page_on_the_api_lists_every_request_and_error_code() {
    check("docs/api.md", &api::parts(Language::English));
    check("docs/api.ko.md", &api::parts(Language::Korean));
}

#[test]
fn the_page_on_the_settings_lists_every_setting() {
    check("docs/settings.md", &settings::parts(Language::English));
    check("docs/settings.ko.md", &settings::parts(Language::Korean));
}

#[test]
fn the_page_on_the_formats_lists_every_format() {
    check("docs/formats.md", &formats::parts(Language::English));
    check("docs/formats.ko.md", &formats::parts(Language::Korean));
}

#[test]
fn a_file_is_detected_as_the_format_that_the_page_lists_it_under() {
    formats::check_samples();
}

#[test]
fn the_architecture_has_the_dependencies_of_the_manifests() {
    check("ARCHITECTURE.md", &[arrows::part()]);
}

#[test]
fn links_and_paths_lead_somewhere() {
    assert_eq!(paths::dead(), [""; 0]);
}
