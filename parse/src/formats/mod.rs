//! One file or folder per format: each turns the bytes of a document into Markdown with headings and page starts.

pub(crate) mod email;
pub(crate) mod epub;
pub(crate) mod html;
pub(crate) mod hwp;
pub(crate) mod hwpx;
pub(crate) mod json;
pub(crate) mod markdown;
pub(crate) mod office;
pub(crate) mod opendocument;
pub(crate) mod package;
pub(crate) mod pages;
pub(crate) mod pdf;
pub(crate) mod table;
pub(crate) mod text;
