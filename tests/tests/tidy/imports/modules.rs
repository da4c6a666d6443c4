//! Lays out the modules of one crate: from its root file, along `mod` declarations, into files and inline modules.

use std::collections::{BTreeMap, BTreeSet};

use crate::syntax::{self, Binds, Mention, ModuleDeclaration, Syntax};
use crate::tree::Tree;

/// A file's module or an inline one.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) file: String,
    /// The module around it; `None` for the root of the crate.
    pub(super) parent: Option<usize>,
    pub(super) children: BTreeMap<String, usize>,
    /// What its own text defines.
    pub(super) definitions: BTreeSet<String>,
    /// The path behind each name that a `use` binds here.
    pub(super) imports: BTreeMap<String, Vec<String>>,
    /// The paths of `use path::*`.
    pub(super) globs: Vec<Vec<String>>,
    pub(super) mentions: Vec<Mention>,
    /// Compiled for tests only.
    pub(super) in_test: bool,
}

impl Module {
    fn new(file: &str, parent: Option<usize>, in_test: bool) -> Self {
        Self {
            file: file.to_owned(),
            parent,
            children: BTreeMap::new(),
            definitions: BTreeSet::new(),
            imports: BTreeMap::new(),
            globs: Vec::new(),
            mentions: Vec::new(),
            in_test,
        }
    }

    fn add(&mut self, mention: Mention) {
        match &mention.binds {
            // Names of other crates lead out of this one.
            _ if mention.is_global => {}
            Binds::Nothing => {}
            Binds::Name(name) => drop(self.imports.insert(name.clone(), mention.segments.clone())),
            Binds::Everything => self.globs.push(mention.segments.clone()),
        }
        self.mentions.push(mention);
    }
}

/// The modules of the crate whose root file is `root`, the root first. Files that are not Rust have no modules; the
/// rule on walls reports them.
pub(super) fn modules_of(tree: &Tree, root: &str) -> Vec<Module> {
    let mut layout = Layout { tree, modules: vec![Module::new(root, None, false)] };
    layout.read_file(0, root, &children_folder(root));
    layout.modules
}

/// `mod.rs`, `lib.rs` or `main.rs`.
pub(crate) fn is_facade(file: &str) -> bool {
    ["mod.rs", "lib.rs", "main.rs"].contains(&split_path(file).1)
}

/// The folder, with `/`, where the modules lie that `file` declares.
fn children_folder(file: &str) -> String {
    let (folder, name) = split_path(file);
    if is_facade(file) { folder.to_owned() } else { format!("{folder}{}/", name.trim_end_matches(".rs")) }
}

/// The folder with its `/`, and the file's name.
fn split_path(file: &str) -> (&str, &str) {
    file.split_at(file.rfind('/').map_or(0, |slash| slash + 1))
}

struct Layout<'a> {
    tree: &'a Tree,
    modules: Vec<Module>,
}

impl Layout<'_> {
    /// Fills module `at` from `file`, whose children lie in `folder`.
    fn read_file(&mut self, at: usize, file: &str, folder: &str) {
        let Some(source) = self.tree.get(file) else { return };
        let Ok(Syntax { modules, definitions, mentions, .. }) = syntax::read(&source.text) else { return };
        for declaration in &modules {
            let Some(parent) = self.inline_module(at, &declaration.scope) else { continue };
            self.declare(parent, declaration, file, folder);
        }
        for definition in definitions {
            if let Some(module) = self.inline_module(at, &definition.scope) {
                self.modules[module].definitions.insert(definition.name);
            }
        }
        for mention in mentions {
            if let Some(module) = self.inline_module(at, &mention.scope) {
                self.modules[module].add(mention);
            }
        }
    }

    fn declare(&mut self, parent: usize, declaration: &ModuleDeclaration, file: &str, folder: &str) {
        let in_test = declaration.in_test || self.modules[parent].in_test;
        if declaration.is_inline {
            self.add_child(parent, &declaration.name, file, in_test);
            return;
        }
        let scope: String = declaration.scope.iter().map(|name| format!("{name}/")).collect();
        let base = format!("{folder}{scope}{}", declaration.name);
        let candidates = match &declaration.path {
            Some(path) => vec![format!("{}{path}", split_path(file).0)],
            None => vec![format!("{base}.rs"), format!("{base}/mod.rs")],
        };
        let Some(child_file) = candidates.into_iter().find(|path| self.tree.get(path).is_some()) else {
            return;
        };
        let child = self.add_child(parent, &declaration.name, &child_file, in_test);
        self.read_file(child, &child_file, &children_folder(&child_file));
    }

    fn add_child(&mut self, parent: usize, name: &str, file: &str, in_test: bool) -> usize {
        let child = self.modules.len();
        self.modules.push(Module::new(file, Some(parent), in_test));
        self.modules[parent].children.insert(name.to_owned(), child);
        child
    }

    fn inline_module(&self, file_module: usize, scope: &[String]) -> Option<usize> {
        scope.iter().try_fold(file_module, |at, name| self.modules[at].children.get(name).copied())
    }
}
