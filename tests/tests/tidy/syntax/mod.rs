//! Reads Rust sources with `syn`.

mod items;
mod paths;
mod reader;

pub(crate) use items::{Binds, MacroCall, Mention, ModuleDeclaration, Syntax};
pub(crate) use reader::read;
