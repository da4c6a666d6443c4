//! Walks the syntax tree of one file and notes what other rules ask for.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ImplItemFn, Item, ItemMod, ItemUse, Lit, Meta};

use super::items::{Binds, Definition, MacroCall, Mention, ModuleDeclaration, Syntax};
use super::paths::{FoundPath, first_token, paths_in_tokens, paths_of_use};

/// Reads `source`, or says why it is not Rust.
pub(crate) fn read(source: &str) -> Result<Syntax, String> {
    let file = syn::parse_file(source)
        .map_err(|error| format!("this is not Rust: {error} (line {})", error.span().start().line))?;
    let mut reader = Reader { in_test: is_for_tests(&file.attrs), ..Reader::default() };
    reader.visit_file(&file);
    Ok(reader.syntax)
}

#[derive(Default)]
struct Reader {
    syntax: Syntax,
    scope: Vec<String>,
    in_test: bool,
    /// Blocks around the current item: what a function body defines is no item of its module.
    blocks: usize,
}

impl Reader {
    fn mention(&mut self, path: FoundPath, binds: Binds) {
        let start = path.at.start();
        self.syntax.mentions.push(Mention {
            scope: self.scope.clone(),
            segments: path.segments,
            line: start.line,
            column: start.column,
            binds,
            is_global: path.is_global,
            in_test: self.in_test,
        });
    }

    fn mention_path(&mut self, path: &syn::Path) {
        let segments: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.unraw().to_string()).collect();
        let is_global = path.leading_colon.is_some();
        if segments.len() > 1 || is_global {
            self.mention(FoundPath { segments, is_global, at: path.segments.span() }, Binds::Nothing);
        }
    }

    fn read_tokens(&mut self, tokens: TokenStream, with_strings: bool) {
        let found = paths_in_tokens(tokens, with_strings);
        for path in found.paths {
            self.mention(path, Binds::Nothing);
        }
        for item in &found.uses {
            self.read_use(item);
        }
        self.syntax.macro_calls.extend(found.macro_calls);
    }

    fn read_use(&mut self, item: &ItemUse) {
        for (path, binds) in paths_of_use(item) {
            self.mention(path, binds);
        }
    }

    fn read_module(&mut self, item: &ItemMod) {
        let path = item.attrs.iter().find_map(|attribute| match &attribute.meta {
            Meta::NameValue(meta) if meta.path.is_ident("path") => text_of(&meta.value),
            _ => None,
        });
        let name = item.ident.unraw().to_string();
        self.syntax.modules.push(ModuleDeclaration {
            scope: self.scope.clone(),
            name: name.clone(),
            is_inline: item.content.is_some(),
            path,
            in_test: self.in_test,
        });
        self.scope.push(name);
        visit::visit_item_mod(self, item);
        self.scope.pop();
    }

    fn define(&mut self, item: &Item) {
        if let (0, Some(name)) = (self.blocks, defined_name(item)) {
            let (scope, line) = (self.scope.clone(), item.span().start().line);
            self.syntax.definitions.push(Definition { scope, name, line, in_test: self.in_test });
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let outside = self.in_test;
        self.in_test |= is_for_tests(attributes(item));
        self.define(item);
        match item {
            Item::Mod(module) if self.blocks == 0 => self.read_module(module),
            Item::Use(import) => self.read_use(import),
            Item::ExternCrate(import) => {
                let segments = vec![import.ident.unraw().to_string()];
                let path = FoundPath { segments, is_global: true, at: import.ident.span() };
                self.mention(path, Binds::Nothing);
            }
            other => visit::visit_item(self, other),
        }
        self.in_test = outside;
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        let outside = self.in_test;
        self.in_test |= is_for_tests(&function.attrs);
        visit::visit_impl_item_fn(self, function);
        self.in_test = outside;
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.blocks += 1;
        visit::visit_block(self, block);
        self.blocks -= 1;
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.mention_path(path);
        visit::visit_path(self, path);
    }

    /// `pub(in path)` says who may look, and imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.mention_path(&call.path);
        if let Some(last) = call.path.segments.last() {
            self.syntax.macro_calls.push(MacroCall {
                name: last.ident.unraw().to_string(),
                line: call.path.span().start().line,
                first_argument: first_token(call.tokens.clone()),
            });
        }
        self.read_tokens(call.tokens.clone(), false);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        self.mention_path(attribute.path());
        // Strings, too: `#[serde(with = "crate::path")]`.
        if let Meta::List(list) = &attribute.meta {
            self.read_tokens(list.tokens.clone(), true);
        }
    }
}

/// True behind `#[cfg(test)]`, `#[cfg(all(test, …))]`, `#[test]` and `#[tokio::test]`.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_test = attribute.path().segments.last().is_some_and(|segment| segment.ident == "test");
        is_test
            || attribute.path().is_ident("cfg") && attribute.parse_args().is_ok_and(|meta| needs_test(&meta))
    })
}

fn needs_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => {
            let conditions =
                list.parse_args_with(syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated);
            conditions.is_ok_and(|conditions| conditions.iter().any(needs_test))
        }
        _ => false,
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// What `item` defines; `None` where it only declares or imports.
fn defined_name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Use(_) | Item::ExternCrate(_) => return None,
        Item::Mod(item) if item.content.is_none() => return None,
        Item::Mod(item) => &item.ident,
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        Item::Macro(item) => match &item.ident {
            Some(ident) => ident,
            None => return Some(format!("{}!", item.mac.path.segments.last()?.ident)),
        },
        _ => return Some("impl".to_owned()),
    };
    Some(ident.unraw().to_string())
}

fn text_of(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

#[test]
fn production_code_is_told_from_tests() {
    let source = "// sqlx::a\nfn f() { g(\"sqlx::b\"); }\n#[cfg(test)]\nmod tests {\n    use sqlx::c;\n}\nuse sqlx::d;\n#[tokio::test]\nasync fn t() { sqlx::e() }\n#[cfg(all(test, unix))]\nuse sqlx::f;\n#[cfg(any(test, unix))]\nuse sqlx::g;";
    let found: Vec<(usize, bool)> = read(source)
        .expect("the snippet is Rust")
        .mentions
        .iter()
        .filter(|mention| mention.segments[0] == "sqlx")
        .map(|mention| (mention.line, mention.in_test))
        .collect();
    assert_eq!(found, [(5, true), (7, false), (9, true), (11, true), (13, false)]);
}

#[test]
fn every_path_is_read_with_what_it_binds() {
    let source = "use a::{b::{self, C as D}, e::*};\nfn f(x: g::H<i::J>) { k::l(m!(n::o, p.q(), r::<s::T>::u)) }\n#[v(w::X)]\nstruct S;";
    let found: Vec<(String, Binds)> = read(source)
        .expect("the snippet is Rust")
        .mentions
        .iter()
        .map(|mention| (mention.segments.join("::"), mention.binds.clone()))
        .collect();
    let name = |name: &str| Binds::Name(name.to_owned());
    let bound = [("a::b", name("b")), ("a::b::C", name("D")), ("a::e", Binds::Everything)];
    let named = ["g::H", "i::J", "k::l", "n::o", "s::T", "w::X"].map(|path| (path, Binds::Nothing));
    let expected: Vec<(String, Binds)> =
        bound.into_iter().chain(named).map(|(path, binds)| (path.to_owned(), binds)).collect();
    assert_eq!(found, expected);
}
