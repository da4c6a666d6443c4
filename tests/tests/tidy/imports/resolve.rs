//! Follows a path through the modules of its crate to the module that defines what it names.

use super::modules::Module;

/// Renamed re-exports of re-exports that are followed; real ones are two or three deep.
const MAX_DEPTH: usize = 16;

/// Where a path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    /// The module that the path goes through last: it defines or imports the item.
    pub(super) through: usize,
    /// The module that defines the item, or the module that the path names.
    pub(super) module: usize,
    pub(super) is_item: bool,
}

/// Where `path`, written in module `from`, leads; `None` if out of the crate, or along a name that another `use` of the
/// same module binds to an item, which is found there.
pub(super) fn resolve(modules: &[Module], from: usize, path: &[String]) -> Option<Target> {
    Resolver { modules }.path(from, path, 0)
}

struct Resolver<'a> {
    modules: &'a [Module],
}

impl Resolver<'_> {
    fn path(&self, from: usize, path: &[String], depth: usize) -> Option<Target> {
        if depth > MAX_DEPTH {
            return None;
        }
        let (first, rest) = path.split_first()?;
        let start = match first.as_str() {
            "crate" => 0,
            "self" => from,
            "super" => self.modules[from].parent?,
            name => self.name_in_scope(from, name, path, depth)?,
        };
        self.walk(start, rest, depth)
    }

    /// The module that `name` means in module `from`. A path of one name in a `use` is not looked up among the names that
    /// the same `use` binds.
    fn name_in_scope(&self, from: usize, name: &str, path: &[String], depth: usize) -> Option<usize> {
        if let Some(child) = self.modules[from].children.get(name) {
            return Some(*child);
        }
        let import = self.modules[from].imports.get(name).filter(|import| *import != path)?;
        let target = self.path(from, import, depth + 1)?;
        (!target.is_item).then_some(target.module)
    }

    fn walk(&self, start: usize, path: &[String], depth: usize) -> Option<Target> {
        let mut at = start;
        for (index, segment) in path.iter().enumerate() {
            let module = &self.modules[at];
            if segment == "super" {
                at = module.parent?;
            } else if let Some(child) = module.children.get(segment) {
                at = *child;
            } else {
                return self.item(at, segment, &path[index + 1..], depth);
            }
        }
        Some(Target { through: at, module: at, is_item: false })
    }

    /// The item `name` of module `at`: its own, one that it imports, or one that a macro of its makes.
    fn item(&self, at: usize, name: &str, rest: &[String], depth: usize) -> Option<Target> {
        let item_of = |module| Target { through: at, module, is_item: true };
        if self.modules[at].definitions.contains(name) {
            return Some(item_of(at));
        }
        if let Some(import) = self.modules[at].imports.get(name) {
            return match self.path(at, import, depth + 1) {
                Some(target) if target.is_item => Some(item_of(target.module)),
                // A module, perhaps under another name.
                Some(target) => {
                    let target = self.walk(target.module, rest, depth + 1)?;
                    Some(Target { through: at, ..target })
                }
                // An item of another crate, that this module hands on.
                None => Some(item_of(at)),
            };
        }
        let defined_by_glob = self.modules[at].globs.iter().find_map(|glob| {
            let target = self.path(at, glob, depth + 1).filter(|target| !target.is_item)?;
            self.defines(target.module, name, depth + 1)
        });
        Some(item_of(defined_by_glob.unwrap_or(at)))
    }

    /// The module that defines the item `name` of module `at`, where that is certain.
    fn defines(&self, at: usize, name: &str, depth: usize) -> Option<usize> {
        let module = &self.modules[at];
        let is_known = module.definitions.contains(name) || module.imports.contains_key(name);
        is_known.then(|| self.item(at, name, &[], depth)).flatten().map(|target| target.module)
    }
}
