//! Lists, for each crate of the workspace, which file imports what from which other file.

use crate::syntax::Binds;
use crate::tree::Tree;

use super::modules::{Module, is_facade, modules_of};
use super::resolve::{Target, resolve};

/// What one path in one file imports from another file of the crate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) from: String,
    pub(crate) line: usize,
    /// As written, with braces resolved.
    pub(crate) path: String,
    /// The file that defines what is imported.
    pub(crate) to: String,
    /// The facade of a folder around the importing file that the path goes through.
    pub(crate) own_facade: Option<String>,
}

/// All imports of production code between the files of the crates, in the order of the crates' paths.
pub(crate) fn imports(tree: &Tree) -> Vec<Import> {
    let roots = tree.rust().filter(|file| {
        let root = file.path.strip_suffix("src/lib.rs").or_else(|| file.path.strip_suffix("src/main.rs"));
        root.is_some_and(|folder| tree.get(&format!("{folder}Cargo.toml")).is_some())
    });
    roots.flat_map(|root| imports_of(&modules_of(tree, &root.path))).collect()
}

fn imports_of(modules: &[Module]) -> Vec<Import> {
    let mut imports = Vec::new();
    for (index, module) in modules.iter().enumerate().filter(|(_, module)| !module.in_test) {
        for mention in module.mentions.iter().filter(|mention| !mention.in_test && !mention.is_global) {
            let Some(target) = resolve(modules, index, &mention.segments) else { continue };
            let is_glob = mention.binds == Binds::Everything;
            let own_facade = own_facade(modules, index, target, is_glob);
            let to = &modules[target.module].file;
            let names_a_facade = !target.is_item && !is_glob && is_facade(to);
            // A facade that is named as a module is no import yet: what is taken out of it is a path of its own.
            if *to != module.file && !names_a_facade || own_facade.is_some() {
                imports.push(Import {
                    from: module.file.clone(),
                    line: mention.line,
                    path: mention.segments.join("::"),
                    to: to.clone(),
                    own_facade,
                });
            }
        }
    }
    imports
}

/// The facade that `target` was asked of, if its folder holds the module `from`.
fn own_facade(modules: &[Module], from: usize, target: Target, is_glob: bool) -> Option<String> {
    let facade = &modules[target.through].file;
    let asks_for_content = target.is_item || is_glob || target.through != target.module;
    let is_above = std::iter::successors(Some(from), |at| modules[*at].parent).any(|at| at == target.through);
    let is_own = asks_for_content && is_above && is_facade(facade) && *facade != modules[from].file;
    is_own.then(|| facade.clone())
}
