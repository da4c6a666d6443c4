//! Describes one Rust file: what it declares, which paths it names and which macros it calls.

/// What one file holds, in the order in which it is written.
#[derive(Debug, Default)]
pub(crate) struct Syntax {
    pub(crate) modules: Vec<ModuleDeclaration>,
    pub(crate) definitions: Vec<Definition>,
    pub(crate) mentions: Vec<Mention>,
    pub(crate) macro_calls: Vec<MacroCall>,
}

/// `mod name;` or `mod name { … }`.
#[derive(Debug)]
pub(crate) struct ModuleDeclaration {
    /// The inline modules of the file around it.
    pub(crate) scope: Vec<String>,
    pub(crate) name: String,
    /// Its body stands here, not in a file of its own.
    pub(crate) is_inline: bool,
    /// The value of `#[path = "…"]`.
    pub(crate) path: Option<String>,
    pub(crate) in_test: bool,
}

/// An item other than `use`, `extern crate` and `mod name;`.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) scope: Vec<String>,
    /// `impl` for implementations, `name!` for calls of macros.
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) in_test: bool,
}

/// A path of at least two segments, or one of any length in a `use`.
#[derive(Debug)]
pub(crate) struct Mention {
    pub(crate) scope: Vec<String>,
    pub(crate) segments: Vec<String>,
    /// Of its first segment, from 1.
    pub(crate) line: usize,
    /// Of its first segment. Paths of one `use` that share it share this place, too.
    pub(crate) column: usize,
    pub(crate) binds: Binds,
    /// Written with `::` before it: the first segment is another crate.
    pub(crate) is_global: bool,
    /// Inside an item that is compiled for tests only.
    pub(crate) in_test: bool,
}

/// Which names a mention brings into its scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Binds {
    Nothing,
    Name(String),
    Everything,
}

#[derive(Debug)]
pub(crate) struct MacroCall {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// The first token between the brackets, as written.
    pub(crate) first_argument: String,
}
