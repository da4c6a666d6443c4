//! Facades (`mod.rs`, `lib.rs`, `main.rs`) only declare and re-export, and nothing below them imports through them.

use crate::imports::{imports, is_facade};
use crate::syntax;
use crate::tree::{SourceFile, Tree, Violation};

/// A facade holds `mod`, `use`, documentation and attributes. A `main.rs` without modules is a program, not a facade.
pub(crate) fn code_in_facades(tree: &Tree) -> Vec<Violation> {
    tree.rust().filter(|file| is_facade(&file.path) && file.is_in_src()).flat_map(code_in_facade).collect()
}

fn code_in_facade(file: &SourceFile) -> Vec<Violation> {
    let is_main = file.path.ends_with("/main.rs");
    // The rule on walls reports files that are not Rust.
    let Ok(syntax) = syntax::read(&file.text) else { return Vec::new() };
    if is_main && syntax.modules.iter().all(|module| module.in_test || module.is_inline) {
        return Vec::new();
    }
    let code = syntax.definitions.iter().filter(|definition| {
        let is_entry_point = is_main && definition.name == "main";
        definition.scope.is_empty() && !definition.in_test && !is_entry_point
    });
    code.map(|definition| {
        let message =
            format!("move `{}` to a file of its own: a facade only declares and re-exports", definition.name);
        file.violation(definition.line, message)
    })
    .collect()
}

/// A file imports its siblings from their own files.
pub(crate) fn imports_of_own_facades(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for import in imports(tree) {
        let Some(facade) = import.own_facade else { continue };
        let message = if import.to == facade {
            format!("`{}` comes from the facade {facade}: import it from where it is defined", import.path)
        } else {
            format!("import `{}` from {}, not through the facade {facade}", import.path, import.to)
        };
        violations.push(Violation { path: import.from, line: import.line, message });
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(path: &str, text: &str) -> Vec<usize> {
        code_in_facades(&Tree::of(&[(path, text)])).into_iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn code_in_a_facade_is_reported() {
        let text = "mod a;\nconst MAX: u32 = 1;\n/// F.\nfn f() {}\nimpl A {}\nmod inner {}\nid! { A }\nmacro_rules! m { () => {} }";
        for path in ["db/src/lib.rs", "db/src/jobs/mod.rs", "db/src/main.rs"] {
            assert_eq!(code(path, text), [2, 3, 5, 6, 7, 8], "{path}");
        }
        assert!(code("db/src/jobs.rs", text).is_empty());
        assert!(code("db/tests/kit/mod.rs", text).is_empty());
    }

    #[test]
    fn a_facade_declares_and_re_exports() {
        let text = "//! Docs.\n#![cfg_attr(test, allow(x))]\nextern crate std;\n#[macro_use]\nmod a;\n#[cfg(test)]\nmod tests { fn f() {} }\npub use a::A;\nuse self::a as b;\n#[cfg(test)]\nfn g() {}";
        assert!(code("db/src/lib.rs", text).is_empty());
        assert!(code("cli/src/main.rs", "mod a;\nfn main() { a::main() }").is_empty());
        assert!(code("cli/src/main.rs", "fn main() { f() }\nfn f() {}").is_empty());
    }

    /// `file:line` of each violation in a crate with a file `src/folder/a.rs` of this text.
    fn through_facades(text: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("db/Cargo.toml", "[package]"),
            ("db/src/lib.rs", "mod error;\nmod folder;\npub use error::Error;"),
            ("db/src/error.rs", "pub struct Error;"),
            ("db/src/outside.rs", ""),
            (
                "db/src/folder/mod.rs",
                "mod a;\nmod b;\npub use b::B;\nuse crate::error;\npub(crate) const MAX: u32 = 1;",
            ),
            ("db/src/folder/a.rs", text),
            ("db/src/folder/b.rs", "pub struct B;"),
        ]);
        imports_of_own_facades(&tree)
            .iter()
            .map(|violation| format!("{}: {}", violation.line, violation.message))
            .collect()
    }

    #[test]
    fn a_child_that_imports_its_facade_is_reported() {
        let cases = [
            (
                "use super::B;",
                "1: import `super::B` from db/src/folder/b.rs, not through the facade db/src/folder/mod.rs",
            ),
            ("\nfn f(b: super::B) {}", "2: import `super::B` from db/src/folder/b.rs"),
            ("use crate::folder::{b, B as C};", "1: import `crate::folder::B` from db/src/folder/b.rs"),
            (
                "use crate::Error;",
                "1: import `crate::Error` from db/src/error.rs, not through the facade db/src/lib.rs",
            ),
            ("fn f() { g!(crate::Error::new()) }", "1: import `crate::Error::new` from db/src/error.rs"),
            ("use super::error::Error;", "1: import `super::error::Error` from db/src/error.rs"),
            ("use super::MAX;", "1: `super::MAX` comes from the facade db/src/folder/mod.rs"),
            ("use super::*;", "1: `super` comes from the facade db/src/folder/mod.rs"),
        ];
        for (text, expected) in cases {
            let found = through_facades(text);
            assert!(found.len() == 1 && found[0].starts_with(expected), "{text}: {found:?}");
        }
    }

    #[test]
    fn siblings_are_imported_from_their_files() {
        for text in [
            "use super::b::B;",
            "use crate::folder::b::{self, B};",
            "use super::b;\nuse crate::error::Error;\nfn f() -> b::B {}",
            "mod inner { use super::A; }\nstruct A;",
            "#[cfg(test)]\nmod tests {\n    use crate::Error;\n    use super::super::B;\n}",
            "use std::fmt;\nuse domain::Error;\nfn f() { fmt::f() }",
        ] {
            assert_eq!(through_facades(text), [""; 0], "{text}");
        }
    }
}
