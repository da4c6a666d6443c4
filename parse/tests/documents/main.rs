//! Parses real, hostile and damaged documents. One binary, because linking the parsers takes longer than the tests.

mod archives;
mod costs;
mod formats;
mod hostile;
mod mutations;
mod zip_archive;
